import dataclasses

import numpy as np
import pytest

from edgemnist.export.training.augmentation import Augmenter
from edgemnist.export.training.recipe import EDGE, Augmentation
from edgemnist.runtime.errors import OptionError

NONE = Augmentation(rotation_degrees=0, scale=0, shear=0, shift=0, elastic=0, smoothness=0.1)
STRONG = Augmentation(rotation_degrees=45, scale=0.3, shear=0.3, shift=0.3, elastic=0.2, smoothness=0.1)


def augment(augmentation, images, seed=0):
    return Augmenter(augmentation, images.shape[1:]).augment(images, np.random.default_rng(seed))


def test_same_seed_warps_alike_and_another_does_not(mnist):
    images = mnist.train.inputs[:50]
    first, same, other = (augment(EDGE.augmentation, images, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any(axis=(1, 2)).all()


def test_every_image_is_warped_in_its_own_way(mnist):
    warped = augment(EDGE.augmentation, np.repeat(mnist.train.inputs[:1], 20, axis=0))
    assert len(np.unique(warped, axis=0)) == 20


@pytest.mark.parametrize("shape", [(28, 28), (6, 5), (5, 40)])
def test_shape_and_dtype_stay(shape):
    images = np.random.default_rng(0).integers(0, 256, (7, *shape), dtype=np.uint8)
    warped = augment(EDGE.augmentation, images)
    assert warped.shape == images.shape
    assert warped.dtype == np.uint8


def test_no_augmentation_leaves_images_as_they_are(mnist):
    images = mnist.train.inputs[:50]
    np.testing.assert_array_equal(augment(NONE, images), images)


def test_digits_keep_their_ink_and_are_changed(mnist):
    images = mnist.train.inputs[:2000]
    warped = augment(EDGE.augmentation, images)
    ink, warped_ink = (some.sum(axis=(1, 2), dtype=np.int64) for some in (images, warped))
    assert np.median(np.abs(warped_ink / ink - 1)) < 0.1
    assert (warped_ink > 0.5 * ink).mean() > 0.999
    assert (warped != images).any(axis=(1, 2)).all()


def test_no_ink_bleeds_from_one_image_into_the_next():
    images = np.zeros((301, 28, 28), np.uint8)
    images[::2] = 255
    warped = augment(STRONG, images)
    assert not warped[1::2].any()
    assert warped[::2].any(axis=(1, 2)).all()


def test_more_images_than_fit_one_call_of_opencv_are_all_warped(mnist):
    images = np.repeat(mnist.train.inputs[:1], 1201, axis=0)
    assert len(np.unique(augment(EDGE.augmentation, images), axis=0)) == 1201


def test_shift_moves_the_whole_image():
    images = np.zeros((200, 21, 21), np.uint8)
    images[:, 10, 10] = 255
    y, x = np.nonzero(augment(dataclasses.replace(NONE, shift=3 / 21), images).sum(axis=0, dtype=np.int64))
    assert (y.min(), y.max(), x.min(), x.max()) == (7, 13, 7, 13)


@pytest.mark.parametrize(
    "change",
    [{"scale": -0.1}, {"elastic": float("nan")}, {"smoothness": 0}],
)
def test_augmentation_that_makes_no_sense_is_refused(change):
    with pytest.raises(OptionError, match="must be"):
        dataclasses.replace(NONE, **change)
