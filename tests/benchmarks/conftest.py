"""Synthetic engines for the tests of collecting, computing and reporting."""

import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.runner.benchmark import Benchmark, run_benchmark
from edgemnist.benchmarks.runner.cases import Case
from edgemnist.benchmarks.runner.plan import Plan
from edgemnist.data.datasets import Split
from edgemnist.runtime.files import sha256_of

SYNTHETIC = (sys.executable, str(Path(__file__).with_name("synthetic_worker.py")))
PLAN = Plan(
    rounds=3,
    num_runs=120,
    min_secs=0,
    warmup_runs=5,
    batch_sizes=(1, 8),
    batch_secs=0,
    timeout_secs=60,
    budget_secs=1e6,  # a busy machine drops no round
    slow_secs=1e6,
)


@pytest.fixture(scope="session")
def tiny_split() -> Split:
    """40 images of 4 x 6 pixels in three classes, which the synthetic engines name with few errors."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 40).astype(np.uint8)
    images = rng.integers(0, 100, (40, 4, 6)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 2] += 60
    return Split(images, labels)


@pytest.fixture(scope="session")
def run_synthetic(tiny_split: Split, tmp_path_factory: pytest.TempPathFactory):
    """Return a function that benchmarks synthetic engines by name, through real processes."""

    def run(*names: str, plan: Plan = PLAN, on_progress=lambda _progress: None) -> Benchmark:
        folder = tmp_path_factory.mktemp("synthetic")
        targets = []
        for name in names:
            path = folder / f"model.{name}"
            path.write_bytes(b"0" * 1000)
            targets.append(Case(path, name, name, "float32", 1000, sha256_of(path)))
        return run_benchmark(targets, tiny_split, plan, folder, on_progress=on_progress, command=SYNTHETIC)

    return run


@pytest.fixture(scope="session")
def synthetic(run_synthetic) -> Benchmark:
    """One benchmark of most synthetic engines; read it, never change it."""
    return run_synthetic("sleep", "sleep_twice", "bimodal", "leak", "crash", "refuse", "bug", "nan", "random")
