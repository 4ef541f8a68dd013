"""How much memory this process holds, as Linux tells it."""

from pathlib import Path

_STATUS = Path("/proc/self/status")
_BYTES_PER_KB = 1024


def resident_bytes() -> int | None:
    """Return the resident set in bytes; None where the system has no /proc."""
    return _status_bytes("VmRSS")


def peak_resident_bytes() -> int | None:
    """Return the largest resident set so far in bytes; None where the system has no /proc.

    Not `resource.getrusage`: on Linux its figure starts from that of the process that started this one.
    """
    return _status_bytes("VmHWM")


def _status_bytes(field: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(values[0]) * _BYTES_PER_KB if values else None
