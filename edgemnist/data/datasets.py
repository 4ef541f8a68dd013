"""Labelled images: the bundled MNIST test pair, or a user's own data set, checked before anyone uses it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import DatasetError
from .files import IMAGE_AXES, LABEL_AXES, idx_sha256, read_idx, read_npz

Part = Literal["train", "test"]

BUNDLED_TEST = Path(__file__).with_name("mnist")
MAX_LABEL = 255

# sha256 of the four unpacked files of THE MNIST DATABASE of handwritten digits, http://yann.lecun.com/exdb/mnist/
MNIST_SHA256 = MappingProxyType(
    {
        "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
)
_IDX_PREFIX: dict[Part, str] = {"train": "train", "test": "t10k"}
_IDX_NAMES = ("{prefix}-{kind}-idx{axes}-ubyte", "{prefix}-{kind}.idx{axes}-ubyte")


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images, checked on construction.

    Attributes:
        images: (N, H, W) uint8, N >= 1.
        labels: (N,) uint8, the number of each image's class.
        source: Where they come from, for messages.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    source: str = "the data set"

    def __post_init__(self) -> None:
        """Check shapes and dtypes.

        Raises:
            DatasetError: The arrays are not the labelled images they should be.
        """
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
        """The sha256 of the labels' unpacked IDX file, whatever file they were read from."""
        return idx_sha256(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a network is trained on, and what it is tested on.

    Attributes:
        train: The training images.
        test: The test images, of the same height and width, and none of them a copy of the training part.
    """

    train: Split
    test: Split

    def __post_init__(self) -> None:
        """Check that both parts fit together.

        Raises:
            DatasetError: They differ in image size, or are the same images.
        """
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
        return _hashes("train", self.train) | _hashes("test", self.test)


def class_names(*splits: Split) -> tuple[str, ...]:
    """Return a name for each class up to the largest label: its number."""
    return tuple(str(number) for number in range(1 + max(int(split.labels.max()) for split in splits)))


def require_classes(train: Split, test_labels: NDArray[np.uint8], *, allow_empty: bool = False) -> None:
    """Check, before a training, that its labels number the classes from 0 and none is without images.

    Args:
        train: The training images.
        test_labels: (N,) uint8, the class numbers of the test images.
        allow_empty: Accept class numbers that no training image has.

    Raises:
        DatasetError: A class number has no training image, or a test image is of no class of the training.
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
            received=f"no training image of class {_listing(map(str, empty), key=int)}",
            expected="class numbers from 0 without gaps",
            fix="Number the classes from 0 without gaps, or give --allow-empty-classes if you mean it.",
        )
    unknown = sorted(set(test_labels.tolist()) - set(range(len(counts))))
    if unknown:
        raise DatasetError(
            "the test images are of classes that the training images do not have",
            received=f"class {_listing(map(str, unknown), key=int)}",
            expected=f"0 to {len(counts) - 1}",
            fix="Give a data set whose training part has every class.",
        )


def load_test_split(path: Path | None = None) -> Split:
    """Return the test images: the bundled MNIST pair, or those at `path`.

    Args:
        path: A folder of IDX files (plain or .gz) under their MNIST names, or an `.npz` as Keras writes it.

    Raises:
        DatasetError: A file is missing, truncated, mislabelled or wrong-shaped.
    """
    if path is None:
        return verified_mnist(load_split(BUNDLED_TEST, "test"), "test")
    return load_split(path, "test")


def load_test_labels(path: Path) -> NDArray[np.uint8]:
    """Return the class numbers of the test images at `path`, and read nothing else of the test part.

    Raises:
        DatasetError: They are missing or no class numbers.
    """
    if path.is_dir():
        return read_idx(_idx_path(path, "test", "labels", LABEL_AXES), LABEL_AXES)
    return _small_labels(read_npz(path, ("y_test",))["y_test"], f"y_test in {path}")


def load_split(path: Path, part: Part) -> Split:
    """Return one part of the data set at `path`.

    Args:
        path: A folder of IDX files (plain or .gz) under their MNIST names, or an `.npz` as Keras writes it.
        part: Which part.

    Raises:
        DatasetError: A file is missing, truncated, mislabelled or wrong-shaped.
    """
    if path.is_dir():
        images_path = _idx_path(path, part, "images", IMAGE_AXES)
        labels_path = _idx_path(path, part, "labels", LABEL_AXES)
        images, labels = read_idx(images_path, IMAGE_AXES), read_idx(labels_path, LABEL_AXES)
        split = Split(images, labels, source=f"{images_path} and {labels_path.name}")
    elif path.suffix == ".npz":
        arrays = read_npz(path, (f"x_{part}", f"y_{part}"))
        labels = _small_labels(arrays[f"y_{part}"], f"y_{part} in {path}")
        split = Split(arrays[f"x_{part}"], labels, source=f"x_{part} and y_{part} in {path}")
    else:
        raise DatasetError(
            f"{path} is no data set" if path.exists() else f"{path} does not exist",
            expected="a folder of IDX files, or an .npz file",
            fix="Check the path given with --data.",
        )
    _check_role(split, part)
    return split


def verified_mnist(split: Split, part: Part) -> Split:
    """Return `split` if it is that part of MNIST, byte for byte.

    Raises:
        DatasetError: Its hashes differ from those in `MNIST_SHA256`.
    """
    for name, sha256 in _hashes(part, split).items():
        if sha256 != MNIST_SHA256[name]:
            raise DatasetError(
                f"the {name.replace('_', ' ')} in {split.source} are not the original MNIST",
                received=f"sha256 {sha256}",
                expected=f"sha256 {MNIST_SHA256[name]}",
                fix="Restore the file, or give another data set with --data.",
            )
    return split


def _hashes(part: Part, split: Split) -> dict[str, str]:
    return {f"{part}_images": split.images_sha256, f"{part}_labels": split.labels_sha256}


def _check_role(split: Split, part: Part) -> None:
    for name, sha256 in _hashes(part, split).items():
        known = next((known for known, value in MNIST_SHA256.items() if value == sha256), name)
        if known != name:
            raise DatasetError(
                f"{split.source} is mislabelled",
                received=f"the {known.replace('_', ' ')} of MNIST",
                expected=f"{name.replace('_', ' ')}",
                fix="Give every file the name that belongs to its content.",
            )


def _idx_path(folder: Path, part: Part, kind: str, axes: int) -> Path:
    names = [name.format(prefix=_IDX_PREFIX[part], kind=kind, axes=axes) for name in _IDX_NAMES]
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    raise DatasetError(
        f"{folder} has no {part} {kind}",
        received=_listing(entry.name for entry in folder.iterdir()),
        expected=f"{names[0]} or {names[0]}.gz",
        fix="Give a folder that holds the IDX files under their MNIST names.",
    )


def _listing(names: Iterable[str], limit: int = 8, key: Callable[[str], Any] = str) -> str:
    found = sorted(names, key=key)
    shown = ", ".join(found[:limit]) + (f" and {len(found) - limit} more" if len(found) > limit else "")
    return shown or "an empty folder"


def _small_labels(labels: NDArray[Any], source: str) -> NDArray[np.uint8]:
    whole = np.issubdtype(labels.dtype, np.integer)
    if not whole or (labels.size and not 0 <= labels.min() <= labels.max() <= MAX_LABEL):
        found = f"{labels.dtype}" + (f" from {labels.min()} to {labels.max()}" if whole else "")
        raise DatasetError(
            f"{source} holds no class numbers",
            received=found,
            expected=f"integers from 0 to {MAX_LABEL}",
            fix="Number the classes from 0.",
        )
    return labels.astype(np.uint8)
