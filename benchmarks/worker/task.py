"""What a worker process is asked to do, and where it puts its answer."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Task:
    """One model on one engine, once, in a process of its own.

    Attributes:
        path: The model file.
        sha256: Of the model file, so that no other file is measured under its name; "" if it is missing.
        engine: A key of `edgemnist.runtime.ENGINES`.
        images: A `.npy` file, (N, H, W) uint8.
        num_threads: Threads for one inference.
        cpus: The CPUs to run on; None leaves that to the system.
        batch_sizes: The batches to measure throughput with, none larger than N.
        warmup_calls: Calls before the measured ones, for each kind of call.
        min_calls: Single images to measure at least.
        min_ns: Nanoseconds to spend on single images at least.
        max_calls: Calls of one kind at most.
        min_batches: Batches of each size at least.
        min_batch_ns: Nanoseconds to spend on each batch size at least.
        seed: Decides the order of the images.
        spawned_ns: The parent's `perf_counter_ns` when it started the process; on Linux, macOS and Windows
            that clock is the system's, the same in both processes.
    """

    path: str
    sha256: str
    engine: str
    images: str
    num_threads: int
    cpus: tuple[int, ...] | None
    batch_sizes: tuple[int, ...]
    warmup_calls: int
    min_calls: int
    min_ns: int
    max_calls: int
    min_batches: int
    min_batch_ns: int
    seed: int
    spawned_ns: int

    def to_json(self) -> str:
        """Return the task as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the task that `to_json` wrote."""
        document = json.loads(text)
        cpus = document["cpus"]
        document["cpus"] = None if cpus is None else tuple(cpus)
        return cls(**{**document, "batch_sizes": tuple(document["batch_sizes"])})


def result_paths(task_path: Path) -> tuple[Path, Path]:
    """Return where the worker writes its facts (JSON) and its arrays (NPZ)."""
    return task_path.with_suffix(".result.json"), task_path.with_suffix(".result.npz")
