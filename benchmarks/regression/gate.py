"""The regression gate for CI: a new benchmark against a baseline, and an error if a limit is exceeded."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...runtime.errors import OptionError, ProofError
from ..report.document import read_document
from ..runner.cases import KERAS
from ..runner.machine import describe_machine
from ..runner.plan import Plan
from .changes import (
    Change,
    answers_text,
    changed_versions,
    find_changes,
    ratio_text,
    require_same_machine,
    require_scipy,
    verdict,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a gate allows.

    Attributes:
        max_slowdown: How many times slower a row may become; None sets no limit.
        max_accuracy_drop: How much accuracy a row may lose, 0..1, of values how much R²; None sets no limit.
    """

    max_slowdown: float | None
    max_accuracy_drop: float | None

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            OptionError: One of them can hold for nothing, or for everything.
        """
        if self.max_slowdown is not None and self.max_slowdown < 1:
            raise OptionError("max_slowdown is too small", received=self.max_slowdown, expected="at least 1")
        if self.max_accuracy_drop is not None and not 0 <= self.max_accuracy_drop <= 1:
            raise OptionError(
                "max_accuracy_drop is no share", received=self.max_accuracy_drop, expected="0 to 1"
            )

    def broken_by(self, change: Change) -> tuple[str, ...]:
        """Return a sentence for each limit that a row breaks.

        A slowdown breaks its limit only where its whole interval lies above it; without an interval the value
        decides. Accuracy on the same inputs has no measuring noise, so its limit is plain.
        """
        if change.new_p50_ns is None:
            return (f"it was measured in the baseline, but {verdict(change).removesuffix('.')}",)
        sentences = []
        slowdown, drop = change.slowdown, -(change.accuracy_difference or 0.0)
        r2_drop = -(change.r2_difference or 0.0)
        if self.max_slowdown is not None and slowdown is not None:
            least = slowdown.interval[0] if slowdown.interval else slowdown.value
            if least > self.max_slowdown:
                sentences.append(
                    f"{change.title} is {ratio_text(slowdown)} times as slow as in the baseline,"
                    f" more than {self.max_slowdown:g}"
                )
        if self.max_accuracy_drop is not None and drop > self.max_accuracy_drop:
            sentences.append(
                f"{change.title} lost {100 * drop:.2f} points of accuracy, more than"
                f" {100 * self.max_accuracy_drop:g}"
            )
        if self.max_accuracy_drop is not None and r2_drop > self.max_accuracy_drop:
            sentences.append(f"{change.title} lost {r2_drop:.4f} of R², more than {self.max_accuracy_drop:g}")
        return tuple(sentences)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a person chose to measure: the other rows of a baseline are not missed."""

    files: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    keras: bool = True

    def holds(self, row: dict[str, Any]) -> bool:
        """Whether a row of a `bench.json` is in it."""
        return (
            (not self.files or row["file"] in self.files)
            and (not self.engines or row["engine"] in self.engines)
            and (self.keras or row["engine"] != KERAS)
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """A baseline and how far the new figures may lie from it."""

    baseline: dict[str, Any]
    limits: Limits

    def check(self, document: dict[str, Any]) -> tuple[str, ...]:
        """Hold a new `bench.json` against the baseline; return what changed, in sentences.

        Raises:
            ProofError: A limit is broken, or a row of the baseline has no figures now.
        """
        changes = find_changes(self.baseline, document)
        broken = [sentence for change in changes for sentence in self.limits.broken_by(change)]
        if broken:
            raise ProofError(
                "the benchmark is worse than the baseline: " + "; ".join(broken),
                fix="Run it again if the machine was busy; else find what changed.",
            )
        lines = [
            f"{change.title}: p50 {ratio_text(change.slowdown)} times the baseline's"
            f"{answers_text(change, ', ')}: within the limits"
            for change in changes
            if change.slowdown is not None
        ]
        versions = changed_versions(self.baseline, document)
        return (*lines, *(f"changed since the baseline: {version}" for version in versions))


def open_gate(
    path: Path | None,
    max_slowdown: float | None,
    max_accuracy_drop: float | None,
    plan: Plan,
    *,
    scope: Scope | None = None,
    force: bool = False,
) -> Gate | None:
    """Read a baseline and check that it fits, before any time is spent on measuring.

    `path` is an earlier `bench.json`, None means no gate; `scope` says which of its rows are to be measured
    again, None means all.

    Raises:
        OptionError: Limits without a baseline, a baseline without limits, or limits out of range.
        ArtifactError: The baseline is missing or no benchmark report, or from another machine.
        MissingExtraError: scipy, which tells noise from change, is not installed.
    """
    limits = Limits(max_slowdown, max_accuracy_drop)
    given = max_slowdown is not None or max_accuracy_drop is not None
    if path is None:
        if given:
            raise OptionError("a limit without a baseline", fix="Add --baseline OLD.json.")
        return None
    if not given:
        raise OptionError(
            "a baseline without a limit",
            fix="Add --max-slowdown or --max-accuracy-drop, or use `edgemnist compare`.",
        )
    baseline = read_document(path)
    require_scipy("a gate that tells noise from change")
    new = {"machine": asdict(describe_machine()), "plan": asdict(plan)}
    require_same_machine(baseline, new, force=force)
    scope = scope or Scope()
    rows = [row for row in baseline["rows"] if scope.holds(row)]
    figures = [row["figures"] for row in rows if row["figures"]]
    known = any(one["accuracy"] is not None or one.get("r2") is not None for one in figures)
    if max_accuracy_drop is not None and figures and not known:
        raise OptionError(
            "a limit of the accuracy that no row of the baseline has",
            received=f"{path}, measured without labels or targets",
            fix="Leave out --max-accuracy-drop, or measure a baseline with labels.",
        )
    return Gate(baseline | {"rows": rows}, limits)
