"""Verdicts in words: what the comparisons mean, with how sure one can be of it."""

from ...proof.parity import Parity
from .comparisons import Comparison
from .results import Results
from .statistics import Ratio

_BIG_RATIO = 10
_SMALLEST_SHARE = 1e-5  # that is worth telling


def verdicts(results: Results) -> tuple[str, ...]:
    """Return one sentence for each comparison."""
    return tuple(verdict(comparison) for comparison in results.comparisons)


def verdict(comparison: Comparison) -> str:
    """Return a sentence such as "a.int8 is 3.8x smaller than a.float32, ..., 1.46x faster (1.41-1.50)"."""
    parts = [_size(comparison.size_ratio)]
    if comparison.parity is not None:
        parts.append(_answers(comparison.parity))
    parts.append(_speed(comparison.speed))
    one, base = comparison.case, comparison.base
    names = (one.name, base.name) if one.name != base.name else (one.title, base.title)
    return f"{names[0]} against {names[1]}: {', '.join(parts)}."


def _size(ratio: float) -> str:
    factor, word = (ratio, "smaller") if ratio >= 1 else (1 / ratio, "larger")
    shown = f"{factor:.1f}"
    return "the same size" if shown == "1.0" else f"{shown}× {word}"


def _answers(parity: Parity) -> str:
    if parity.agreement is None:
        share = max(parity.max_abs_difference / (parity.output_range or 1.0), _SMALLEST_SHARE)
        return f"values within {100 * share:.2g} % of their range"
    if not parity.flipped:
        return "the same label on every input"
    if parity.accuracy_difference is None:
        return f"another label on {len(parity.flipped):,} of {parity.images:,} inputs"
    points = f"accuracy difference {_points(parity.accuracy_difference)} points"
    if parity.difference_interval is None:
        return points
    low, high = parity.difference_interval
    includes = "includes" if low <= 0 <= high else "excludes"
    return f"{points} (interval {_points(low)} to {_points(high)} {includes} 0)"


def _points(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "\N{MINUS SIGN}")


def _speed(speed: Ratio) -> str:
    if speed.interval is not None and not speed.differs:
        return f"no measurable difference in speed ({_interval(speed)})"
    word, ratio = ("faster", speed) if speed.value >= 1 else ("slower", speed.inverse)
    certainty = _interval(ratio) if ratio.interval else "no interval"
    return f"{_factor(ratio.value)}× {word} ({certainty})"


def _interval(ratio: Ratio) -> str:
    if ratio.interval is None:
        return ""
    return "–".join(_factor(limit) for limit in ratio.interval)


def _factor(value: float) -> str:
    return f"{value:.2f}" if value < _BIG_RATIO else f"{value:,.0f}"
