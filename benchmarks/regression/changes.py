"""Comparing two benchmarks of the same models: what became slower, quicker, better or worse."""

from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...proof.intervals import Interval, difference_interval, mcnemar_p
from ...runtime.errors import ArtifactError, MissingExtraError
from ..analysis.statistics import Ratio, independent_ratio
from ..report.compact_arrays import decode_array
from ..runner.processes import MEASURED

_SAME_MACHINE = ("cpu", "architecture", "cores")


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one row.

    Attributes:
        status: Its status in the new benchmark; "missing" where it is not there at all.
        slowdown: New p50 over old p50: above 1, it became slower.
        accuracy_difference: New accuracy less the old one, the float nearest to the exact difference; None
            where one of them is not known.
        accuracy_interval: 95 % interval of that difference, paired by input; None for other test inputs.
        mcnemar_p: Exact McNemar p of old and new labels.
        r2_difference: Of values, the new R² less the old one.
    """

    title: str
    status: str
    reason: str
    same_file: bool
    old_p50_ns: float
    new_p50_ns: float | None = None
    slowdown: Ratio | None = None
    accuracy_difference: float | None = None
    accuracy_interval: Interval | None = None
    mcnemar_p: float | None = None
    r2_difference: float | None = None


def find_changes(old: dict[str, Any], new: dict[str, Any]) -> tuple[Change, ...]:
    """Compare two `bench.json` documents, row by row of the old one that has figures."""
    rows = {_title(row): row for row in new["rows"]}
    same = new["labels"] is not None and old["images_sha256"] == new["images_sha256"]
    labels = decode_array(new["labels"]) if same else None
    return tuple(
        _change(row, rows.get(_title(row)), labels) for row in old["rows"] if row["status"] == MEASURED
    )


def differences(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """Return why two benchmarks are not of the same machine and method; nothing if they are."""
    pairs = [(field, old["machine"].get(field), new["machine"].get(field)) for field in _SAME_MACHINE]
    pairs.append(("threads", old["plan"].get("num_threads"), new["plan"].get("num_threads")))
    return tuple(f"{field} {before!r} and {now!r}" for field, before, now in pairs if before != now)


def changed_versions(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """Return what software differs, such as "onnxruntime 1.31.0 to 1.32.0"."""
    before, now = old["machine"]["versions"], new["machine"]["versions"]
    return tuple(
        f"{name} {before.get(name, 'absent')} to {now.get(name, 'absent')}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    )


def require_same_machine(old: dict[str, Any], new: dict[str, Any], *, force: bool) -> None:
    """Check that two benchmarks are of the same machine, unless `force`.

    Raises:
        ArtifactError: They are not, so their latencies cannot be compared.
    """
    found = differences(old, new)
    if found and not force:
        raise ArtifactError(
            "the benchmarks are of different machines",
            received="; ".join(found),
            fix="Measure both on one machine, or compare them all the same with --force.",
        )


def require_scipy(purpose: str) -> None:
    """Check that intervals can be computed.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    if find_spec("scipy") is None:
        raise MissingExtraError("scipy", "bench", purpose)


def ratio_text(ratio: Ratio) -> str:
    """Return a ratio with its interval, such as "1.31 (1.25 to 1.37)"."""
    if ratio.interval is None:
        return f"{ratio.value:.2f} (no interval)"
    return f"{ratio.value:.2f} ({ratio.interval[0]:.2f} to {ratio.interval[1]:.2f})"


def added_rows(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """Return the titles of measured rows that the old benchmark does not have figures for."""
    before, after = (
        [_title(row) for row in document["rows"] if row["status"] == MEASURED] for document in (old, new)
    )
    return tuple(title for title in after if title not in before)


def verdict(change: Change) -> str:
    """Return what became of a row, in a sentence."""
    if change.slowdown is None:
        return f"{change.title} is now {change.status}{f': {change.reason}' if change.reason else ''}."
    if change.slowdown.differs:
        word = "slower" if change.slowdown.value > 1 else "faster"
        speed = f"{word}, its p50 {ratio_text(change.slowdown)} times the old one"
    else:
        speed = f"no measurable difference in speed, p50 {ratio_text(change.slowdown)} times the old one"
    file = "the same file" if change.same_file else "another file"
    answers = answers_text(change, "; ")
    return f"{change.title}: {file}; {speed}{answers}."


def answers_text(change: Change, before: str) -> str:
    """Return what became of a row's answers, such as "accuracy +0.10 points (-0.02 to +0.22)".

    `before` is put before it; of answers that nobody can score there is nothing to say.
    """
    if change.r2_difference is not None:
        return f"{before}R² {change.r2_difference:+.4f}"
    if change.accuracy_difference is None:
        return ""
    text = f"{before}accuracy {100 * change.accuracy_difference:+.2f} points"
    if change.accuracy_interval is None:
        return text
    low, high = change.accuracy_interval
    return f"{text} ({100 * low:+.2f} to {100 * high:+.2f})"


def _change(old: dict[str, Any], new: dict[str, Any] | None, labels: NDArray[np.int64] | None) -> Change:
    title, before = _title(old), old["figures"]["end_to_end"]
    if new is None or new["figures"] is None:
        status, reason = (new["status"], new["reason"]) if new else ("missing", "")
        return Change(title, status, reason, new is not None and _same(old, new), before["p50_ns"])
    after = new["figures"]["end_to_end"]
    was, now = _accuracy(old), _accuracy(new)
    difference = None if was is None or now is None else float(now - was)
    r2s = old["figures"].get("r2"), new["figures"].get("r2")
    interval, p = (None, None) if labels is None or difference is None else _paired(old, new, labels)
    return Change(
        title=title,
        status=new["status"],
        reason="",
        same_file=_same(old, new),
        old_p50_ns=before["p50_ns"],
        new_p50_ns=after["p50_ns"],
        slowdown=independent_ratio(after["round_p50_ns"], before["round_p50_ns"]),
        accuracy_difference=difference,
        accuracy_interval=interval,
        mcnemar_p=p,
        r2_difference=None if None in r2s else r2s[1] - r2s[0],
    )


def _title(row: dict[str, Any]) -> str:
    return f"{row['file']} ({row['engine']})"


def _same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return bool(old["sha256"] == new["sha256"])


def _accuracy(row: dict[str, Any]) -> Fraction | None:
    """Return a row's accuracy as the exact share of inputs that it is; None where it is not known."""
    if row["figures"]["accuracy"] is None:
        return None
    images = row["predicted"]["count"]
    return Fraction(round(row["figures"]["accuracy"]["accuracy"] * images), images)


def _paired(
    old: dict[str, Any], new: dict[str, Any], labels: NDArray[np.int64]
) -> tuple[Interval | None, float | None]:
    was_right = decode_array(old["predicted"]) == labels
    is_right = decode_array(new["predicted"]) == labels
    broke = int(np.count_nonzero(was_right & ~is_right))
    fixed = int(np.count_nonzero(is_right & ~was_right))
    return difference_interval(broke, fixed, len(labels)), mcnemar_p(broke, fixed)
