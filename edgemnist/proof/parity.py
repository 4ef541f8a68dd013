"""Parity: whether a model's answers equal its reference's, image by image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import EngineError, InputError
from .intervals import Interval, difference_interval, mcnemar_p, wilson_interval


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a model names the right class; fields as in `Parity`, and `confusion[true][predicted]`."""

    accuracy: float
    accuracy_interval: Interval | None
    per_class_accuracy: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Parity:
    """How a model's answers compare with its reference's on the same images. Shares are 0 to 1.

    Attributes:
        images: Number of images.
        accuracy: Share of images with the right label.
        reference_accuracy: The reference's share.
        agreement: Share of images with the same label from both, right or wrong.
        broke: Number of images that the reference has right and the model wrong.
        fixed: Number of images that the reference has wrong and the model right.
        flipped: Indices of the images on which the labels differ.
        max_abs_difference: Of any probability.
        mean_abs_difference: Of all probabilities.
        per_class_accuracy: Accuracy within each true class; None for a class without images.
        accuracy_interval: Wilson score interval at 95 %; None without scipy, as the three fields below.
        reference_accuracy_interval: The same for `reference_accuracy`.
        difference_interval: Of `accuracy - reference_accuracy` at 95 %, see `intervals.difference_interval`.
        mcnemar_p: Exact two-sided McNemar p: how likely chance alone splits `broke` and `fixed` so unevenly.
    """

    images: int
    accuracy: float
    reference_accuracy: float
    agreement: float
    broke: int
    fixed: int
    flipped: tuple[int, ...]
    max_abs_difference: float
    mean_abs_difference: float
    per_class_accuracy: tuple[float | None, ...]
    accuracy_interval: Interval | None = None
    reference_accuracy_interval: Interval | None = None
    difference_interval: Interval | None = None
    mcnemar_p: float | None = None

    @property
    def accuracy_difference(self) -> float:
        """The model's accuracy minus the reference's, from counts: two rounded shares meet no limit."""
        return (self.fixed - self.broke) / self.images


def compare(
    probabilities: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.integer]
) -> Parity:
    """Compare a model's answers with its reference's on the same images, each (N, classes).

    Raises:
        InputError: The arrays do not belong together, or a label is not a class.
        EngineError: A probability is NaN or infinite.
    """
    _check(probabilities, labels)
    _check(reference, labels)
    if probabilities.shape != reference.shape:
        raise InputError(
            "model and reference have different classes",
            received=f"probabilities of shape {probabilities.shape}",
            expected=f"the reference's {reference.shape}",
        )
    predicted, referred = probabilities.argmax(axis=1), reference.argmax(axis=1)
    right, reference_right = predicted == labels, referred == labels
    difference = np.abs(probabilities.astype(np.float64) - reference)
    broke = int(np.count_nonzero(reference_right & ~right))
    fixed = int(np.count_nonzero(right & ~reference_right))
    return Parity(
        images=len(labels),
        accuracy=float(right.mean()),
        reference_accuracy=float(reference_right.mean()),
        agreement=float((predicted == referred).mean()),
        broke=broke,
        fixed=fixed,
        flipped=tuple(np.flatnonzero(predicted != referred).tolist()),
        max_abs_difference=float(difference.max()),
        mean_abs_difference=float(difference.mean()),
        per_class_accuracy=_per_class(right, labels, probabilities.shape[1]),
        accuracy_interval=wilson_interval(int(right.sum()), len(labels)),
        reference_accuracy_interval=wilson_interval(int(reference_right.sum()), len(labels)),
        difference_interval=difference_interval(broke, fixed, len(labels)),
        mcnemar_p=mcnemar_p(broke, fixed),
    )


def score(probabilities: NDArray[np.float32], labels: NDArray[np.integer]) -> Accuracy:
    """Score a model without a reference; errors as of `compare`."""
    _check(probabilities, labels)
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    counts = np.bincount(labels.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return Accuracy(
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), len(labels)),
        per_class_accuracy=_per_class(right, labels, classes),
        confusion=tuple(tuple(row) for row in counts.reshape(classes, classes).tolist()),
    )


def _per_class(
    right: NDArray[np.bool_], labels: NDArray[np.integer], classes: int
) -> tuple[float | None, ...]:
    totals = np.bincount(labels, minlength=classes)
    hits = np.bincount(labels[right], minlength=classes)
    return tuple(
        hit / total if total else None for hit, total in zip(hits.tolist(), totals.tolist(), strict=True)
    )


def _check(probabilities: NDArray[np.float32], labels: NDArray[np.integer]) -> None:
    if probabilities.shape[:-1] != labels.shape or labels.ndim != 1 or not len(labels):
        raise InputError(
            "probabilities and labels do not belong together",
            received=f"shapes {probabilities.shape} and {labels.shape}",
            expected="(N, classes) and (N,), N at least 1",
        )
    if int(labels.max()) >= probabilities.shape[1] or int(labels.min()) < 0:
        raise InputError(
            "a label is not one of the classes",
            received=f"labels {int(labels.min())} to {int(labels.max())}",
            expected=f"0 to {probabilities.shape[1] - 1}",
        )
    if not np.isfinite(probabilities).all():
        broken = int(np.count_nonzero(~np.isfinite(probabilities).all(axis=1)))
        raise EngineError(
            "the model's output is not a number", received=f"NaN or infinity on {broken} images"
        )
