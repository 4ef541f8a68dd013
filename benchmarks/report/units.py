"""Numbers with their units, three digits long."""

_NS_PER_US = 1e3
_NS_PER_MS = 1e6
_NS_PER_SEC = 1e9
_BYTES_PER_MB = 1e6
_SMALLEST_SHARE = 1e-5


def duration(nanoseconds: float) -> str:
    """Return a duration with the unit that suits it, such as `7.10 µs`."""
    for factor, unit in ((_NS_PER_SEC, "s"), (_NS_PER_MS, "ms"), (_NS_PER_US, "µs")):
        if nanoseconds >= factor:
            return f"{_significant(nanoseconds / factor)} {unit}"
    return f"{nanoseconds:.0f} ns"


def size(size_bytes: float) -> str:
    """Return a size in kB or MB of 1,000 and 1,000,000 bytes, as file managers show it."""
    if abs(size_bytes) < _BYTES_PER_MB:
        return f"{size_bytes / 1000:,.1f} kB"
    return f"{size_bytes / _BYTES_PER_MB:,.1f} MB"


def percent(share: float) -> str:
    """Return a share as per cent with the two digits that 10,000 images resolve."""
    return f"{100 * share:.2f} %"


def difference(value: float) -> str:
    """Return a small difference of probabilities."""
    return "0" if value == 0 else f"{value:.1e}"


def of_range(value: float, output_range: float) -> str:
    """Return a difference of values as a share of their range, two digits of it."""
    share = value / (output_range or 1.0)
    if 0 < share < _SMALLEST_SHARE:
        return f"<{100 * _SMALLEST_SHARE:g} %"
    return f"{100 * share:.2g} %"


def rate(per_sec: float | None) -> str:
    """Return a rate with three digits and a unit prefix; "-" where there is none."""
    if per_sec is None:
        return "-"
    for factor, prefix in ((1e6, "M"), (1e3, "k")):
        if per_sec >= factor:
            return f"{_significant(per_sec / factor)}{prefix}"
    return _significant(per_sec)


def _significant(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004 - three digits in all
    return f"{value:.{digits}f}"
