"""Which images quantization may look at: a seeded, class-balanced part of the training split, on record."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.manifest import CalibrationRecord
from ..runtime.errors import OptionError


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The calibration images, `(n, H, W)` uint8, and their `(n,)` indices in the training split."""

    images: NDArray[np.uint8]
    indices: NDArray[np.int64]
    samples_per_class: tuple[int, ...]
    seed: int

    def record(self) -> CalibrationRecord:
        """Return what the manifest says of it."""
        return CalibrationRecord(
            split="train",
            samples=len(self.indices),
            samples_per_class=self.samples_per_class,
            seed=self.seed,
            indices_sha256=hashlib.sha256(self.indices.astype("<i8").tobytes()).hexdigest(),
        )


def choose_calibration(train: Split, classes: int, samples: int, seed: int) -> Calibration:
    """Draw calibration images from the training split, as evenly over the classes as the number allows.

    A class without training images has no part in it.

    Raises:
        OptionError: `samples` is below 1 or more than the split can give evenly.
    """
    available = np.bincount(train.labels, minlength=classes)
    present = np.flatnonzero(available)
    quotas = np.zeros(classes, np.int64)
    quotas[present] = samples // len(present)
    quotas[present[: samples % len(present)]] += 1
    if samples < 1 or (quotas > available).any():
        raise OptionError(
            "the number of calibration samples is out of range",
            received=samples,
            expected=f"1 to {int(available[present].min()) * len(present)}, for equal shares of"
            f" {len(present)} classes",
            fix="Choose one with --calibration-samples.",
        )
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(train.labels == label), quota, replace=False)
        for label, quota in enumerate(quotas)
    ]
    indices = rng.permutation(np.concatenate(drawn))
    return Calibration(train.images[indices], indices, tuple(int(quota) for quota in quotas), seed)
