"""Whole benchmarks of models of any kind, made of their outputs without a process."""

from pathlib import Path

import numpy as np

from edgemnist.benchmarks.analysis.results import compute
from edgemnist.benchmarks.analysis.verdicts import verdicts
from edgemnist.benchmarks.runner.benchmark import Benchmark
from edgemnist.benchmarks.runner.cases import Case
from edgemnist.benchmarks.runner.collect import Collection, Measurement
from edgemnist.benchmarks.runner.machine import describe_machine
from edgemnist.benchmarks.runner.plan import Plan
from edgemnist.benchmarks.runner.processes import WorkerResult
from edgemnist.benchmarks.worker.task import Clock, Facts, ResidentMemory
from edgemnist.data.datasets import Split
from edgemnist.proof.reference import Reference
from edgemnist.runtime.signature import InputSpec, ModelSignature, OutputSpec

FACTS = Facts(
    start_ns=1,
    import_ns=1,
    load_ns=1,
    first_ns=1,
    cpus=(0,),
    clock=Clock(50, 80),
    work_ns=(1000, 1000),
    input="",
    preemptions=0,
    memory=ResidentMemory(1, 2, 3, 4, 5),
)


def benchmark_of(signature: ModelSignature, split: Split, outputs: dict, reference=None) -> Benchmark:
    """Return the benchmark of models that give these outputs for the split, by their files' names."""
    draw, plan = np.random.default_rng(0), Plan(rounds=3)
    measurements = []
    for name, values in outputs.items():
        path = Path(name)
        case = Case(path, "litert", path.suffix[1:], Path(path.stem).suffix[1:], 5000, "ab" * 32)
        arrays = {
            f"{kind}_ns": draw.integers(9000, 11_000, 400) for kind in ("warmup", "latency", "bare", "paused")
        }
        arrays |= {"batch_1_ns": draw.integers(9000, 11_000, 9), "outputs": values.astype(np.float32)}
        rounds = {
            number: WorkerResult("measured", "", FACTS, arrays, 1, signature) for number in range(plan.rounds)
        }
        measurements.append(Measurement(case, rounds))
    collection = Collection(tuple(measurements), 0.1, 3.0)
    known = None if reference is None else Reference("net.keras", "cd" * 32, reference.astype(np.float32))
    results = compute(collection, split, plan, describe_machine(), reference=known, created="2026-01-01")
    return Benchmark(results, verdicts(results), collection, split, known)


def features(count: int, *shape: int) -> np.ndarray:
    """Return random features, `(count, *shape)`."""
    return np.random.default_rng(1).normal(size=(count, *shape)).astype(np.float32)


def probabilities(count: int, classes: int, seed: int = 2) -> np.ndarray:
    """Return rows that sum to 1, `(count, classes)`."""
    drawn = np.random.default_rng(seed).random((count, classes)) ** 8
    return drawn / drawn.sum(axis=1, keepdims=True)


def classifier(shape: tuple, names: tuple, kind: str = "features") -> ModelSignature:
    """Return the signature of a model that tells classes apart."""
    output = OutputSpec("classes", (1,), names, "sigmoid") if len(names) == 2 else None
    return ModelSignature(InputSpec(kind, shape), output or OutputSpec("classes", (len(names),), names))


def regression(shape: tuple, out: tuple) -> ModelSignature:
    """Return the signature of a model that gives values."""
    return ModelSignature(InputSpec("features", shape), OutputSpec("values", out, (), "none"))
