"""The test images that a page shows: right ones, wrong ones, and those that quantization changed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Split

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUPS = {"right": "Right", "wrong": "Wrong", "flipped": "Changed by quantization"}
_MOST, _MOST_BYTES = 12, 16 << 10  # of each group


@dataclass(frozen=True, slots=True)
class Chosen:
    """A test image to show.

    Attributes:
        group: A key of `GROUPS`.
        index: Its number in the test set.
        truth: Its class.
        found: The class that the model gives.
        source: The class that the source model gives.
    """

    group: str
    index: int
    truth: int
    found: int
    source: int

    @property
    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {name: getattr(self, name) for name in ("group", "index", "truth", "found", "source")}


def choose(test: Split, outputs: NDArray[Any], reference: NDArray[np.float32]) -> tuple[Chosen, ...]:
    """Return the images to show: the first of each class that is right, the first wrong and flipped ones.

    Args:
        test: The test images.
        outputs: (N, classes), the model's raw outputs.
        reference: (N, classes) float32, the source model's.
    """
    truth = np.asarray(test.known_labels)
    found = outputs.reshape(len(outputs), -1).argmax(axis=1)
    source = reference.reshape(len(reference), -1).argmax(axis=1)
    right = np.flatnonzero(found == truth)
    first_of_each = [right[truth[right] == label][:1] for label in range(reference.shape[-1])]
    groups: dict[str, Iterable[Any]] = {
        "right": np.concatenate(first_of_each),
        "wrong": np.flatnonzero(found != truth),
        "flipped": np.flatnonzero(found != source),
    }
    most = max(1, min(_MOST, _MOST_BYTES // len(pixels(test.inputs[0]))))
    return tuple(
        Chosen(name, int(index), int(truth[index]), int(found[index]), int(source[index]))
        for name, indices in groups.items()
        for index in list(indices)[:most]
    )


def pixels(image: NDArray[Any]) -> bytes:
    """Return an image as a page holds it."""
    return np.asarray(image, np.uint8).tobytes()
