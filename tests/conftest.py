"""What the tests share: one quickly trained model and its artifacts, made once by the real code."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.datasets import Dataset, Split, load_test_split

EPOCHS = 4


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's data directory, where builds are on record, is one of the tests' own."""
    folder = tmp_path_factory.mktemp("data-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        yield folder


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
def artifacts(model_folder: Path, mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model and every format; read it, copy it, never change it."""
    from edgemnist.export.calibration import choose_calibration
    from edgemnist.export.exporting import export_all
    from edgemnist.export.formats import FORMATS
    from edgemnist.export.formats.options import ExportOptions
    from edgemnist.export.source import load_source

    folder = tmp_path_factory.mktemp("artifacts")
    shutil.copy(model_folder / "mnist.keras", folder)
    calibration = choose_calibration(mnist.train, len(mnist.class_names), 500, 0)
    outcomes = export_all(
        load_source(folder / "mnist.keras", calibration),
        FORMATS,
        mnist,
        folder,
        options=ExportOptions(compile=True),
    )
    assert [outcome.failures for outcome in outcomes] == [()] * len(FORMATS)
    return folder


@pytest.fixture
def artifacts_copy(artifacts: Path, tmp_path: Path) -> Path:
    """A copy of the artifacts folder that a test may damage."""
    return Path(shutil.copytree(artifacts, tmp_path / "artifacts"))


@pytest.fixture
def digit(test_split: Split) -> np.ndarray:
    """The first test image, a seven: (28, 28) uint8."""
    return test_split.images[0]


@pytest.fixture
def noexec_temporary_folder(tmp_path: Path) -> list[str]:
    """What to put before a command so that $TMPDIR is on a file system mounted noexec while it runs."""
    mount = 'mount -t tmpfs -o noexec tmpfs "$TMPDIR" && exec "$@"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    try:
        tried = subprocess.run(
            [*command, "true"], env={"TMPDIR": str(tmp_path), "PATH": os.defpath}, check=False
        )
    except FileNotFoundError:
        pytest.skip("needs unshare, of util-linux")
    if tried.returncode:
        pytest.skip("this user may not mount a file system in a namespace of their own")
    return command
