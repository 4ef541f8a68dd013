"""Reasons to distrust a benchmark, found in its own samples and in the state of the machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..runner.collect import Collection, Measured
from ..runner.machine import Machine
from ..runner.plan import Plan
from .metrics import Metrics
from .row import Row

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
class Doubt:
    """A reason to distrust figures.

    Attributes:
        code: A short name that scripts can look for.
        target: Whose figures, "file (engine)"; "" for all of them.
        text: What was found and what it means.
    """

    code: str
    target: str
    text: str


def find_doubts(
    rows: Sequence[Row], collection: Collection, machine: Machine, plan: Plan
) -> tuple[Doubt, ...]:
    """Return all reasons to distrust this benchmark; none is a good sign."""
    doubts = [*_machine_doubts(rows, collection, machine, plan)]
    for row, measured in zip(rows, collection.measured, strict=True):
        if row.figures is not None:
            found = _timing_doubts(row.figures) | _process_doubts(row.figures, measured)
            doubts += [Doubt(code, row.target.title, text) for code, text in found.items()]
    return tuple(doubts)


def _machine_doubts(
    rows: Sequence[Row], collection: Collection, machine: Machine, plan: Plan
) -> Iterator[Doubt]:
    load = collection.load_before
    if load is not None and load > MAX_LOAD_PER_CORE * machine.cores:
        yield Doubt(
            "load", "", f"The machine was busy before: load average {load:.1f} on {machine.cores} core(s)."
        )
    if machine.governor not in (None, "performance"):
        yield Doubt(
            "frequency",
            "",
            f"The CPU's frequency governor is {machine.governor!r}, which changes speed while measuring;"
            " 'performance' does not.",
        )
    work = [work_ns for row in rows if row.figures for work_ns in row.figures.work_ns]
    if work and (spread := max(work) / min(work) - 1) > MAX_WORK_SPREAD:
        yield Doubt(
            "speed",
            "",
            f"The CPU's own speed changed: the same fixed work took up to {spread:.0%} longer in some"
            " processes (frequency scaling, or neighbours on the same host).",
        )
    if any(row.figures and row.figures.cpus is None for row in rows):
        yield Doubt(
            "pinning",
            "",
            "Processes were not pinned to CPUs: this system does not pin, or it has fewer than the"
            f" {plan.num_threads} that were asked for.",
        )


def _timing_doubts(figures: Metrics) -> dict[str, str]:
    latency = figures.end_to_end
    rounds = len(latency.round_p50_ns)
    found = {}
    if latency.deviation > MAX_ROUND_DEVIATION:
        found["rounds"] = f"The medians of its {rounds} rounds lie {latency.deviation:.0%} apart."
    if latency.calls < MIN_CALLS_FOR_P99 or rounds < MIN_ROUNDS:
        found["samples"] = f"Few samples: {latency.calls:,} calls in {rounds} round(s)."
    if figures.clock_resolution_ns > MAX_CLOCK_SHARE * latency.p50_ns:
        found["clock"] = (
            f"The clock is too coarse: its step of {figures.clock_resolution_ns} ns is"
            f" {figures.clock_resolution_ns / latency.p50_ns:.0%} of the median."
        )
    if figures.empty_call_ns > MAX_EMPTY_CALL_SHARE * latency.p50_ns:
        found["empty-call"] = (
            f"Measuring costs {figures.empty_call_ns:.0f} ns a call,"
            f" {figures.empty_call_ns / latency.p50_ns:.0%} of the median."
        )
    return found


def _process_doubts(figures: Metrics, measured: Measured) -> dict[str, str]:
    found = {}
    calls = figures.end_to_end.calls
    if figures.preemptions is not None and figures.preemptions > MAX_PREEMPTED_SHARE * calls:
        found["preempted"] = (
            f"Other processes took the CPU {figures.preemptions:,} times during {calls:,} calls."
        )
    calls_per_round = calls / len(measured.answers)
    if figures.memory and figures.memory.measured_bytes > max(
        LEAK_BYTES, LEAK_BYTES_PER_CALL * calls_per_round
    ):
        found["leak"] = (
            f"Its memory grew by {figures.memory.measured_bytes / 1e6:.1f} MB during {calls_per_round:,.0f}"
            " calls: a leak?"
        )
    if not figures.stable:
        found["unstable"] = "Its answers for the same images differ from round to round."
    return found
