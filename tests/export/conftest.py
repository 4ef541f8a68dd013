import dataclasses

import pytest

from edgemnist.data.datasets import Dataset, Split
from edgemnist.export.calibration import choose_calibration
from edgemnist.export.convert.source_model import Source, load_source


@pytest.fixture(scope="session")
def small_mnist(mnist) -> Dataset:
    """150 training and 70 test images of MNIST."""

    def first(split: Split, count: int) -> Split:
        return dataclasses.replace(split, images=split.images[:count], labels=split.labels[:count])

    return Dataset(train=first(mnist.train, 150), test=first(mnist.test, 70))


@pytest.fixture(scope="session")
def quick_mnist(mnist) -> Dataset:
    """All training images and the first 500 test images, so that a proof takes no time."""
    test = dataclasses.replace(mnist.test, images=mnist.test.images[:500], labels=mnist.test.labels[:500])
    return Dataset(train=mnist.train, test=test)


@pytest.fixture(scope="session")
def source(model_folder, mnist) -> Source:
    """The quickly trained model with 100 calibration images, and class names that are no numbers."""
    calibration = choose_calibration(mnist.train, 10, 100, 0)
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return load_source(model_folder / "mnist.keras", calibration, names)
