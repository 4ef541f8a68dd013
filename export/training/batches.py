"""The examples of each epoch: always the same, or augmented by helper processes while the last epoch runs."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from ...runtime.process import usable_cpu_count
from .helper_process import Helper
from .recipe import Augmentation

MAX_HELPERS = 4  # one augments faster than the training step needs its images; more only cost memory
AUGMENTING_STREAM = 1  # keeps these random numbers apart from those of other uses of the same seed

Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What one epoch learns from.

    Attributes:
        images: (N, H, W) uint8.
        targets: (N, classes) float32, rows sum to 1: one-hot, or softer.
    """

    images: Images
    targets: NDArray[np.float32]


ExamplesOf = Callable[[int], Examples]
"""Returns the examples of an epoch (from 0), which the trainer shuffles."""


@contextmanager
def fixed_batches(examples: Examples) -> Iterator[ExamplesOf]:
    """Yield a function that returns the same examples for every epoch."""
    yield lambda _epoch: examples


@contextmanager
def augmented_batches(
    examples: Examples, augmentation: Augmentation, epochs: range, seed: int
) -> Iterator[ExamplesOf]:
    """Yield a function that returns augmented examples for each of `epochs`, in order, while the block runs.

    They depend on the seed and the number of the epoch alone, so that a training can resume at any epoch.

    Raises:
        HelperError: A helper process failed or died.
    """
    each = augmentation.epochs_per_set
    numbers = range(epochs.start // each, -(-epochs.stop // each))
    with augmented_sets(examples.images, augmentation, numbers, seed) as sets:
        current, number = examples, numbers.start - 1

        def examples_of(epoch: int) -> Examples:
            nonlocal current, number
            if epoch // each != number:
                current, number = Examples(next(sets), examples.targets), epoch // each
            return current

        yield examples_of


@contextmanager
def augmented_sets(
    images: Images, augmentation: Augmentation, numbers: Sequence[int], seed: int, helpers: int | None = None
) -> Iterator[Iterator[Images]]:
    """Yield the training images augmented again and again; helper processes work inside the block.

    Args:
        images: (N, H, W) uint8.
        augmentation: How to augment.
        numbers: The sets, in this order; together with the seed, its number decides a set.
        seed: Of the training.
        helpers: How many processes; by default as many as there are cores beside the training step's.

    Raises:
        HelperError: A helper failed or died.
    """
    count = helpers or max(1, min(MAX_HELPERS, usable_cpu_count() - 1))
    with ExitStack() as stack:
        receiver = stack.enter_context(ThreadPoolExecutor(1, "augmented-sets"))
        processes = [
            stack.enter_context(Helper("augmenting", prepare_augmenting, images, augmentation, seed))
            for _ in range(min(count, len(numbers)))
        ]
        for process, number in zip(processes, numbers, strict=False):
            process.send(number)
        yield _received(processes, numbers, receiver)


def _received(helpers: list[Helper], numbers: Sequence[int], receiver: Executor) -> Iterator[Images]:
    """Yield the sets in order; a thread empties the pipe of the next one while the training step runs."""
    turns, ahead = cycle(helpers), iter(numbers[len(helpers) :])

    def receive() -> Images:
        helper, following = next(turns), next(ahead, None)
        if following is not None:
            helper.send(following)  # before its answer is received, so that it is never idle
        images: Images = helper.receive()
        return images

    coming = receiver.submit(receive)
    for left in reversed(range(len(numbers))):
        images = coming.result()
        if left:
            coming = receiver.submit(receive)
        yield images


def prepare_augmenting(images: Images, augmentation: Augmentation, seed: int) -> Callable[[int], Images]:
    """Return the work of a helper: to augment the images, by the number of the set."""
    from .augmentation import Augmenter

    augmenter = Augmenter(augmentation, images.shape[1:])
    return lambda number: augmenter.augment(images, np.random.default_rng([seed, AUGMENTING_STREAM, number]))
