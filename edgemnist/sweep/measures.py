"""What is measured on this machine alone: flash and RAM, instructions on a board, latency.

Each is kept under the hash of the artifact and what measured it, and never measured again: nodes that others
use measure no time, and have different compilers.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from ..benchmarks.emulation.boards import Device
from ..benchmarks.emulation.building import version_of
from ..benchmarks.emulation.collect import device_rows, measure_device
from ..benchmarks.emulation.expected import expected_answers
from ..benchmarks.emulation.model import c_models
from ..benchmarks.runner.benchmark import run_benchmark
from ..benchmarks.runner.cases import cases_for
from ..benchmarks.runner.inputs import BenchInputs, find_inputs
from ..benchmarks.runner.machine import describe_machine
from ..benchmarks.runner.plan import Plan
from ..runtime.errors import EdgeMnistError
from ..runtime.process import usable_cpu_count
from .options import key_of
from .results import PointRecord, Results

BOARD_IMAGES = 8  # instructions hardly depend on the image
_TFLITE, _C = ".int8.tflite", ".int8.c"


class Memory(Struct, frozen=True, forbid_unknown_fields=True):
    """What an artifact takes on a microcontroller; `code` is whether the flash counts compiled code."""

    flash_bytes: int | None
    ram_bytes: int | None
    code: bool
    reason: str = ""


class Instructions(Struct, frozen=True, forbid_unknown_fields=True):
    """The median of the instructions for one image on an emulated board, or why there is none."""

    median: float | None
    reason: str = ""


class Latency(Struct, frozen=True, forbid_unknown_fields=True):
    """The latency of single images, from raw input to label, on the machine that is named."""

    engine: str
    p50_ns: float | None
    p90_ns: float | None
    machine: dict[str, Any]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a point by measuring; None where it was not."""

    memory: Memory | None = None
    instructions: Instructions | None = None
    latency: Latency | None = None


def measure_memory(records: Mapping[str, PointRecord], results: Results, device: Device) -> dict[str, Memory]:
    """Return flash and RAM of each full-integer point, by key; the others run on no microcontroller."""
    compiler = "" if device.missing else version_of(device.compiler)
    able = {key: record for key, record in records.items() if _integers(record)}

    def measured(record: PointRecord) -> Memory:
        place = key_of((record.files[_integers(record)], device.name, device.flags, compiler))
        if (known := results.find("memory", place, Memory)) is not None:
            return known
        memory = _memory(results.read_file(_integers(record), record.files[_integers(record)]), device)
        if not memory.reason:
            results.keep("memory", place, memory)
        return memory

    with ThreadPoolExecutor(usable_cpu_count()) as pool:
        return dict(zip(able, pool.map(measured, able.values()), strict=True))


def inputs_of(record: PointRecord, results: Results, data: str | None) -> BenchInputs:
    """Return the test inputs of the data set as an artifact takes them.

    Raises:
        DatasetError: The data set cannot be read any more.
    """
    with tempfile.TemporaryDirectory(prefix="edgemnist-sweep-") as name:
        path = Path(name, record.artifact)
        path.write_bytes(results.read_file(record.artifact, record.files[record.artifact]))
        if tflite := _integers(record):  # which says what C takes
            (path.parent / tflite).write_bytes(results.read_file(tflite, record.files[tflite]))
        return find_inputs(path.parent, [path], None if data is None else Path(data))


def measure_instructions(
    records: Mapping[str, PointRecord], results: Results, device: Device, inputs: BenchInputs
) -> dict[str, Instructions]:
    """Return the instructions of each full-integer point on an emulated board, by key."""
    some = replace(inputs, split=inputs.split.select(np.arange(min(BOARD_IMAGES, len(inputs.split)))))
    found: dict[str, Instructions] = {}
    for key, record in records.items():
        if not (name := _integers(record)):
            continue
        if device.missing:
            found[key] = Instructions(None, device.missing)
            continue
        place = key_of((record.files[name], device.name, device.flags, version_of(device.compiler)))
        known = results.find("instructions", place, Instructions)
        if known is None:
            known = _instructions(results.read_file(name, record.files[name]), device, some)
            if not known.reason:
                results.keep("instructions", place, known)
        found[key] = known
    return found


def measure_latency(
    records: Mapping[str, PointRecord],
    results: Results,
    inputs: BenchInputs,
    plan: Plan | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Latency]:
    """Return the latency of each point, by key; those that are known from before keep theirs."""
    found: dict[str, Latency] = {}
    unknown: dict[str, PointRecord] = {}
    for key, record in records.items():
        known = results.find("latency", record.files[record.artifact], Latency)
        if known is None:
            unknown[key] = record
        else:
            found[key] = known
    if not unknown:
        return found
    by_content = {record.files[record.artifact]: record for record in unknown.values()}
    with tempfile.TemporaryDirectory(prefix="edgemnist-sweep-") as name:
        paths = {}
        for sha256, record in by_content.items():
            path = Path(name, sha256, record.artifact)
            path.parent.mkdir()
            path.write_bytes(results.read_file(record.artifact, sha256))
            paths[path] = sha256
        report(f"latency of {len(paths)} artifacts")
        _keep_latencies(paths, results, inputs, plan or Plan(), Path(name))
    for key, record in unknown.items():
        if (known := results.find("latency", record.files[record.artifact], Latency)) is not None:
            found[key] = known
    return found


def _keep_latencies(
    paths: Mapping[Path, str], results: Results, inputs: BenchInputs, plan: Plan, folder: Path
) -> None:
    cases = cases_for(paths)
    first = {case.path: case for case in reversed(cases)}  # one engine a file: the first that there is
    chosen = [first[path] for path in paths]
    benchmark = run_benchmark(chosen, inputs.split, plan, folder, signature=inputs.signature)
    machine = msgspec.to_builtins(describe_machine())
    for row in benchmark.results.rows:
        times = row.metrics.end_to_end if row.metrics else None
        latency = Latency(
            row.case.engine,
            float(times.p50_ns) if times else None,
            float(times.p90_ns) if times else None,
            machine,
            row.reason,
        )
        results.keep("latency", paths[row.case.path], latency)


def _integers(record: PointRecord) -> str:
    """Return the name of the full-integer TFLite file of a point of int8.tflite or C, else ""."""
    if not record.artifact.endswith((_TFLITE, _C)):
        return ""
    return next((name for name in record.files if name.endswith(_TFLITE)), "")


def _memory(content: bytes, device: Device) -> Memory:
    from ..export.codegen.proving.regenerate import require_harmless
    from ..export.codegen.sizing.size import measure

    compiler = () if device.missing else (device.compiler, *device.flags)
    try:
        require_harmless(content)
        size = measure(content, compiler, f"{device.binutils}nm")
    except EdgeMnistError as error:
        return Memory(None, None, code=False, reason=str(error))
    return Memory(size.flash_bytes, size.ram_bytes, code=size.code_bytes is not None)


def _instructions(content: bytes, device: Device, inputs: BenchInputs) -> Instructions:
    from ..export.codegen.artifact import make_c

    try:
        with tempfile.TemporaryDirectory(prefix="edgemnist-c-") as name:
            make_c(content, "network").write(Path(name))
            (model,) = c_models([Path(name)])
            outcome = measure_device(device, model, expected_answers(model, inputs.split.array))
            (row,) = device_rows([outcome], inputs.split)
    except EdgeMnistError as error:
        return Instructions(None, str(error))
    counted = row.metrics.instructions if row.metrics else None
    return Instructions(counted.median if counted else None, outcome.reason)


def together(
    keys: Iterable[str],
    memory: Mapping[str, Memory],
    instructions: Mapping[str, Instructions],
    latency: Mapping[str, Latency],
) -> dict[str, Measured]:
    """Return all that was measured, by key."""
    return {key: Measured(memory.get(key), instructions.get(key), latency.get(key)) for key in keys}
