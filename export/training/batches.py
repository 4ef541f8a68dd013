"""Where the examples of an epoch come from: always the same images, or augmented by helper processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .augmented_batches import AugmentedSets
from .recipe import Augmentation


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What one epoch learns from.

    Attributes:
        images: (N, H, W) uint8.
        targets: (N, classes) float32, rows sum to 1: one-hot, or softer.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]


Source = Callable[[int], Examples]
"""Gives the examples of an epoch (from 0): always the same, or augmented anew. The trainer shuffles them."""


@contextmanager
def fixed_batches(examples: Examples) -> Iterator[Source]:
    """Give the same examples for every epoch."""
    yield lambda _epoch: examples


@contextmanager
def augmented(
    examples: Examples,
    augmentation: Augmentation,
    epochs: range,
    seed: int,
) -> Iterator[Source]:
    """Give augmented examples for each of `epochs`, which are taken in order; helpers work inside the block.

    They depend on the seed and the number of the epoch alone, so that a training can go on at any epoch.

    Raises:
        HelperError: A helper process failed or died.
    """
    each = augmentation.epochs_per_set
    numbers = range(epochs.start // each, -(-epochs.stop // each))
    sets = AugmentedSets(augmentation, examples.images, seed=seed, sets=numbers)
    current, number = examples, numbers.start - 1

    def source(epoch: int) -> Examples:
        nonlocal current, number
        if epoch // each != number:
            current, number = Examples(sets.take(), examples.targets), epoch // each
        return current

    try:
        yield source
    finally:
        sets.stop()
