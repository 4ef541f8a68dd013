"""`.npz` files as Keras writes them: `x_train`, `y_train`, `x_test` and `y_test`; maybe `class_names` too."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.archives import array_names, map_array, read_arrays
from ..runtime.errors import DatasetError
from .idx import Part, listing
from .labels import checked_names, class_numbers
from .lazy import MAX_IN_MEMORY_BYTES
from .splits import Split
from .wanted import Wanted, conformed

_NAMES = "class_names"
_FIX = "Write it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)."


def matches(path: Path) -> bool:
    """Return whether a data set at `path` has this format."""
    return path.suffix == ".npz"


def read(path: Path, part: Part, wanted: Wanted) -> Split:
    """Return the inputs of a part, and its labels or targets; without any `y_`, neither.

    Raises:
        DatasetError: The file is missing, damaged, or has no such arrays; or the labels are no class numbers.
    """
    x, y = f"x_{part}", f"y_{part}"
    there = _names(path)
    inputs = _one(path, x, there)
    labelled = bool({"y_train", "y_test"} & set(there))
    source = f"{x} and {y} in {path}" if labelled else f"{x} in {path}"
    targets, labels, names = None, None, wanted.class_names
    if labelled and wanted.output == "values":
        targets = _targets(_one(path, y, there), f"{y} in {path}")
    elif labelled:
        labels, names = _labels(path, part, there, wanted)
    return Split(conformed(inputs, source, wanted), labels, source, targets, names)


def read_labels(path: Path, part: Part, wanted: Wanted) -> NDArray[Any] | None:
    """Return the labels of a part, and read none of its inputs; None where values are wanted.

    Raises:
        DatasetError: As for `read`.
    """
    return None if wanted.output == "values" else _labels(path, part, _names(path), wanted)[0]


def _labels(
    path: Path, part: Part, there: Collection[str], wanted: Wanted
) -> tuple[NDArray[Any], tuple[str, ...]]:
    y = f"y_{part}"
    labels, names = _one(path, y, there), wanted.class_names
    if not names and _NAMES in there:
        names = checked_names(_one(path, _NAMES, there).tolist(), f"{_NAMES} in {path}")
    if not names and labels.dtype.kind == "U":
        every = [_one(path, name, there) for name in ("y_train", "y_test") if name in there]
        names = checked_names(np.unique(np.concatenate([one.reshape(-1) for one in every])).tolist(), path)
    return class_numbers(labels, f"{y} in {path}", names), names


def _targets(values: NDArray[Any], source: str) -> NDArray[np.float32]:
    if values.dtype.kind not in "fiu":
        raise DatasetError(
            f"{source} does not contain values",
            received=values.dtype,
            expected="numbers",
            fix="Give the value that the model should predict for each input.",
        )
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _names(path: Path) -> tuple[str, ...]:
    try:
        return array_names(path)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path.") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, "x_train, y_train, x_test, y_test") from error


def _one(path: Path, name: str, there: Collection[str]) -> NDArray[Any]:
    if name not in there:
        raise DatasetError(
            f"{path} has no {name}",
            received=listing(there) or "an empty archive",
            expected="x_train, y_train, x_test, y_test",
            fix=_FIX,
        )
    try:
        mapped = map_array(path, name, MAX_IN_MEMORY_BYTES)
        return read_arrays(path, (name,))[name] if mapped is None else mapped
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, name) from error


def _unreadable(path: Path, error: Exception, names: str) -> DatasetError:
    return DatasetError(
        f"{path} cannot be read as an .npz file",
        received=str(error) or type(error).__name__,
        expected=f"a zip archive of plain arrays named {names}",
        fix=_FIX,
    )
