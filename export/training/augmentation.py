"""Augmented images: each warped a little, elastically and affinely. Needs numpy and OpenCV, no TensorFlow.

Where a pixel of the new image comes from is a sum of smooth functions over the image with random
coefficients: constants shift, linear functions turn, stretch and slant, and the strongest components of a
smoothed random field (its Karhunen-Loeve expansion) are the elastic part. So one matrix product makes the
maps of many images. Helper processes augment the next set of images while the training step learns from one.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import MissingExtraError
from ...runtime.process import usable_cpu_count
from .helper_process import Helper
from .recipe import Augmentation

try:
    import cv2
except ImportError as error:
    raise MissingExtraError(error.name or "cv2", "export", "Augmentation") from error

KEPT_VARIANCE = 0.995  # of the random field; the rest is finer than a stroke
IMAGES_PER_CALL = 500
REMAP_LIMIT_PIXELS = 32_000  # cv2.remap works on images of less than 2**15 rows
MARGIN = 1  # empty pixels around each image, so that what lies outside of it is background
MAX_HELPERS = 4  # one augments faster than the training step needs its images; more only cost memory
AUGMENTING_STREAM = 1  # keeps these random numbers apart from those of other uses of the same seed

Images = NDArray[np.uint8]


class Augmenter:
    """Augments images of one size by one recipe."""

    def __init__(self, augmentation: Augmentation, image_shape: tuple[int, ...]) -> None:
        self._augmentation = augmentation
        self._height, self._width = image_shape
        self._side = max(image_shape)
        self._basis = self._map_basis(augmentation.smoothness * self._side)
        self._images_per_call = max(
            1, min(IMAGES_PER_CALL, REMAP_LIMIT_PIXELS // (self._height + 2 * MARGIN))
        )
        cv2.setNumThreads(1)  # more would contend with the training step

    def augment(self, images: Images, draw: np.random.Generator) -> Images:
        """Return each image `(N, H, W)` uint8 warped anew, of the same shape and dtype."""
        augmented = np.empty_like(images)
        for start in range(0, len(images), self._images_per_call):
            some = slice(start, start + self._images_per_call)
            augmented[some] = self._warp(images[some], draw)
        return augmented

    def _map_basis(self, sigma: float) -> NDArray[np.float32]:
        """Return `(3 + components, H*W)`: 1, x and y from the centre, then the components of the field."""
        y, x = np.mgrid[: self._height, : self._width]
        components = np.einsum(
            "iy,jx->ijyx", _field_components(self._height, sigma), _field_components(self._width, sigma)
        ).reshape(-1, self._height * self._width)
        strength = (components**2).sum(axis=1)
        order = np.argsort(-strength, kind="stable")
        kept = 1 + np.searchsorted(np.cumsum(strength[order]) / strength.sum(), KEPT_VARIANCE)
        affine = [np.ones(x.size), (x - (self._width - 1) / 2).ravel(), (y - (self._height - 1) / 2).ravel()]
        return np.concatenate([affine, components[order[:kept]]]).astype(np.float32)

    def _coefficients(self, count: int, draw: np.random.Generator) -> NDArray[np.float32]:
        """Return `(2, count, 3 + components)`: how each image's x and y are made of the basis."""
        ranges = self._augmentation

        def drawn(largest: float) -> NDArray[np.float32]:
            return (draw.random(count, dtype=np.float32) * 2 - 1) * np.float32(largest)

        turn = drawn(np.deg2rad(ranges.rotation_degrees))
        stretch_x, stretch_y = np.exp(drawn(ranges.scale)), np.exp(drawn(ranges.scale))
        slant = drawn(ranges.shear)
        cos, sin = np.cos(turn), np.sin(turn)
        coefficients = np.empty((2, count, len(self._basis)), np.float32)
        x, y = coefficients
        x[:, 0] = (self._width - 1) / 2 + MARGIN + drawn(ranges.shift * self._side)
        x[:, 1], x[:, 2] = cos * stretch_x, (cos * slant - sin) * stretch_y
        y[:, 0] = (self._height - 1) / 2 + MARGIN + drawn(ranges.shift * self._side)
        y[:, 1], y[:, 2] = sin * stretch_x, (sin * slant + cos) * stretch_y
        displacements = draw.standard_normal((2, count, len(self._basis) - 3), dtype=np.float32)
        coefficients[:, :, 3:] = displacements * np.float32(ranges.elastic * self._side)
        return coefficients

    def _warp(self, images: Images, draw: np.random.Generator) -> Images:
        """Warp up to `IMAGES_PER_CALL` images, stacked into one tall strip, by one call of OpenCV."""
        count, height, width = images.shape
        framed_height = height + 2 * MARGIN
        strip = np.pad(images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN))).reshape(
            count * framed_height, -1
        )
        maps = (self._coefficients(count, draw).reshape(2 * count, -1) @ self._basis).reshape(2, count, -1)
        rows = maps[1]
        # Outside of an image is its own empty margin, never the neighbour in the strip.
        np.clip(rows, 0, framed_height - 1, out=rows)
        rows += (np.arange(count, dtype=np.float32) * framed_height)[:, np.newaxis]
        tall = (count * height, width)
        warped = cv2.remap(
            strip, maps[0].reshape(tall), rows.reshape(tall), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
        return warped.reshape(images.shape).astype(np.uint8, copy=False)


def _field_components(length: int, sigma: float) -> NDArray[np.float64]:
    """Return `(length, length)`: row by row the components along one axis of a smoothed random field.

    White noise smoothed by a Gaussian of `sigma` is correlated over a distance d as exp(-d^2 / 4 sigma^2);
    here with variance 1 everywhere.
    """
    distance = np.subtract.outer(np.arange(length), np.arange(length))
    variances, directions = np.linalg.eigh(np.exp(-(distance**2) / (4 * sigma**2)))
    components: NDArray[np.float64] = (directions * np.sqrt(np.clip(variances, 0, None))).T
    return components


@contextmanager
def augmented_sets(
    images: Images, augmentation: Augmentation, numbers: Sequence[int], seed: int, helpers: int | None = None
) -> Iterator[Iterator[Images]]:
    """Yield the images `(N, H, W)` augmented again and again; helper processes work inside the block.

    Args:
        images: The training images.
        augmentation: How to augment.
        numbers: The sets, in this order. A set depends on the seed and its number alone, so that a training
            can resume at any epoch.
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
    augmenter = Augmenter(augmentation, images.shape[1:])
    return lambda number: augmenter.augment(images, np.random.default_rng([seed, AUGMENTING_STREAM, number]))
