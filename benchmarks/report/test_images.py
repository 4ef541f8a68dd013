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
    """A model's answer for one test image."""

    index: int
    truth: int
    label: int
    confidence: float
    data_uri: str


@dataclass(frozen=True, slots=True)
class Flip:
    """An answer with another label than `before`, the reference's: "broke", "fixed", or else "other"."""

    answer: Answer
    kind: str
    before: int


def answers(indices: Iterable[int], split: Split, probabilities: NDArray[np.float32]) -> tuple[Answer, ...]:
    """Return a model's answers for the first `MAX_PICTURES` of some images of the test set.

    `indices` are those images' numbers, `probabilities` (N, classes) float32 the model's for all.
    """
    from PIL import Image

    found = []
    for index in islice(indices, MAX_PICTURES):
        label = int(probabilities[index].argmax())
        buffer = io.BytesIO()
        Image.fromarray(split.inputs[index]).save(buffer, "PNG", optimize=True)
        confidence, picture = float(probabilities[index, label]), data_uri(buffer.getvalue())
        found.append(Answer(int(index), int(split.known_labels[index]), label, confidence, picture))
    return tuple(found)


def flipped(
    indices: Iterable[int], split: Split, probabilities: NDArray[np.float32], reference: NDArray[np.float32]
) -> tuple[Flip, ...]:
    """Return the same with what the reference's probabilities, (N, classes) float32, made of the images."""
    found = []
    for answer in answers(indices, split, probabilities):
        before = int(reference[answer.index].argmax())
        kind = "fixed" if answer.label == answer.truth else "broke" if before == answer.truth else "other"
        found.append(Flip(answer, kind, before))
    return tuple(found)


def data_uri(png: bytes) -> str:
    """Return a PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
