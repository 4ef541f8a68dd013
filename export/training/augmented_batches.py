"""The augmented images of a training, made by helper processes while the training step runs."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...runtime.cpus import usable_cpu_count
from .helper_process import Connection, Helper
from .recipe import Augmentation

MAX_HELPERS = 4  # one augments faster than the training step takes the images; more only cost memory
AUGMENTING_STREAM = 1  # keeps these random numbers apart from those of other uses of the same seed


class AugmentedSets:
    """The training images augmented again and again: set `k` of a seed is always the same."""

    def __init__(
        self,
        augmentation: Augmentation,
        images: NDArray[np.uint8],
        *,
        seed: int,
        sets: range,
        helpers: int | None = None,
    ) -> None:
        """Start the helpers, and have the first sets begun.

        Args:
            augmentation: How to augment.
            images: (N, H, W) uint8.
            seed: Decides every set, together with its number.
            sets: The numbers of the sets that will be taken, in this order.
            helpers: How many processes; by default as many as there are cores beside the training step's.
        """
        count = helpers or max(1, min(MAX_HELPERS, usable_cpu_count() - 1))
        self._helpers = [
            Helper("augmenting", serve_sets, augmentation, images, seed) for _ in range(min(count, len(sets)))
        ]
        self._ahead = iter(sets)
        for helper in self._helpers:
            helper.send(next(self._ahead))
        self._turn = 0
        # A thread takes a set out of its pipe while the training step runs.
        self._receiver = ThreadPoolExecutor(1, "augmented-sets")
        self._left = len(sets)
        self._next: Future[NDArray[np.uint8]] = self._receiver.submit(self._receive)

    def take(self) -> NDArray[np.uint8]:
        """Return the images of the next set, waiting for them if need be.

        Raises:
            HelperError: A helper failed or died.
        """
        images = self._next.result()
        self._left -= 1
        if self._left:
            self._next = self._receiver.submit(self._receive)
        return images

    def stop(self) -> None:
        """End the helpers."""
        for helper in self._helpers:
            helper.stop()
        self._receiver.shutdown()

    def _receive(self) -> NDArray[np.uint8]:
        helper = self._helpers[self._turn]
        self._turn = (self._turn + 1) % len(self._helpers)
        following = next(self._ahead, None)
        if following is not None:
            helper.send(following)  # before its answer is taken, so that it is never idle
        return cast("NDArray[np.uint8]", helper.receive())


def serve_sets(
    connection: Connection, augmentation: Augmentation, images: NDArray[np.uint8], seed: int
) -> None:
    """Work of a helper: for each number received, send the images augmented by it."""
    from .augmentation import Augmenter

    augmenter = Augmenter(augmentation, images.shape[1:])
    while True:
        number: int = connection.recv()
        connection.send(augmenter.augment(images, np.random.default_rng([seed, AUGMENTING_STREAM, number])))
