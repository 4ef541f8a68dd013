"""Accuracy: how often a classifier names the right class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import EngineError, InputError
from ..runtime.output_decoder import class_indices
from .intervals import Interval, wilson_interval


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a model names the right class; fields as in `Parity`, and `confusion[true][predicted]`."""

    accuracy: float
    accuracy_interval: Interval | None
    per_class_accuracy: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...]


def score(probabilities: NDArray[np.float32], labels: NDArray[np.integer]) -> Accuracy:
    """Score a classifier without a reference.

    Args:
        probabilities: (N, classes) float32.
        labels: (N,) integers, the true classes.

    Raises:
        InputError: The arrays do not belong together, or a label is not a class.
        EngineError: A probability is NaN or infinite.
    """
    require_finite(probabilities)
    classes = class_count(probabilities, labels)
    predicted = class_indices(probabilities)
    right = predicted == labels
    counts = np.bincount(labels.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return Accuracy(
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), len(labels)),
        per_class_accuracy=per_class(right, labels, classes),
        confusion=tuple(tuple(row) for row in counts.reshape(classes, classes).tolist()),
    )


def per_class(
    right: NDArray[np.bool_], labels: NDArray[np.integer], classes: int
) -> tuple[float | None, ...]:
    """Return the accuracy within each true class; None for a class without items."""
    totals = np.bincount(labels, minlength=classes)
    hits = np.bincount(labels[right], minlength=classes)
    return tuple(
        hit / total if total else None for hit, total in zip(hits.tolist(), totals.tolist(), strict=True)
    )


def class_count(probabilities: NDArray[np.float32], labels: NDArray[np.integer]) -> int:
    """Return the number of classes; InputError unless the labels are among them."""
    if probabilities.shape[:-1] != labels.shape or labels.ndim != 1 or not len(labels):
        raise InputError(
            "probabilities and labels do not belong together",
            received=f"shapes {probabilities.shape} and {labels.shape}",
            expected="(N, classes) and (N,), N at least 1",
        )
    classes = max(int(probabilities.shape[1]), 2)
    if int(labels.max()) >= classes or int(labels.min()) < 0:
        raise InputError(
            "a label is not one of the classes",
            received=f"labels {int(labels.min())} to {int(labels.max())}",
            expected=f"0 to {classes - 1}",
        )
    return classes


def require_finite(outputs: NDArray[np.float32]) -> None:
    """Raise EngineError unless all outputs are finite."""
    if not np.isfinite(outputs).all():
        broken = np.count_nonzero(~np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1))
        raise EngineError(
            "the model's output is not a number", received=f"NaN or infinity on {broken} images"
        )
