"""Which artifact to ship: of those that fit, the quickest, and what each of the others would gain or lose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...runtime.errors import OptionError, ProofError, require_one_of

Interval = tuple[float, float]
_KERAS = "keras"


@dataclass(frozen=True, slots=True)
class Needs:
    """What one has and what one accepts; None where there is no limit.

    Attributes:
        engine: The engine there is; Keras is advised only where it is named.
        target: The emulated device to ship to, for the model in C.
    """

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    engine: str | None = None
    target: str | None = None
    min_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An artifact as it was measured in one place.

    Attributes:
        place: The engine, or the device.
        flash_bytes: The file's size; on a device code and constants, None where they were not measured.
        ram_bytes: What the process grew by while it loaded and ran the model; on a device what it takes.
        cost: The median latency in nanoseconds; on a device instructions, None where nothing counted them.
        cost_interval: 95 % interval; None where the cost is exact or has none.
        score: The accuracy, or the coefficient of determination of values; None where nothing tells.
    """

    file: str
    place: str
    flash_bytes: int | None
    ram_bytes: int | None
    cost: float | None
    cost_interval: Interval | None
    score: float | None

    @property
    def title(self) -> str:
        """The file and where it runs."""
        return f"{self.file} ({self.place})"

    def as_quick_as(self, other: "Candidate") -> bool:
        """Whether the costs cannot be told apart."""
        if self.cost is None or other.cost is None:
            return True
        low, high = self.cost_interval or (self.cost, self.cost)
        other_low, other_high = other.cost_interval or (other.cost, other.cost)
        return low <= other_high and other_low <= high


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another artifact that fits, held against the one to ship.

    Attributes:
        speed: How many times as quick it is; None where that is not known.
        size: How many times as large it is; None where that is not known.
        score: How much more accurate it is; None where that is not known.
    """

    candidate: Candidate
    speed: float | None
    speed_differs: bool
    size: float | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Advice:
    """The artifact to ship, why, what else fits, and what does not with the reasons."""

    ship: Candidate
    reason: str
    alternatives: tuple[Alternative, ...]
    left_out: tuple[tuple[str, str], ...]


class NothingFitsError(ProofError):
    """No artifact is within the needs; `left_out` has each with the reason."""

    def __init__(self, left_out: tuple[tuple[str, str], ...]) -> None:
        self.left_out = left_out
        super().__init__(f"no artifact fits, of {len(left_out)} in the benchmark")


def advise(bench: Mapping[str, Any], proven: Mapping[str, str], needs: Needs) -> Advice:
    """Choose an artifact from a benchmark.

    Args:
        bench: The content of a `bench.json`.
        proven: The sha256 of each proven artifact, by file name, as the manifest has it.
        needs: What there is and what is accepted.

    Raises:
        OptionError: The benchmark has no such engine or target, or its models have no accuracy.
        NothingFitsError: No artifact fits.
    """
    rows = _rows(bench, needs)
    measured: list[Candidate] = []
    left_out: list[tuple[str, str]] = []
    for row, place in rows:
        reason = _unusable(row, proven)
        if reason:
            left_out.append((f"{row['file']} ({place})", reason))
        else:
            measured.append(_on_device(row, place) if needs.target else _on_engine(row, place))
    if needs.min_accuracy is not None and measured and all(one.score is None for one in measured):
        raise OptionError(
            "--min-accuracy without accuracies", received="a bench.json of models that have none"
        )
    fitting = []
    for one in measured:
        excess = "; ".join(_excess(one, needs))
        if excess:
            left_out.append((one.title, excess))
        else:
            fitting.append(one)
    if not fitting:
        raise NothingFitsError(tuple(left_out))
    ship, reason = _choose(fitting)
    others = sorted((one for one in fitting if one is not ship), key=_cost)
    return Advice(ship, reason, tuple(_against(one, ship) for one in others), tuple(left_out))


def _rows(bench: Mapping[str, Any], needs: Needs) -> list[tuple[dict[str, Any], str]]:
    if needs.target is not None:
        if needs.engine is not None:
            raise OptionError("an engine and a target", fix="Give one: a target runs the model in C.")
        targets = sorted({row["target"] for row in bench["devices"]})
        if needs.target not in targets:
            raise OptionError(
                "bench.json has no such target",
                received=repr(needs.target),
                expected=f"one of {', '.join(targets)}" if targets else None,
                fix=f"Measure it: edgemnist bench --target {needs.target}",
            )
        return [(row, row["target"]) for row in bench["devices"] if row["target"] == needs.target]
    if needs.engine is not None:
        require_one_of("engine", needs.engine, sorted({row["engine"] for row in bench["rows"]}))
    return [
        (row, row["engine"])
        for row in bench["rows"]
        if (row["engine"] == needs.engine if needs.engine else row["engine"] != _KERAS)
    ]


def _unusable(row: Mapping[str, Any], proven: Mapping[str, str]) -> str:
    if row["figures"] is None:
        return f"{row['status']}: {row['reason']}"
    if row["file"] not in proven:
        return "it is not in the manifest, so nothing says that it was proven"
    if proven[row["file"]] != row["sha256"]:
        return "it is another file than was measured; run `edgemnist bench` again"
    if "exact" in row["figures"] and not row["figures"]["exact"]:
        return "its answers there are not the reference's"
    return ""


def _on_engine(row: Mapping[str, Any], place: str) -> Candidate:
    figures = row["figures"]
    memory, accuracy, latency = figures["memory"], figures["accuracy"], figures["end_to_end"]
    interval = latency["p50_interval_ns"]
    return Candidate(
        file=row["file"],
        place=place,
        flash_bytes=row["size_bytes"],
        ram_bytes=memory and max(0, memory["loaded_bytes"]) + max(0, memory["measured_bytes"]),
        cost=latency["p50_ns"],
        cost_interval=interval and (interval[0], interval[1]),
        score=accuracy["accuracy"] if accuracy else figures.get("r2"),
    )


def _on_device(row: Mapping[str, Any], place: str) -> Candidate:
    figures = row["figures"]
    footprint, instructions = figures["footprint"] or {}, figures["instructions"] or {}
    return Candidate(
        file=row["file"],
        place=place,
        flash_bytes=footprint.get("flash_bytes"),
        ram_bytes=footprint.get("ram_bytes"),
        cost=instructions.get("median"),
        cost_interval=None,
        score=figures["accuracy"],
    )


def _excess(one: Candidate, needs: Needs) -> list[str]:
    found = []
    for what, taken, there in (
        ("flash", one.flash_bytes, needs.flash_bytes),
        ("RAM", one.ram_bytes, needs.ram_bytes),
    ):
        if there is not None and taken is None:
            found.append(f"its {what} was not measured")
        elif there is not None and taken is not None and taken > there:
            found.append(f"it takes {taken:,} bytes of {what}, and there are {there:,}")
    if needs.min_accuracy is not None and (one.score is None or one.score < needs.min_accuracy):
        shown = "not known" if one.score is None else f"{100 * one.score:.2f} %"
        found.append(f"its accuracy is {shown}, less than {100 * needs.min_accuracy:g} %")
    return found


def _choose(fitting: Sequence[Candidate]) -> tuple[Candidate, str]:
    """Return the quickest; of those that are as quick the smallest, then the most accurate."""
    quickest = min(fitting, key=_cost)
    equals = [one for one in fitting if one.as_quick_as(quickest)]
    ship = min(equals, key=lambda one: (one.flash_bytes or 0, -(one.score or 0.0), _cost(one)))
    if len(fitting) == 1:
        return ship, "the only one that fits"
    if len(equals) == 1:
        return ship, f"the quickest of {len(fitting)} that fit"
    return ship, f"the smallest of {len(equals)} that are equally quick, of {len(fitting)} that fit"


def _cost(one: Candidate) -> float:
    return float("inf") if one.cost is None else one.cost


def _against(one: Candidate, ship: Candidate) -> Alternative:
    known = one.score is not None and ship.score is not None
    return Alternative(
        one,
        speed=ship.cost / one.cost if ship.cost and one.cost else None,
        speed_differs=not one.as_quick_as(ship),
        size=one.flash_bytes / ship.flash_bytes if one.flash_bytes and ship.flash_bytes else None,
        score=(one.score or 0.0) - (ship.score or 0.0) if known else None,
    )
