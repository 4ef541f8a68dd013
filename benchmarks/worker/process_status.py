"""What the system tells this process about itself: memory held, and how often it was interrupted."""

from pathlib import Path

_STATUS = Path("/proc/self/status")
_BYTES_PER_KB = 1024


def resident_bytes() -> int | None:
    """Return the resident set in bytes; None where the system has no /proc."""
    kilobytes = _status("VmRSS")
    return None if kilobytes is None else kilobytes * _BYTES_PER_KB


def peak_resident_bytes() -> int | None:
    """Return the largest resident set so far in bytes; None where the system has no /proc.

    Not `resource.getrusage`: on Linux its figure starts from that of the process that started this one.
    """
    kilobytes = _status("VmHWM")
    return None if kilobytes is None else kilobytes * _BYTES_PER_KB


def preemptions() -> int | None:
    """Return how often others took the CPU from this process's main thread; None without /proc."""
    return _status("nonvoluntary_ctxt_switches")


def _status(field: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(values[0]) if values else None
