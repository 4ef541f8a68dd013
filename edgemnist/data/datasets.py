"""Labelled images: MNIST, or a user's own data set, checked before anyone uses it.

A new file format is one module like `idx` and `npz`, and its name in `_FORMATS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import DatasetError
from . import idx, mnist, npz
from .idx import IMAGE_AXES, LABEL_AXES, Part, idx_sha256, listing


class _Format(Protocol):
    def matches(self, path: Path, /) -> bool: ...
    def read(self, path: Path, part: Part, /) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]: ...
    def read_labels(self, path: Path, part: Part, /) -> NDArray[np.uint8]: ...


_FORMATS: tuple[_Format, ...] = (idx, npz)


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images, checked on construction: (N, H, W) uint8, N >= 1, and (N,) uint8 class numbers.

    The `source` is where they come from, for messages.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    source: str = "the data set"

    def __post_init__(self) -> None:
        """Check shapes and dtypes; DatasetError if the arrays are not the labelled images they should be."""
        if self.images.dtype != np.uint8 or self.images.ndim != IMAGE_AXES or 0 in self.images.shape:
            raise DatasetError(
                f"the images of {self.source} have the wrong shape or dtype",
                received=f"{self.images.dtype} {self.images.shape}",
                expected="uint8 (N, height, width), N >= 1",
                fix="Give grey images, 8 bits a pixel.",
            )
        if self.labels.dtype != np.uint8 or self.labels.ndim != LABEL_AXES:
            raise DatasetError(
                f"the labels of {self.source} have the wrong shape or dtype",
                received=f"{self.labels.dtype} {self.labels.shape}",
                expected="uint8 (N,)",
                fix="Give one class number for each image, not one-hot rows.",
            )
        if len(self.images) != len(self.labels):
            raise DatasetError(
                f"{self.source} does not have as many labels as images",
                received=f"{len(self.images)} images and {len(self.labels)} labels",
                expected="as many labels as images",
                fix="Check that both files belong to the same part of the same data set.",
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height and width of each image, in pixels."""
        return self.images.shape[1:]

    @cached_property
    def images_sha256(self) -> str:
        """The sha256 of the images' unpacked IDX file, whatever file they were read from."""
        return idx_sha256(self.images)

    @cached_property
    def labels_sha256(self) -> str:
        """The same of the labels."""
        return idx_sha256(self.labels)

    def hashes(self, part: Part) -> dict[str, str]:
        """Return both hashes, keyed as in `MNIST_SHA256`."""
        return {f"{part}_images": self.images_sha256, f"{part}_labels": self.labels_sha256}


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a network is trained on, and what it is tested on: images of the same height and width."""

    train: Split
    test: Split

    def __post_init__(self) -> None:
        """Check that both parts fit together; DatasetError if they differ in size or are the same images."""
        if self.train.image_shape != self.test.image_shape:
            raise DatasetError(
                f"the test images ({self.test.source}) differ in size from the training images",
                received=self.test.image_shape,
                expected=self.train.image_shape,
                fix="Give both parts of the same data set.",
            )
        if self.train.images_sha256 == self.test.images_sha256:
            raise DatasetError(
                f"the test images ({self.test.source}) are the training images",
                expected="images that the network is not trained on",
                fix="Check that no file was copied to the other's name.",
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """A name for each class, by its number; for digits, the digit itself."""
        return class_names(self.train, self.test)

    @property
    def sha256(self) -> dict[str, str]:
        """The hashes of the four unpacked IDX files, keyed as in `MNIST_SHA256`."""
        return self.train.hashes("train") | self.test.hashes("test")


def class_names(*splits: Split) -> tuple[str, ...]:
    """Return a name for each class up to the largest label: its number."""
    return tuple(str(number) for number in range(1 + max(int(split.labels.max()) for split in splits)))


def require_classes(train: Split, test_labels: NDArray[np.uint8], *, allow_empty: bool = False) -> None:
    """Check, before a training, that its labels number the classes from 0 and none is without images.

    Raises:
        DatasetError: A class number has no training image, unless `allow_empty`, or a test image is of no
            class of the training.
    """
    counts = np.bincount(train.labels)
    empty = np.flatnonzero(counts == 0).tolist()
    if empty and not allow_empty:
        first = int(train.labels.min())
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


def load_train_split(path: Path | None = None, download: Callable[[], Split] | None = None) -> Split:
    """Return the training images at `path`, or those of MNIST, and read no other file.

    Where the installation has no MNIST, as from a wheel, `download` returns it. DatasetError as `load_split`.
    """
    if path is not None:
        return load_split(path, "train")
    if download is None or mnist.has_training_pair():
        return mnist.verified(load_split(mnist.FOLDER, "train"), "train")
    return mnist.verified(download(), "train")


def load_test_split(path: Path | None = None) -> Split:
    """Return the test images at `path`, or those of MNIST; DatasetError as for `load_split`."""
    return load_split(path, "test") if path else mnist.verified(load_split(mnist.FOLDER, "test"), "test")


def load_test_labels(path: Path) -> NDArray[np.uint8]:
    """Return the class numbers of the test images at `path`, and read nothing else of the test part."""
    return _format_of(path).read_labels(path, "test")


def load_split(path: Path, part: Part) -> Split:
    """Return one part of the data set at `path`: IDX files under their MNIST names, or Keras' `.npz`.

    Raises:
        DatasetError: A file is missing, truncated, mislabelled or wrong-shaped.
    """
    split = Split(*_format_of(path).read(path, part))
    mnist.check_labelling(split, part)
    return split


def _format_of(path: Path) -> _Format:
    for module in _FORMATS:
        if module.matches(path):
            return module
    raise DatasetError(
        f"{path} is no data set" if path.exists() else f"{path} does not exist",
        expected="a folder of IDX files, or an .npz file",
        fix="Check the path given with --data.",
    )
