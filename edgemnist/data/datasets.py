"""Data sets by their path: MNIST, or a user's own, checked before anyone uses it.

A new file format is one module like `idx` and `npz`, and its name in `_FORMATS`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import DatasetError
from . import csv_files, idx_folders, mnist, npz, picture_folders
from .idx import Part, listing
from .splits import Dataset, Split, class_names
from .wanted import Wanted

__all__ = [
    "Dataset",
    "Split",
    "Wanted",
    "class_names",
    "load_split",
    "load_test_labels",
    "load_test_split",
    "load_train_split",
    "require_classes",
]


class _Format(Protocol):
    def matches(self, path: Path, /) -> bool: ...
    def read(self, path: Path, part: Part, wanted: Wanted, /) -> Split: ...
    def read_labels(self, path: Path, part: Part, wanted: Wanted, /) -> NDArray[Any] | None: ...


_FORMATS: tuple[_Format, ...] = (npz, csv_files, idx_folders, picture_folders)


def require_classes(train: Split, test_labels: NDArray[Any], *, allow_empty: bool = False) -> None:
    """Check, before a training, that its labels number the classes from 0 and none is without inputs.

    Args:
        train: The training part.
        test_labels: (N,), the class numbers of the test part.
        allow_empty: Accept class numbers that no training image has.

    Raises:
        DatasetError: A class number has no training image, or a test image is of no class of the training.
    """
    counts = np.bincount(train.known_labels, minlength=len(train.class_names))
    empty = np.flatnonzero(counts == 0).tolist()
    if empty and not allow_empty:
        first = int(train.known_labels.min())
        problem = (
            f"the labels of {train.source} start at {first}"
            if empty == list(range(first))
            else f"{len(empty)} of the {len(counts)} classes of {train.source} have no training image"
        )
        raise DatasetError(
            problem,
            received=f"no training image of class {listing(map(str, empty), key=int)}",
            expected="class numbers from 0 without gaps",
            fix="Number the classes from 0 without gaps, or give --allow-empty-classes if you mean it.",
        )
    unknown = sorted(set(test_labels.tolist()) - set(range(len(counts))))
    if unknown:
        raise DatasetError(
            "the test images are of classes that the training images do not have",
            received=f"class {listing(map(str, unknown), key=int)}",
            expected=f"0 to {len(counts) - 1}",
            fix="Give a data set whose training part has every class.",
        )


def load_train_split(
    path: Path | None = None, download: Callable[[], Split] | None = None, wanted: Wanted | None = None
) -> Split:
    """Return the training part of the data set at `path`, or that of MNIST, and read no other part.

    Args:
        path: As for `load_split`.
        download: Returns the training images of MNIST where the installation has none, as from a wheel.
        wanted: As for `load_split`.

    Raises:
        DatasetError: As for `load_split`, or the images are not MNIST's.
        MissingExtraError: As for `load_split`.
    """
    if path is not None:
        return load_split(path, "train", wanted)
    if download is None or mnist.has_training_pair():
        return mnist.verified(load_split(mnist.FOLDER, "train"), "train")
    return mnist.verified(download(), "train")


def load_test_split(path: Path | None = None, wanted: Wanted | None = None) -> Split:
    """Return the test part of the data set at `path`, or that of MNIST, and read no other part.

    Raises:
        DatasetError: As for `load_split`.
        MissingExtraError: As for `load_split`.
    """
    if path is not None:
        return load_split(path, "test", wanted)
    return mnist.verified(load_split(mnist.FOLDER, "test"), "test")


def load_test_labels(path: Path, wanted: Wanted | None = None) -> NDArray[Any] | None:
    """Return the class numbers of the test part at `path`, and read nothing else of it that takes long.

    Raises:
        DatasetError: As for `load_split`.
    """
    return _format_of(path).read_labels(path, "test", wanted or Wanted())


def load_split(path: Path, part: Part, wanted: Wanted | None = None) -> Split:
    """Return one part of the data set at `path`.

    Args:
        path: A folder of IDX files (plain or .gz) under their MNIST names; an `.npz` as Keras writes it; a
            folder of class folders with pictures; a `.csv`. A folder may have the parts as `train/` and
            `test/`, or as `train.csv` and `test.csv`; else they are drawn.
        part: Which part.
        wanted: What the model needs; None takes images and features as they are, and labels for classes.

    Raises:
        DatasetError: A file is missing, truncated, mislabelled, wrong-shaped, or not what is wanted.
        MissingExtraError: There are pictures, and Pillow is not installed.
    """
    split = _format_of(path).read(path, part, wanted or Wanted())
    mnist.check_labelling(split, part)
    return split


def _format_of(path: Path) -> _Format:
    try:
        for module in _FORMATS:
            if module.matches(path):
                return module
        received = None
        if path.is_dir():
            received = listing(entry.name for entry in path.iterdir()) or "an empty folder"
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read", received=error, fix="Check the path given with --data."
        ) from error
    raise DatasetError(
        f"{path} is no data set" if path.exists() else f"{path} does not exist",
        received=received,
        expected="a folder of IDX files, an .npz file, class folders with pictures, or a .csv file",
        fix="Check the path given with --data.",
    )
