"""Parity: whether a model's outputs equal its reference's, item by item."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import InputError
from ..runtime.output_decoder import class_indices
from .accuracy import class_count, per_class, require_finite
from .intervals import Interval, difference_interval, mcnemar_p, wilson_interval

# Between its two best classes, from which on a reference counts as sure of an image.
SURE_MARGIN = 0.1
_ALPHA = 0.05  # of the test that a loss of accuracy is no chance
# So many broken images and none fixed are the fewest that exact McNemar calls significant: 2 * 0.5**6 < 0.05.
_FEWEST_SIGNIFICANT = 6


@dataclass(frozen=True, slots=True)
class Parity:
    """How a model's outputs compare with its reference's on the same items. Shares are 0 to 1.

    What only classes have is None for values, and what only labels or targets can tell is None without them.

    Attributes:
        images: Number of items.
        max_abs_difference: Of any output.
        mean_abs_difference: Of all outputs.
        rms_difference: The root of their mean square.
        output_range: From the reference's smallest output to its largest.
        agreement: Share of items with the same class from both, right or wrong.
        sure_images: Number of items whose two best classes the reference has `SURE_MARGIN` apart.
        sure_agreement: The agreement on these; None where there are none.
        flipped: Indices of the items on which the classes differ.
        flipped_margin: How far apart the reference's two best classes are at most among these, or 0.
        accuracy: Share of items with the right class.
        reference_accuracy: The reference's share.
        broke: Number of items that the reference has right and the model wrong.
        fixed: Number of items that the reference has wrong and the model right.
        per_class_accuracy: Accuracy within each true class; None for a class without items.
        accuracy_interval: Wilson score interval at 95 %; None without scipy, as the three fields below.
        reference_accuracy_interval: The same for `reference_accuracy`.
        difference_interval: Of `accuracy - reference_accuracy` at 95 %, see `intervals.difference_interval`.
        mcnemar_p: Exact two-sided McNemar p: how likely chance alone splits `broke` and `fixed` so unevenly.
        r2: Of values, the coefficient of determination against the targets.
        reference_r2: The reference's.
    """

    images: int
    max_abs_difference: float
    mean_abs_difference: float
    rms_difference: float
    output_range: float
    agreement: float | None = None
    sure_images: int | None = None
    sure_agreement: float | None = None
    flipped: tuple[int, ...] = ()
    flipped_margin: float = 0.0
    accuracy: float | None = None
    reference_accuracy: float | None = None
    broke: int | None = None
    fixed: int | None = None
    per_class_accuracy: tuple[float | None, ...] = ()
    accuracy_interval: Interval | None = None
    reference_accuracy_interval: Interval | None = None
    difference_interval: Interval | None = None
    mcnemar_p: float | None = None
    r2: float | None = None
    reference_r2: float | None = None

    @property
    def accuracy_difference(self) -> float | None:
        """The model's accuracy minus the reference's, from counts: two rounded shares meet no limit."""
        if self.broke is None or self.fixed is None:
            return None
        return (self.fixed - self.broke) / self.images

    @property
    def is_significant(self) -> bool:
        """Whether the difference of accuracy is more than chance, or scipy is not there to tell."""
        return self.mcnemar_p is None or self.mcnemar_p < _ALPHA

    @property
    def smallest_significant_loss(self) -> float:
        """The smallest loss of accuracy that so many items could show to be more than chance."""
        return _FEWEST_SIGNIFICANT / self.images


def compare(
    outputs: NDArray[np.float32],
    reference: NDArray[np.float32],
    labels: NDArray[np.integer] | None,
    *,
    classes: bool = True,
    targets: NDArray[np.float32] | None = None,
) -> Parity:
    """Compare a model's outputs with its reference's.

    Args:
        outputs: (N, ...) float32, the model's; of classes (N, classes), or (N, 1) for the probability of the
            second of two.
        reference: The same of the reference on the same items.
        labels: (N,) integers, the true classes; None if they are unknown.
        classes: Whether outputs are probabilities of classes.
        targets: (N, ...) float32, the true values; None if they are unknown.

    Raises:
        InputError: The arrays do not belong together, or a label is not a class.
        EngineError: An output is NaN or infinite.
    """
    if not len(reference) or outputs.shape != reference.shape:
        raise InputError(
            "model and reference have different outputs",
            received=f"outputs of shape {outputs.shape}",
            expected=f"the reference's {reference.shape}, of one item at least",
        )
    require_finite(outputs)
    require_finite(reference)
    difference = np.abs(outputs.astype(np.float64) - reference)
    facts: dict[str, Any] = {
        "images": len(reference),
        "max_abs_difference": float(difference.max()),
        "mean_abs_difference": float(difference.mean()),
        "rms_difference": float(np.sqrt((difference**2).mean())),
        "output_range": float(reference.max()) - float(reference.min()),
    }
    if classes:
        return Parity(**facts, **_agreement(outputs, reference), **_accuracies(outputs, reference, labels))
    if targets is not None:
        facts |= {"r2": _r2(outputs, targets), "reference_r2": _r2(reference, targets)}
    return Parity(**facts)


def margins(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far apart the two best classes of each item are, (N,) float32."""
    if probabilities.shape[1] == 1:
        return np.abs(2 * probabilities[:, 0] - 1)
    best = np.partition(probabilities, -2, axis=1)[:, -2:]
    apart: NDArray[np.float32] = best[:, 1] - best[:, 0]
    return apart


def _agreement(outputs: NDArray[np.float32], reference: NDArray[np.float32]) -> dict[str, Any]:
    same = class_indices(outputs) == class_indices(reference)
    apart = margins(reference)
    sure = apart >= SURE_MARGIN
    return {
        "agreement": float(same.mean()),
        "sure_images": int(sure.sum()),
        "sure_agreement": float(same[sure].mean()) if sure.any() else None,
        "flipped": tuple(np.flatnonzero(~same).tolist()),
        "flipped_margin": float(apart[~same].max(initial=0.0)),
    }


def _accuracies(
    outputs: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.integer] | None
) -> dict[str, Any]:
    if labels is None:
        return {}
    classes, count = class_count(outputs, labels), len(labels)
    right, reference_right = class_indices(outputs) == labels, class_indices(reference) == labels
    broke = int(np.count_nonzero(reference_right & ~right))
    fixed = int(np.count_nonzero(right & ~reference_right))
    return {
        "accuracy": float(right.mean()),
        "reference_accuracy": float(reference_right.mean()),
        "broke": broke,
        "fixed": fixed,
        "per_class_accuracy": per_class(right, labels, classes),
        "accuracy_interval": wilson_interval(int(right.sum()), count),
        "reference_accuracy_interval": wilson_interval(int(reference_right.sum()), count),
        "difference_interval": difference_interval(broke, fixed, count),
        "mcnemar_p": mcnemar_p(broke, fixed),
    }


def _r2(outputs: NDArray[np.float32], targets: NDArray[np.float32]) -> float | None:
    """Return 1 - residual sum of squares / total sum of squares; None where all targets are equal."""
    wanted = targets.astype(np.float64).reshape(outputs.shape)
    total = float(((wanted - wanted.mean(axis=0)) ** 2).sum())
    return 1 - float(((outputs - wanted) ** 2).sum()) / total if total else None
