"""`.npz` files as Keras writes them: arrays `x_train`, `y_train`, `x_test` and `y_test`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.archives import array_names, read_arrays
from ..runtime.errors import DatasetError
from .idx import Part

_MAX_LABEL = 255
_FIX = "Write it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)."


def matches(path: Path) -> bool:
    """Return whether a data set at `path` has this format."""
    return path.suffix == ".npz"


def read(path: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    """Return the images and labels of a part, and the arrays they are from.

    Raises:
        DatasetError: The file is missing, damaged, or has no such arrays; or the labels are no class numbers.
    """
    images, labels = f"x_{part}", f"y_{part}"
    arrays = _arrays(path, images, labels)
    source = f"{images} and {labels} in {path}"
    return arrays[images], _class_numbers(arrays[labels], f"{labels} in {path}"), source


def read_labels(path: Path, part: Part) -> NDArray[np.uint8]:
    """Return the labels of a part, and read no other array; DatasetError as for `read`."""
    name = f"y_{part}"
    return _class_numbers(_arrays(path, name)[name], f"{name} in {path}")


def _arrays(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    try:
        arrays = read_arrays(path, names)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist", fix="Check the path.") from error
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read as an .npz file",
            received=str(error) or type(error).__name__,
            expected=f"a zip archive of plain arrays named {', '.join(names)}",
            fix=_FIX,
        ) from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise DatasetError(
            f"{path} has no {', '.join(missing)}",
            received=", ".join(array_names(path)) or "an empty archive",
            expected=", ".join(names),
            fix=_FIX,
        )
    return arrays


def _class_numbers(labels: NDArray[Any], source: str) -> NDArray[np.uint8]:
    whole = np.issubdtype(labels.dtype, np.integer)
    if not whole or (labels.size and not 0 <= labels.min() <= labels.max() <= _MAX_LABEL):
        found = f"{labels.dtype}" + (f" from {labels.min()} to {labels.max()}" if whole else "")
        raise DatasetError(
            f"{source} does not contain class numbers",
            received=found,
            expected=f"integers from 0 to {_MAX_LABEL}",
            fix="Number the classes from 0.",
        )
    return labels.astype(np.uint8)
