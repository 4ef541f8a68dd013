"""Reasons to distrust a benchmark, found in its own samples and in the state of the machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..runner.collect import Collection, Measurement
from ..runner.machine import Machine
from ..runner.plan import Plan
from .metrics import Metrics, ResultRow

MAX_LOAD_PER_CORE = 0.5
MAX_WORK_SPREAD = 0.1
MAX_ROUND_DEVIATION = 0.1  # as pyperf has it
MIN_CALLS_FOR_P99 = 1000
MIN_ROUNDS = 3
MAX_CLOCK_SHARE = 0.02
MAX_EMPTY_CALL_SHARE = 0.1
MAX_PREEMPTED_SHARE = 0.01
LEAK_BYTES = 2_000_000
LEAK_BYTES_PER_CALL = 256


@dataclass(frozen=True, slots=True)
class BenchWarning:
    """A reason to distrust the metrics of `case`, "file (engine)", or of all where that is ""."""

    code: str
    case: str
    text: str


def find_warnings(
    rows: Sequence[ResultRow], collection: Collection, machine: Machine, plan: Plan
) -> tuple[BenchWarning, ...]:
    """Return all reasons to distrust this benchmark; none is a good sign."""
    warnings = [*_machine_warnings(rows, collection, machine, plan)]
    for row, measurement in zip(rows, collection.measurements, strict=True):
        if row.metrics is not None:
            found = _timing_warnings(row.metrics) | _process_warnings(row.metrics, measurement)
            warnings += [BenchWarning(code, row.case.title, text) for code, text in found.items()]
    return tuple(warnings)


def _machine_warnings(
    rows: Sequence[ResultRow], collection: Collection, machine: Machine, plan: Plan
) -> Iterator[BenchWarning]:
    load = collection.load_before
    if load is not None and load > MAX_LOAD_PER_CORE * machine.cores:
        yield BenchWarning(
            "load", "", f"The machine was busy before: load average {load:.1f} on {machine.cores} core(s)."
        )
    if machine.governor not in (None, "performance"):
        yield BenchWarning(
            "frequency",
            "",
            f"The CPU's frequency governor is {machine.governor!r}, which changes speed while measuring;"
            " 'performance' does not.",
        )
    work = [work_ns for row in rows if row.metrics for work_ns in row.metrics.work_ns]
    if work and (spread := max(work) / min(work) - 1) > MAX_WORK_SPREAD:
        yield BenchWarning(
            "speed",
            "",
            f"The CPU's own speed changed: the same fixed work took up to {spread:.0%} longer in some"
            " processes (frequency scaling, or neighbours on the same host).",
        )
    if any(row.metrics and row.metrics.cpus is None for row in rows):
        yield BenchWarning(
            "pinning",
            "",
            "Processes were not pinned to CPUs: this system does not pin, or it has fewer than the"
            f" {plan.num_threads} that were asked for.",
        )


def _timing_warnings(metrics: Metrics) -> dict[str, str]:
    latency = metrics.end_to_end
    rounds = len(latency.round_p50_ns)
    found = {}
    if latency.deviation > MAX_ROUND_DEVIATION:
        found["rounds"] = f"The medians of its {rounds} rounds lie {latency.deviation:.0%} apart."
    if latency.calls < MIN_CALLS_FOR_P99 or rounds < MIN_ROUNDS:
        found["samples"] = f"Few samples: {latency.calls:,} calls in {rounds} round(s)."
    if metrics.clock_resolution_ns > MAX_CLOCK_SHARE * latency.p50_ns:
        found["clock"] = (
            f"The clock is too coarse: its step of {metrics.clock_resolution_ns} ns is"
            f" {metrics.clock_resolution_ns / latency.p50_ns:.0%} of the median."
        )
    if metrics.empty_call_ns > MAX_EMPTY_CALL_SHARE * latency.p50_ns:
        found["empty-call"] = (
            f"Measuring costs {metrics.empty_call_ns:.0f} ns a call,"
            f" {metrics.empty_call_ns / latency.p50_ns:.0%} of the median."
        )
    return found


def _process_warnings(metrics: Metrics, measurement: Measurement) -> dict[str, str]:
    found = {}
    calls = metrics.end_to_end.calls
    if metrics.preemptions is not None and metrics.preemptions > MAX_PREEMPTED_SHARE * calls:
        found["preempted"] = (
            f"Other processes took the CPU {metrics.preemptions:,} times during {calls:,} calls."
        )
    calls_per_round = calls / len(measurement.rounds)
    if metrics.memory and metrics.memory.measured_bytes > max(
        LEAK_BYTES, LEAK_BYTES_PER_CALL * calls_per_round
    ):
        found["leak"] = (
            f"Its memory grew by {metrics.memory.measured_bytes / 1e6:.1f} MB during {calls_per_round:,.0f}"
            " calls: a leak?"
        )
    if not metrics.stable:
        found["unstable"] = "Its outputs for the same images differ from round to round."
    return found
