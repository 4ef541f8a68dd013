import dataclasses

import pytest

from edgemnist.benchmarks.datasets import Dataset, Split
from edgemnist.export.training_data import load_dataset


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_dataset()


@pytest.fixture(scope="session")
def small_mnist(mnist) -> Dataset:
    """150 training and 70 test images of MNIST."""

    def first(split: Split, count: int) -> Split:
        return dataclasses.replace(split, images=split.images[:count], labels=split.labels[:count])

    return Dataset(train=first(mnist.train, 150), test=first(mnist.test, 70))
