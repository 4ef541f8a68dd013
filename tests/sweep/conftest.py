"""A small sweep, made once by the real code in this process."""

from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from edgemnist.sweep.results import FolderStorage, Results
from edgemnist.sweep.run import Driver
from edgemnist.sweep.space import Space, read_space
from edgemnist.sweep.sweep import Sweep, Wishes, run_sweep
from edgemnist.sweep.tasks import Context, data_sha256, run, versions

SWEEP = """
[train]
epochs = [1]
seed = [0, 1]
[export]
format = ["int8.tflite", "float32.onnx"]
calibration_samples = [10, 20]
"""


class InlinePool:
    """Answers requests at once, in this process."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    def submit(self, request: bytes) -> "Future[bytes]":
        self.requests.append(request)
        future: Future[bytes] = Future()
        future.set_result(run(request))
        return future

    def slots(self) -> int:
        return 2


def write_data(path: Path) -> Path:
    """Write 60 training and 30 test images of 6x5 pixels, of 3 classes that can be told apart."""
    draw = np.random.default_rng(0)
    labels = np.arange(90) % 3
    images = draw.integers(0, 60, (90, 6, 5), dtype=np.uint8)
    images[np.arange(90), labels * 2] += 180
    np.savez(path, x_train=images[:60], y_train=labels[:60], x_test=images[60:], y_test=labels[60:])
    return path


@pytest.fixture(scope="session")
def sweep_data(tmp_path_factory) -> Path:
    return write_data(tmp_path_factory.mktemp("sweep-data") / "small.npz")


@pytest.fixture(scope="session")
def space(tmp_path_factory) -> Space:
    path = tmp_path_factory.mktemp("sweep-file") / "sweep.toml"
    path.write_text(SWEEP)
    return read_space(path)


@pytest.fixture(scope="session")
def context(sweep_data) -> Context:
    return Context(str(sweep_data), False, data_sha256(str(sweep_data)), versions())


@pytest.fixture(scope="session")
def swept(tmp_path_factory, space, context) -> tuple[Path, Sweep]:
    """The folder of a finished sweep, and what it returned."""
    folder = tmp_path_factory.mktemp("swept")
    results = Results(FolderStorage(folder))
    return folder, run_sweep(space, Driver(results, context), InlinePool(), results, Wishes(latency=False))
