"""Test images as pictures: whose label differs from the reference's, and which are misclassified."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Split

MAX_PICTURES = 48


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer for one test image.

    Attributes:
        index: The image's number in the test set.
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


@dataclass(frozen=True, slots=True)
class Flip:
    """An answer with another label than the reference's.

    Attributes:
        answer: The model's.
        kind: "broke", "fixed", or "other" where both labels are wrong.
        before: The reference's label.
    """

    answer: Answer
    kind: str
    before: int


def answers(indices: Iterable[int], split: Split, probabilities: NDArray[np.float32]) -> tuple[Answer, ...]:
    """Return the answers for the first `MAX_PICTURES` of some images.

    Args:
        indices: Their numbers.
        split: The test images.
        probabilities: (N, classes) float32, the model's.
    """
    found = []
    for index in islice(indices, MAX_PICTURES):
        label = int(probabilities[index].argmax())
        confidence = float(probabilities[index, label])
        picture = _png(split.inputs[index])
        found.append(Answer(int(index), int(split.known_labels[index]), label, confidence, picture))
    return tuple(found)


def flips(
    flipped: Iterable[int],
    split: Split,
    probabilities: NDArray[np.float32],
    reference: NDArray[np.float32],
) -> tuple[Flip, ...]:
    """Return the first `MAX_PICTURES` answers with another label than the reference's.

    Args:
        flipped: The numbers of those images.
        split: The test images.
        probabilities: (N, classes) float32, the model's.
        reference: (N, classes) float32.
    """
    found = []
    for answer in answers(flipped, split, probabilities):
        before = int(reference[answer.index].argmax())
        kind = "fixed" if answer.label == answer.truth else "broke" if before == answer.truth else "other"
        found.append(Flip(answer, kind, before))
    return tuple(found)


def data_uri(png: bytes) -> str:
    """Return a PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _png(image: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue())
