"""Parity: whether a model still gives its reference's answers, image by image."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import EngineError, InputError

Interval = tuple[float, float]
CONFIDENCE = 0.95
_RESAMPLES = 2000
_SEED = 20


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a model names the right class.

    Attributes:
        accuracy: Share of images whose label is right, 0 to 1.
        accuracy_interval: Wilson score interval of `accuracy` at 95 %; None where scipy is not installed.
        per_class_accuracy: The same share within each true class; None for a class without images.
        confusion: Counts, `confusion[true][predicted]`.
    """

    accuracy: float
    accuracy_interval: Interval | None
    per_class_accuracy: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Parity:
    """How a model's answers compare with its reference's on the same images.

    Attributes:
        accuracy: Share of images whose label is right, 0 to 1.
        reference_accuracy: The reference's share.
        agreement: Share of images on which both give the same label, right or wrong.
        broke: How many images the reference has right and the model wrong.
        fixed: How many images the reference has wrong and the model right.
        flipped: Indices of the images on which the labels differ.
        max_abs_difference: Largest absolute difference of any probability.
        mean_abs_difference: Mean absolute difference of all probabilities.
        per_class_accuracy: Share of right labels within each true class; None for a class without images.
        accuracy_interval: Wilson score interval of `accuracy` at 95 %; None where scipy is missing, as are
            the three fields below.
        reference_accuracy_interval: Wilson score interval of `reference_accuracy`.
        difference_interval: 95 % interval of `accuracy - reference_accuracy`, see `difference_interval`.
        mcnemar_p: Exact two-sided McNemar p: how likely chance alone splits `broke` and `fixed` so unevenly.
    """

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
        """The model's accuracy minus the reference's."""
        return self.accuracy - self.reference_accuracy


def compare(
    probabilities: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.integer]
) -> Parity:
    """Compare a model's answers with its reference's.

    Args:
        probabilities: (N, classes) float32, the model's.
        reference: (N, classes) float32, the reference's on the same images.
        labels: (N,) integers, the true classes.

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
    """Score a model without a reference.

    Args:
        probabilities: (N, classes) float32.
        labels: (N,) integers, the true classes.

    Raises:
        InputError: The arrays do not belong together, or a label is not a class.
        EngineError: A probability is NaN or infinite.
    """
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


def wilson_interval(right: int, total: int) -> Interval | None:
    """Return the 95 % Wilson score interval of the share `right / total`; None without scipy."""
    if find_spec("scipy") is None:
        return None
    from scipy.stats import binomtest

    interval = binomtest(right, total).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar_p(broke: int, fixed: int) -> float | None:
    """Return the exact McNemar p: a sign test of the images on which only one of the two is right."""
    if find_spec("scipy") is None:
        return None
    if broke + fixed == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(fixed, broke + fixed).pvalue)


def difference_interval(broke: int, fixed: int, total: int) -> Interval | None:
    """Return a 95 % interval of the paired accuracy difference `(fixed - broke) / total`; None without scipy.

    A percentile bootstrap over images (`scipy.stats.bootstrap`, seeded): an image counts -1 where it broke,
    +1 where it was fixed, else 0, which keeps the pairing. Where no image changed sides there is nothing to
    resample; then the limits are plus and minus the Clopper-Pearson limit of how often one could have.
    """
    if find_spec("scipy") is None:
        return None
    from scipy.stats import binomtest, bootstrap

    if broke + fixed == 0:
        limit = float(binomtest(0, total).proportion_ci(CONFIDENCE, method="exact").high)
        return -limit, limit
    changes = np.zeros(total, np.int8)
    changes[:broke] = -1
    changes[broke : broke + fixed] = 1
    result = bootstrap(
        (changes,),
        np.mean,
        n_resamples=_RESAMPLES,
        batch=100,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


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
