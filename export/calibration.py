"""Which items quantization may look at: a seeded, class-balanced part of the training split, on record."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.manifest import CalibrationRecord
from ..runtime.errors import OptionError

DEFAULT_SAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The calibration items and where they came from.

    Attributes:
        inputs: `(n, ...)` uint8 images or float32 features, from the training split.
        indices: `(n,)` int64, their positions there.
        samples_per_class: How many items there are of each class; none where there are no labels.
        seed: What the choice was drawn with.
        labels: `(n,)`, their class numbers; None where there are none.
    """

    inputs: NDArray[Any]
    indices: NDArray[np.int64]
    samples_per_class: tuple[int, ...]
    seed: int
    labels: NDArray[Any] | None = None

    def record(self) -> CalibrationRecord:
        """Return what the manifest says of it."""
        return CalibrationRecord(
            split="train",
            samples=len(self.indices),
            samples_per_class=self.samples_per_class,
            seed=self.seed,
            indices_sha256=hashlib.sha256(self.indices.astype("<i8").tobytes()).hexdigest(),
        )


def choose_calibration(train: Split, classes: int, samples: int | None, seed: int) -> Calibration:
    """Draw calibration items from the training split, as evenly over the classes as there are items.

    Args:
        train: The training split.
        classes: How many classes there are; 0 where labels do not matter.
        samples: How many; None draws `DEFAULT_SAMPLES`, or all where there are fewer.
        seed: Of the draw.

    Raises:
        OptionError: `samples` is below 1 or above the number of training items.
    """
    count = min(DEFAULT_SAMPLES, len(train)) if samples is None else samples
    if not 1 <= count <= len(train):
        raise OptionError(
            "the number of calibration samples is out of range",
            received=samples,
            expected=f"1 to {len(train):,}, the number of training items",
            fix="Choose one with --calibration-samples.",
        )
    rng = np.random.default_rng(seed)
    groups = np.zeros(len(train), np.int64) if train.labels is None or not classes else train.labels
    quotas = _even_quotas(np.bincount(groups, minlength=classes), count)
    drawn = [
        rng.choice(np.flatnonzero(groups == group), quota, replace=False)
        for group, quota in enumerate(quotas)
    ]
    indices = rng.permutation(np.concatenate(drawn))
    per_class = tuple(quotas) if classes and train.labels is not None else ()
    labels = None if train.labels is None or not classes else np.asarray(train.labels[indices])
    return Calibration(np.asarray(train.inputs[indices]), indices, per_class, seed, labels)


def _even_quotas(available: NDArray[np.integer], count: int) -> list[int]:
    """Return how many of each class to draw: the same of all, or more where others have too few."""
    quotas = np.zeros(len(available), np.int64)
    while (left := count - int(quotas.sum())) > 0:
        open_ = np.flatnonzero(quotas < available)
        share, rest = divmod(left, len(open_))
        quotas[open_] += share
        quotas[open_[:rest]] += 1
        quotas = np.minimum(quotas, available)
    return [int(quota) for quota in quotas]
