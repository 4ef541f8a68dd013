"""Folders of IDX files, plain or gzip, under their MNIST names."""

import re
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..runtime.errors import DatasetError
from .idx import IMAGE_AXES, LABEL_AXES, Part, listing, read_array
from .labels import class_numbers
from .splits import Split
from .wanted import Wanted, conformed

_PREFIX: dict[Part, str] = {"train": "train", "test": "t10k"}
_NAMES = ("{prefix}-{kind}-idx{axes}-ubyte", "{prefix}-{kind}.idx{axes}-ubyte")
_LABEL_TYPES = (0x08, 0x0B, 0x0C)


def matches(path: Path) -> bool:
    """Return whether a data set at `path` has this format."""
    return path.is_dir() and any(re.search("[-.]idx[0-9]", entry.name) for entry in path.iterdir())


def read(path: Path, part: Part, wanted: Wanted) -> Split:
    """Return the images and labels of a part.

    Raises:
        DatasetError: A file is missing, truncated, damaged, or contains something else.
    """
    images, labels = _file(path, part, "images"), _file(path, part, "labels")
    source = f"{images} and {labels.name}"
    inputs = conformed(read_array(images, IMAGE_AXES), source, wanted)
    numbers = read_labels(path, part, wanted)
    return Split(inputs, numbers, source, class_names=wanted.class_names)


def read_labels(path: Path, part: Part, wanted: Wanted) -> NDArray[Any] | None:
    """Return the labels of a part, and read no other file; None where values are wanted.

    Raises:
        DatasetError: As for `read`.
    """
    if wanted.output == "values":
        return None
    labels = _file(path, part, "labels")
    return class_numbers(read_array(labels, LABEL_AXES, _LABEL_TYPES), str(labels), wanted.class_names)


def _file(folder: Path, part: Part, kind: str) -> Path:
    every = IMAGE_AXES if kind == "images" else LABEL_AXES
    names = [name.format(prefix=_PREFIX[part], kind=kind, axes=axes) for axes in every for name in _NAMES]
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    raise DatasetError(
        f"{folder} has no {part} {kind}",
        received=listing(entry.name for entry in folder.iterdir()),
        expected=f"{names[0]} or {names[0]}.gz",
        fix="Give a folder of IDX files under their MNIST names.",
    )
