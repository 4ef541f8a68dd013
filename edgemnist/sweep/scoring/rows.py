"""Rows of what is to be scored, as a model's signature has them, with why some could not be read."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import EdgeMnistError, InputError, MissingExtraError, first_line
from ...runtime.predictor import Predictor
from ...runtime.signature import InputSpec

BLOCK_BYTES = 16 * 1024 * 1024
MAX_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a block.

    Attributes:
        raw: `(n, ...)`, as the model's signature has them, of the rows that could be read.
        errors: Why each row could not be read, or ""; the others are `raw`, in order.
        files: The file of each row; none where they have none.
    """

    raw: NDArray[Any]
    errors: tuple[str, ...]
    files: tuple[str, ...] = ()


def rows_of(values: Iterable[Any], predictor: Predictor, files: tuple[str, ...] = ()) -> Rows:
    """Return rows of pictures or arrays, one by one, since any of them may be damaged."""
    spec = predictor.signature.input
    found, errors = [], []
    for value in values:
        try:
            found.append(predictor.to_raw(_fitting(value, predictor))[0])
            errors.append("")
        except MissingExtraError:
            raise
        except EdgeMnistError as error:
            errors.append(str(error))
        except (ValueError, TypeError) as error:
            errors.append(first_line(error))
    raw = np.stack(found) if found else np.zeros((0, *spec.shape), spec.raw_dtype)
    return Rows(raw, tuple(errors), files)


def rows_of_numbers(numbers: NDArray[Any], predictor: Predictor) -> Rows:
    """Return the rows of `(N, length)` numbers, flat or of a model of features, or why they are none."""
    spec = predictor.signature.input
    if numbers.shape[1] != math.prod(spec.shape):
        return rows_of(numbers, predictor)
    return converted(_typed(numbers.reshape(-1, *spec.shape), spec), predictor)


def converted(array: NDArray[Any], predictor: Predictor) -> Rows:
    """Return the rows of an array; InputError where none of them can be read, since then it is the array."""
    try:
        raw = predictor.to_raw(array)
    except InputError:
        rows = rows_of(array, predictor)
        if not len(rows.raw):
            raise
        return rows
    return Rows(raw, ("",) * len(raw))


def _fitting(value: Any, predictor: Predictor) -> Any:
    """Return an array in the shape and of the type that the model takes, if it is one; all else as it is."""
    if value is None:
        raise InputError("there is nothing in this row")
    if not isinstance(value, np.ndarray):
        return value
    spec = predictor.signature.input
    if value.size == math.prod(spec.shape):
        value = value.reshape(spec.shape)
    return _typed(value, spec)


def _typed(array: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    """Return an array as the type that a model's rows have, unless its values change by that."""
    with np.errstate(invalid="ignore"):  # NaN is no whole number, and then they differ
        typed = array.astype(spec.raw_dtype)
    return typed if spec.kind == "features" or np.array_equal(typed, array) else array
