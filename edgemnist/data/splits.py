"""A part of a data set, and the two parts of one: inputs with labels, targets or neither, checked."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import DatasetError
from .idx import Part, idx_sha256
from .lazy import Inputs, View, batches, settled
from .wanted import EXPECTED_INPUTS, Wanted

_IMAGE_AXES = (3, 4)
_LABEL_AXES = 1


@dataclass(frozen=True, slots=True)
class SeededSplit:
    """How a data set without a test part of its own was split.

    Attributes:
        seed: What the test part was drawn with.
        test_share: Of each class, or of everything where there are no labels.
        indices_sha256: Of the test part's positions in the whole, as little-endian int64.
    """

    seed: int
    test_share: float
    indices_sha256: str


@dataclass(frozen=True, eq=False)
class Split:
    """Inputs, with labels for a classifier or targets for a model of values, checked on construction.

    Attributes:
        inputs: (N, H, W) or (N, H, W, C) uint8 images or (N, ...) float32 features, N >= 1. What is larger
            than `MAX_IN_MEMORY_BYTES` is mapped from its file or a `LazyArray`: read it in batches.
        labels: (N,) uint8 or int32, the number of each input's class; None if they are unknown.
        source: Where they come from, for messages.
        targets: (N, ...) float32, the values to be predicted; None if there are none.
        class_names: A name for each class, by its number; empty if they have none but their numbers.
        seeded: How the part was drawn, if it was.
    """

    inputs: Inputs
    labels: NDArray[Any] | None = None
    source: str = "the data set"
    targets: NDArray[np.float32] | None = None
    class_names: tuple[str, ...] = ()
    seeded: SeededSplit | None = None

    def __post_init__(self) -> None:
        """Check shapes, dtypes and values.

        Raises:
            DatasetError: The arrays are not what they should be.
        """
        images = self.inputs.dtype == np.uint8 and self.inputs.ndim in _IMAGE_AXES
        if not (images or self.inputs.dtype == np.float32) or not self.inputs.ndim or 0 in self.inputs.shape:
            raise DatasetError(
                f"the inputs of {self.source} have the wrong shape or dtype",
                received=f"{self.inputs.dtype} {self.inputs.shape}",
                expected=f"{EXPECTED_INPUTS}, N >= 1",
                fix="Give images of 8 bits a channel, or features as float32.",
            )
        if self.labels is not None and (
            self.labels.dtype not in (np.uint8, np.int32) or self.labels.ndim != _LABEL_AXES
        ):
            raise DatasetError(
                f"the labels of {self.source} have the wrong shape or dtype",
                received=f"{self.labels.dtype} {self.labels.shape}",
                expected="uint8 or int32 (N,)",
                fix="Give one class number for each input, not one-hot rows.",
            )
        for name, found in (("labels", self.labels), ("targets", self.targets)):
            if found is not None and len(found) != len(self.inputs):
                raise DatasetError(
                    f"{self.source} does not have as many {name} as {self._noun}",
                    received=f"{len(self.inputs)} {self._noun} and {len(found)} {name}",
                    expected=f"as many {name} as {self._noun}",
                    fix="Check that both belong to the same part of the same data set.",
                )
        if self.kind == "features":
            _require_finite(self.inputs, f"the features of {self.source}")
        if self.targets is not None:
            _require_finite(self.targets, f"the targets of {self.source}")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def kind(self) -> Literal["image", "features"]:
        """Whether the inputs are raw images or features."""
        return "image" if self.inputs.dtype == np.uint8 else "features"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input; of an image its height, width and, where it has them, channels."""
        return self.inputs.shape[1:]

    @property
    def known_labels(self) -> NDArray[Any]:
        """The labels, for what cannot be done without.

        Raises:
            DatasetError: There are none.
        """
        if self.labels is None:
            raise DatasetError(
                f"{self.source} has no labels",
                expected="the class of each input",
                fix="Give a data set with labels, such as an .npz with y_train and y_test.",
            )
        return self.labels

    @property
    def array(self) -> NDArray[Any]:
        """All inputs in memory, for what needs them at once."""
        return np.asarray(self.inputs)

    def batches(self, size: int | None = None) -> Iterator[NDArray[Any]]:
        """Yield all inputs in order, `size` at a time; None chooses a size that fits the memory."""
        return batches(self.inputs, size)

    def select(self, which: NDArray[Any]) -> "Split":
        """Return the part with these indices or where a mask is true; a large one is read when it is used."""
        indices = np.arange(len(self))[which]
        inputs = settled(View(self.inputs, indices=indices))
        labels, targets = (None if of is None else of[indices] for of in (self.labels, self.targets))
        return replace(self, inputs=inputs, labels=labels, targets=targets)

    @cached_property
    def inputs_sha256(self) -> str:
        """The sha256 of the inputs' unpacked IDX file, whatever file they were read from and in which layout.

        Images of one channel count as images without a channel axis, features as rows of numbers.
        """
        shape: tuple[int, ...] = self.inputs.shape
        if self.kind == "features":
            shape = (len(self), int(np.prod(shape[1:])))
        elif len(shape) == max(_IMAGE_AXES) and shape[-1] == 1:
            shape = shape[:-1]
        return idx_sha256(self.inputs, shape)

    @cached_property
    def labels_sha256(self) -> str:
        """The sha256 of the labels' unpacked IDX file, whatever file they were read from.

        Raises:
            DatasetError: There are no labels.
        """
        return idx_sha256(self.known_labels)

    def hashes(self, part: Part) -> dict[str, str]:
        """Return the hashes of all arrays, keyed as in `MNIST_SHA256`."""
        inputs = f"{part}_images" if self.kind == "image" else f"{part}_features"
        found = {inputs: self.inputs_sha256}
        if self.labels is not None:
            found[f"{part}_labels"] = self.labels_sha256
        if self.targets is not None:
            found[f"{part}_targets"] = idx_sha256(self.targets)
        return found

    @property
    def _noun(self) -> str:
        return "images" if self.kind == "image" else "inputs"


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a network is trained on, and what it is tested on.

    Attributes:
        train: The training part.
        test: The test part, of the same input shape, and no copy of the training part.
    """

    train: Split
    test: Split

    def __post_init__(self) -> None:
        """Check that both parts fit together.

        Raises:
            DatasetError: They differ in input shape or class names, or are the same inputs.
        """
        if (self.train.kind, self.train.input_shape) != (self.test.kind, self.test.input_shape):
            raise DatasetError(
                f"the test {self.test.kind} inputs ({self.test.source}) differ from the training inputs",
                received=f"{self.test.inputs.dtype} {self.test.input_shape}",
                expected=f"{self.train.inputs.dtype} {self.train.input_shape}",
                fix="Give both parts of the same data set.",
            )
        if self.train.class_names != self.test.class_names:
            raise DatasetError(
                f"the test part ({self.test.source}) has other class names than the training part",
                received=", ".join(self.test.class_names[:8]) or "numbers only",
                expected=", ".join(self.train.class_names[:8]) or "numbers only",
                fix="Give both parts of the same data set.",
            )
        if len(self.train) == len(self.test) and self.train.inputs_sha256 == self.test.inputs_sha256:
            raise DatasetError(
                f"the test inputs ({self.test.source}) are the training inputs",
                expected="inputs that the network is not trained on",
                fix="Check that no file was copied to the other's name.",
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """A name for each class, by its number; where classes have no names, the number itself."""
        return class_names(self.train, self.test)

    @property
    def sha256(self) -> dict[str, str]:
        """The hashes of both parts, keyed as in `MNIST_SHA256`."""
        return self.train.hashes("train") | self.test.hashes("test")


def class_names(*splits: Split) -> tuple[str, ...]:
    """Return the name of each class; where they have none, its number, up to the largest label."""
    named = next((split.class_names for split in splits if split.class_names), ())
    labels = [split.labels for split in splits if split.labels is not None and split.labels.size]
    return named or tuple(
        str(number) for number in range(1 + max((int(one.max()) for one in labels), default=-1))
    )


def seeded_part(whole: Split, part: Part, wanted: Wanted) -> Split:
    """Return the training or the test part of a data set that has none: a share drawn with a seed.

    Raises:
        DatasetError: There are too few inputs for both parts.
    """
    draw = np.random.default_rng(wanted.seed)
    groups = np.zeros(len(whole), np.uint8) if whole.labels is None else whole.labels
    in_test = np.zeros(len(whole), np.bool_)
    for group in np.unique(groups):
        members = draw.permutation(np.flatnonzero(groups == group))
        in_test[members[: round(len(members) * wanted.test_share)]] = True
    if not 0 < in_test.sum() < len(whole):
        raise DatasetError(
            f"{whole.source} has too few inputs to be split into a training and a test part",
            received=f"{len(whole)} inputs, of which {wanted.test_share:.0%} of each class for the test",
            fix="Give more data, or a training and a test part.",
        )
    indices = np.flatnonzero(in_test)
    sha256 = hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()
    chosen = whole.select(indices if part == "test" else ~in_test)
    source = f"the {part} part of {whole.source}"
    return replace(chosen, source=source, seeded=SeededSplit(wanted.seed, wanted.test_share, sha256))


def _require_finite(array: Inputs, source: str) -> None:
    start = 0
    for rows in batches(array):
        finite = np.isfinite(rows)
        if not finite.all():
            row, *position = np.argwhere(~finite)[0].tolist()
            where = f" at {position[0] if len(position) == 1 else tuple(position)}" if position else ""
            raise DatasetError(
                f"{source} contain what is no finite number",
                received=f"{rows[(row, *position)]} in row {start + row}{where}, counted from 0",
                expected="finite numbers of float32's range",
                fix="Fill in missing values or leave their rows out.",
            )
        start += len(rows)
