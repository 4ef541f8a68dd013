"""The augmented images of a training, made by helper processes while the training step runs."""

import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .helpers import Helper
from .recipe import Augmentation

MAX_HELPERS = 4  # two of the slowest cores seen augment faster than a training step takes the images
LABELLED_PER_CALL = 500
FIRST_STREAM = 1  # keeps the random numbers apart from those of other uses of the same seed

Set = tuple[NDArray[np.uint8], NDArray[np.float32]]


class AugmentedSets:
    """The training set augmented again and again: set `k` of a seed is always the same.

    Attributes:
        waited_seconds: How long the training step has waited for sets so far.
    """

    def __init__(
        self,
        augmentation: Augmentation,
        images: NDArray[np.uint8],
        targets: NDArray[np.float32],
        *,
        seed: int,
        sets: range,
        teachers: Sequence[bytes] = (),
        helpers: int | None = None,
    ) -> None:
        """Start the helpers; each has its next set in work from now on.

        Args:
            augmentation: How to augment.
            images: (N, H, W) uint8.
            targets: (N, classes) float32, for sets without teachers.
            seed: Decides every set, together with its number.
            sets: The numbers of the sets that will be taken, in this order.
            teachers: ONNX models of the contract, whose mean probabilities replace the targets.
            helpers: How many processes; by default as many as there are cores beside the training step's.
        """
        count = helpers or max(1, min(MAX_HELPERS, len(os.sched_getaffinity(0)) - 1))
        self._targets, self._numbers = targets, iter(sets)
        self.waited_seconds = 0.0
        arguments = (augmentation, images, seed, tuple(teachers))
        self._helpers = [Helper("augmenting", serve_sets, *arguments) for _ in range(min(count, len(sets)))]
        self._turn = 0
        self._asked = iter(sets)
        for helper in self._helpers:
            helper.send(next(self._asked))

    def take(self) -> Set:
        """Wait for the next set, have the one after next begun, and return its images and targets.

        Raises:
            HelperError: A helper failed or died.
        """
        started = time.perf_counter()
        helper = self._helpers[self._turn]
        following = next(self._asked, None)
        if following is not None:
            helper.send(following)  # before the answer is taken, so that the helper is never idle
        images, probabilities = helper.receive()
        self._turn = (self._turn + 1) % len(self._helpers)
        self.waited_seconds += time.perf_counter() - started
        return images, self._targets if probabilities is None else probabilities

    def stop(self) -> None:
        """End the helpers."""
        for helper in self._helpers:
            helper.stop()


def serve_sets(
    connection: Connection,
    augmentation: Augmentation,
    images: NDArray[np.uint8],
    seed: int,
    teachers: Sequence[bytes],
) -> None:
    """Work of a helper: for each number received, send the augmented images and the teachers' answers."""
    from .augmentation import Augmenter

    augmenter = Augmenter(augmentation, images.shape[1:])
    sessions = [_session(teacher) for teacher in teachers]
    while True:
        number: int = connection.recv()
        augmented = augmenter.augment(images, np.random.default_rng([seed, FIRST_STREAM, number]))
        connection.send((augmented, _mean_answers(sessions, augmented) if sessions else None))


def _session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _mean_answers(sessions: Sequence[Any], images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return `(N, classes)` float32, rows sum to 1: the mean of the models' probabilities."""
    answers = []
    for start in range(0, len(images), LABELLED_PER_CALL):
        some = images[start : start + LABELLED_PER_CALL]
        answers.append(np.mean([session.run(None, {"image": some})[0] for session in sessions], axis=0))
    return np.concatenate(answers)
