"""Test images as pictures: whose label differs from the reference's, and which are misclassified."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

MAX_PICTURES = 48


@dataclass(frozen=True, slots=True)
class Flip:
    """One image with another label.

    Attributes:
        index: Its number in the test set.
        kind: "broke", "fixed", or "other" where both labels are wrong.
        truth: Its true class.
        before: The reference's label.
        after: The model's label.
        confidence: The model's probability of its label.
        data_uri: The image as a PNG in a data URI.
    """

    index: int
    kind: str
    truth: int
    before: int
    after: int
    confidence: float
    data_uri: str


def flips(
    flipped: Sequence[int],
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    probabilities: NDArray[np.float32],
    reference: NDArray[np.float32],
) -> tuple[Flip, ...]:
    """Return the first `MAX_PICTURES` flipped images.

    Args:
        flipped: Their indices.
        images: (N, H, W) uint8.
        labels: (N,) integers.
        probabilities: (N, classes) float32, the model's.
        reference: (N, classes) float32.
    """
    found = []
    for index in flipped[:MAX_PICTURES]:
        truth, after = int(labels[index]), int(probabilities[index].argmax())
        before = int(reference[index].argmax())
        kind = "fixed" if after == truth else "broke" if before == truth else "other"
        confidence = float(probabilities[index, after])
        found.append(Flip(index, kind, truth, before, after, confidence, _png(images[index])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One misclassified image.

    Attributes:
        index: Its number in the test set.
        truth: Its true class.
        label: The model's label.
        confidence: The model's probability of its label.
        data_uri: The image as a PNG in a data URI.
    """

    index: int
    truth: int
    label: int
    confidence: float
    data_uri: str


def wrong_images(
    indices: Iterable[int],
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    probabilities: NDArray[np.float32],
) -> tuple[Mistake, ...]:
    """Return the first `MAX_PICTURES` of some misclassified images.

    Args:
        indices: Their numbers.
        images: (N, H, W) uint8.
        labels: (N,) integers.
        probabilities: (N, classes) float32, the model's.
    """
    found = []
    for index in islice(indices, MAX_PICTURES):
        label = int(probabilities[index].argmax())
        confidence = float(probabilities[index, label])
        found.append(Mistake(int(index), int(labels[index]), label, confidence, _png(images[index])))
    return tuple(found)


def data_uri(png: bytes) -> str:
    """Return a PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _png(image: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue())
