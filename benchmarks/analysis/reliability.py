"""Confidence: whether a model that is 90 % sure is right nine times in ten, and where it is wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...proof.intervals import Interval, wilson_interval
from ...runtime.output_decoder import class_indices

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The images whose confidence lies above `lower` and not above `upper`.

    Attributes:
        confidence: Their mean confidence.
        accuracy: The share of them whose label is right.
        accuracy_interval: Wilson score interval of `accuracy` at 95 %; None where scipy is not installed.
    """

    lower: float
    upper: float
    images: int
    confidence: float
    accuracy: float
    accuracy_interval: Interval | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """The bins that hold images, by rising confidence, and the error that `find_reliability` defines."""

    bins: tuple[Bin, ...]
    expected_error: float


def find_reliability(
    probabilities: NDArray[np.float32], labels: NDArray[np.integer], bins: int = BINS
) -> Reliability:
    """Return a reliability diagram's bins and the expected calibration error (ECE).

    As defined in section 2 of Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks",
    ICML 2017, https://arxiv.org/abs/1706.04599: the confidences fall into M intervals of the same width,
    ((m - 1)/M, m/M]; ECE is the sum over them of (images in it / all images) x |accuracy - mean confidence|.
    The paper's tables use M = 15.

    `probabilities` are (N, classes) float32, or (N, 1) for the second of two classes, N >= 1; `labels` (N,)
    integers.
    """
    confidences = confidences_of(probabilities).astype(np.float64)
    right = class_indices(probabilities) == labels
    edges = np.linspace(0, 1, bins + 1)
    # A float32 sum of softmax may exceed 1 by its last digit.
    places = np.clip(np.digitize(confidences, edges, right=True) - 1, 0, bins - 1)
    found = []
    for place in np.unique(places):
        inside = places == place
        images, hits = int(inside.sum()), int(right[inside].sum())
        found.append(
            Bin(
                float(edges[place]),
                float(edges[place + 1]),
                images,
                float(confidences[inside].mean()),
                hits / images,
                wilson_interval(hits, images),
            )
        )
    error = sum(one.images * abs(one.accuracy - one.confidence) for one in found) / len(labels)
    return Reliability(tuple(found), error)


def mistakes(probabilities: NDArray[np.float32], labels: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the numbers (K,) of the misclassified images, those the model was surest of first.

    Args:
        probabilities: (N, classes) float32.
        labels: (N,) integers, the true classes.
    """
    wrong = np.flatnonzero(class_indices(probabilities) != labels)
    return wrong[np.argsort(-confidences_of(probabilities[wrong]), kind="stable")]


def confidences_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of each item's class, (N,), also where one number is the second class's."""
    largest: NDArray[np.float32] = probabilities.max(axis=1)
    return np.maximum(largest, 1 - largest) if probabilities.shape[1] == 1 else largest
