"""What the runner asks a worker process to do, and what comes back, as files in one folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

MAX_INPUT_BYTES = 256 * 1024 * 1024  # of the test inputs that a process holds at once


@dataclass(frozen=True, slots=True)
class Task:
    """One model on one engine, once, in a process of its own.

    Attributes:
        sha256: Of the model file, so that no other file is measured under its name; "" if it is missing.
        inputs: A `.npy` file, (N, ...) uint8 images or float32 features.
        cpus: The CPUs to run on; None leaves that to the system.
        batch_sizes: The batches to measure throughput with, none larger than N or `MAX_INPUT_BYTES`.
        warmup_calls: Calls before the measured ones, for each kind of call.
        min_calls: Single inputs to measure at least.
        min_ns: Nanoseconds to spend on single inputs at least.
        max_calls: Calls of one kind at most.
        min_batches: Batches of each size at least.
        min_batch_ns: Nanoseconds to spend on each batch size at least.
        spawned_ns: The parent's `perf_counter_ns` when it started the process; on Linux, macOS and Windows
            that clock is the system's, the same in both processes.
    """

    path: str
    sha256: str
    engine: str
    inputs: str
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


@dataclass(frozen=True, slots=True)
class Clock:
    """What `time.perf_counter_ns` can resolve here.

    Attributes:
        resolution_ns: Smallest step seen between two readings.
        empty_call_ns: Median reading for a call that does nothing: the cost of measuring, which every
            latency contains.
    """

    resolution_ns: int
    empty_call_ns: int


@dataclass(frozen=True, slots=True)
class ResidentMemory:
    """The resident set after each step, and its peak; None where the system has no /proc."""

    imported_bytes: int | None
    loaded_bytes: int | None
    warmed_bytes: int | None
    measured_bytes: int | None
    peak_bytes: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker measured besides arrays of samples; `bench.json` has it as it is, for each round.

    Attributes:
        start_ns: From the parent's order until Python ran the worker's first line.
        cpus: The CPUs the process was pinned to; None where it was not.
        work_ns: A fixed piece of work, before and after everything else.
        preemptions: How often others took the CPU while single inputs were measured; None without /proc.
    """

    start_ns: int
    import_ns: int
    load_ns: int
    first_ns: int
    cpus: tuple[int, ...] | None
    clock: Clock
    work_ns: tuple[int, int]
    input: str
    preemptions: int | None
    memory: ResidentMemory


@dataclass(frozen=True, slots=True)
class Reply:
    """The JSON half of what a worker leaves; arrays lie beside it.

    Attributes:
        signature: What the model takes and gives, as plain data: its type would import numpy, which is part
            of what is measured.
    """

    status: str
    reason: str
    facts: Facts | None
    signature: dict[str, Any] | None = None


def read_task(path: Path) -> Task:
    """Read what `write_json` wrote."""
    return msgspec.convert(json.loads(path.read_bytes()), Task)


def read_reply(path: Path) -> Reply:
    """Read what `write_json` wrote."""
    return msgspec.convert(json.loads(path.read_bytes()), Reply)


def write_json(path: Path, content: Task | Reply) -> None:
    """Write a task or a reply."""
    # Not by `msgspec.json`, which refuses the half characters of a path that is not UTF-8.
    path.write_text(json.dumps(msgspec.to_builtins(content)), encoding="ascii")


def result_paths(task_path: Path) -> tuple[Path, Path]:
    """Return where the worker writes its reply (JSON) and its arrays (NPZ)."""
    return task_path.with_suffix(".result.json"), task_path.with_suffix(".result.npz")
