"""The conditions a worker measures under: its clock, its CPU's speed, its memory, and interruptions."""

from pathlib import Path
from time import perf_counter_ns

import numpy as np

from .task import Clock
from .timing import Effort, time_calls

_STATUS = Path("/proc/self/status")
_BYTES_PER_KB = 1024
_CLOCK_CALLS = 2000
_WORK_SIZE = 20_000
_WORK_REPEATS = 15


def measure_clock() -> Clock:
    """Measure the clock's step and the cost of timing an empty call."""
    readings = np.array([perf_counter_ns() for _ in range(_CLOCK_CALLS)])
    steps = np.diff(readings)
    empty = time_calls(lambda _none: None, (None,), Effort.exactly(_CLOCK_CALLS))
    return Clock(int(steps[steps > 0].min()), int(np.median(empty)))


def measure_fixed_work() -> int:
    """Return the nanoseconds of a fixed piece of work, which differ only if the CPU's speed does.

    The quickest of several tries, so that an interruption does not count as a slower CPU.
    """
    return int(time_calls(sum, (range(_WORK_SIZE),), Effort.exactly(_WORK_REPEATS)).min())


def resident_bytes() -> int | None:
    """Return the resident set in bytes; None where the system has no /proc."""
    return _status("VmRSS")


def peak_resident_bytes() -> int | None:
    """Return the largest resident set so far in bytes; None where the system has no /proc.

    Not `resource.getrusage`: on Linux its value starts from that of the process that started this one.
    """
    return _status("VmHWM")


def preemptions() -> int | None:
    """Return how often others took the CPU from this process's main thread; None without /proc."""
    return _status("nonvoluntary_ctxt_switches")


def _status(field: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = [line.split()[1:] for line in lines if line.startswith(f"{field}:")]
    return int(values[0][0]) * (_BYTES_PER_KB if "kB" in values[0] else 1) if values else None
