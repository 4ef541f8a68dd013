"""Class numbers and class names: as files have them, and as the rest of the project wants them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import DatasetError
from ..runtime.files import read_json, read_limited
from ..runtime.printable import printable

MAX_CLASSES = 65_536
_MAX_NAME = 1_000
_MAX_NAMES_BYTES = 16 * 1024 * 1024
_UINT8_MAX = np.iinfo(np.uint8).max


def class_numbers(values: NDArray[Any], source: str, names: Sequence[str] = ()) -> NDArray[Any]:
    """Return labels as class numbers, (N,) uint8, or int32 where there are more than 256 classes.

    Args:
        values: (N,) or (N, 1): integers, whole floating-point numbers, booleans, or names.
        source: Where they come from, for messages.
        names: A name for each class; needed where the labels are names.

    Raises:
        DatasetError: They are neither numbers of classes nor of the known names.
    """
    if values.ndim > 1 and values.shape[1:] == (1,):
        values = values[:, 0]
    if values.ndim != 1:
        raise DatasetError(
            f"the labels of {source} have the wrong shape or dtype",
            received=f"{values.dtype} {values.shape}",
            expected="one number or name for each input",
            fix="Give one class number for each input, not one-hot rows.",
        )
    if values.dtype.kind == "U":
        return _by_name(values, source, names)
    highest = len(names) - 1 if names else MAX_CLASSES - 1
    numbers = values.dtype.kind in "iubf"
    whole = numbers and bool(np.all(np.isfinite(values)) and np.all(values == np.floor(values)))
    if not whole or (values.size and not 0 <= values.min() <= values.max() <= highest):
        found = f"{values.dtype}" + (
            f" from {values.min()} to {values.max()}" if numbers and values.size else ""
        )
        raise DatasetError(
            f"{source} does not contain class numbers",
            received=found,
            expected=f"integers from 0 to {highest}",
            fix="Number the classes from 0.",
        )
    return _smallest(values)


def checked_names(names: Iterable[object], source: object) -> tuple[str, ...]:
    """Return names of classes.

    Raises:
        DatasetError: They are no text, empty, too long, too many, or one is there twice.
    """
    found = tuple(names)
    if not 0 < len(found) <= MAX_CLASSES:
        raise _names_refusal(source, f"{len(found):,} names")
    for number, name in enumerate(found):
        if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME:
            raise _names_refusal(source, f"{printable(repr(name))[:80]} for class {number}")
    if len(set(found)) < len(found):
        twice = Counter(found).most_common(1)[0][0]
        raise _names_refusal(source, f"{printable(repr(twice))} twice")
    return tuple(map(str, found))


def read_class_names(path: Path) -> tuple[str, ...]:
    """Return the class names in a file: a JSON list of strings if it ends in `.json`, else one name a line.

    Raises:
        DatasetError: The file is missing, too large, or contains something else.
    """
    try:
        if path.suffix == ".json":
            names = read_json(path)
            if not isinstance(names, list):
                raise _names_refusal(path, f"a JSON {type(names).__name__}")
        else:
            names = read_limited(path, _MAX_NAMES_BYTES).decode("utf-8-sig").rstrip("\r\n").split("\n")
            names = [name.strip() for name in names]
    except DatasetError:
        raise
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path of the class names.") from error
    except (OSError, ValueError) as error:
        raise _names_refusal(path, str(error)) from error
    return checked_names(names, path)


def _by_name(values: NDArray[np.str_], source: str, names: Sequence[str]) -> NDArray[Any]:
    unique, inverse = np.unique(values, return_inverse=True)
    number_of = {name: number for number, name in enumerate(names)}
    unknown = [str(name) for name in unique if str(name) not in number_of]
    if unknown:
        raise DatasetError(
            f"{source} has a label that is no known class",
            received=printable(repr(unknown[0])),
            expected=f"one of {', '.join(map(printable, names[:8]))}{', ...' if len(names) > 8 else ''}",  # noqa: PLR2004
            fix="Give a name for every class, or correct the label.",
        )
    return _smallest(np.array([number_of[str(name)] for name in unique], np.int64)[inverse.reshape(-1)])


def _smallest(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return class numbers in the smallest type that both numpy and IDX have for them."""
    return numbers.astype(np.uint8 if not numbers.size or numbers.max() <= _UINT8_MAX else np.int32)


def _names_refusal(source: object, received: str) -> DatasetError:
    return DatasetError(
        f"{source} does not name the classes",
        received=received,
        expected=f"1 to {MAX_CLASSES:,} different names, in the order of the class numbers",
        fix="Write one name a line, or a JSON list of strings.",
    )
