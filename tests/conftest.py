"""What the tests share: one quickly trained model and its artifacts, made once by the real code."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.datasets import Dataset, Split, load_test_split

EPOCHS = 4


@pytest.fixture(scope="session")
def test_split() -> Split:
    return load_test_split()


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    from edgemnist.export.training_data import load_dataset

    return load_dataset()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with only `mnist.keras` and what training writes beside it."""
    from dataclasses import replace

    from edgemnist.commands.train import run_training
    from edgemnist.export.recipe import NOTEBOOK

    folder = tmp_path_factory.mktemp("model")
    run_training(folder, None, replace(NOTEBOOK, epochs=EPOCHS), 0)
    return folder


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path("/tmp/hz/art")


@pytest.fixture
def artifacts_copy(artifacts: Path, tmp_path: Path) -> Path:
    """A copy of the artifacts folder that a test may damage."""
    return Path(shutil.copytree(artifacts, tmp_path / "artifacts"))


@pytest.fixture
def digit(test_split: Split) -> np.ndarray:
    """The first test image, a seven: (28, 28) uint8."""
    return test_split.images[0]
