"""What became of an export, for people and for scripts."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from ..runtime.errors import ConversionError, ProofError
from ..runtime.isolation.native_code import CODE_SUFFIXES, is_recorded
from .console import literal, print_json, print_message, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from ..data.datasets import Dataset
    from ..export.pipeline import Outcome
    from ..runtime.predictor import Predictor

_VALUE_COLUMNS = ("artifact", ">bytes", ">R²", ">largest error", ">rms error", "proof")
_COLUMNS = ("artifact", ">bytes", ">accuracy", ">agreement", ">broke", ">fixed", ">max |Δp|", "proof")


def show_outcomes(
    outcomes: "Sequence[Outcome]", dataset: "Dataset", folder: "Path", *, json: bool, every: bool = False
) -> None:
    """Print a row for each artifact and what else there is to know; raise for what failed.

    Args:
        outcomes: Of the export.
        dataset: What they were proved on.
        folder: Where they are.
        json: Whether stdout gets one JSON document instead of a table.
        every: Whether no format was asked for by its name, so that what cannot be made is no error.

    Raises:
        ProofError: An artifact failed.
        ConversionError: One that was asked for cannot be made.
    """
    if json:
        print_json([_document(outcome) for outcome in outcomes])
    else:
        noun = "images" if dataset.test.kind == "image" else "items"
        title = f"Exported artifacts, proved on {len(dataset.test):,} test {noun}"
        columns = _columns(outcomes)
        print_table(columns, [_cells(outcome, len(columns)) for outcome in outcomes], title=title)
    for outcome in outcomes:
        for note in outcome.notes:
            print_message(literal(f"{outcome.format.name}: {note}"))
    _require_proven(outcomes, every)
    made = sum(outcome.record is not None for outcome in outcomes)
    print_message(f"wrote {made} artifacts and manifest.json to {literal(folder)}")
    for warning in _forgotten_builds(outcomes):
        print_message(literal(warning))


def first_impression(predictor: "Predictor", dataset: "Dataset") -> Iterator[str]:
    """Yield what the model scores before anything is converted, and a warning where that looks wrong."""
    from ..export.opening import better_scalings, near_chance
    from ..proof.accuracy import score
    from ..proof.reference import outputs_of

    test, output = dataset.test, predictor.signature.output
    if output.kind != "classes" or test.labels is None:
        return
    found = score(outputs_of(predictor, test), test.labels)
    yield literal(f"{predictor.path.name} has {found.accuracy:.2%} of the {len(test):,} test labels right")
    if not near_chance(found, output.classes):
        return
    spec = predictor.signature.input
    yield literal(
        f"warning: that is hardly better than chance. The model got raw input * {_shown(spec.scale)} +"
        f" {_shown(spec.offset)}; if it was trained on another scale, give --scale and --offset."
    )
    for scale, offset, accuracy in better_scalings(predictor, dataset):
        yield literal(f"with --scale {scale:.10g} --offset {offset:g} it has {accuracy:.2%} right")


def _shown(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:.6g}" for number in numbers)


def _require_proven(outcomes: "Sequence[Outcome]", every: bool) -> None:
    """Raise for artifacts that failed, and for those that cannot be made if they were asked for by name."""
    failed = [outcome for outcome in outcomes if outcome.failures]
    if failed:
        raise ProofError(
            "; ".join(f"{outcome.format.name}: {', '.join(outcome.failures)}" for outcome in failed),
            fix="These files were not written; the others were.",
        )
    missing = [f"{outcome.format.name}: {outcome.unavailable}" for outcome in outcomes if outcome.unavailable]
    if missing and not every:
        raise ConversionError("; ".join(missing), fix="The other files were written.")
    for sentence in missing:
        print_message(literal(f"not made: {sentence}"))


def _forgotten_builds(outcomes: "Sequence[Outcome]") -> Iterator[str]:
    """Warn of libraries that were built here where that could not be recorded for other processes."""
    records = [outcome.record for outcome in outcomes if outcome.record and not outcome.failures]
    for name, sha256 in (item for record in records for item in record.companions.items()):
        if name.endswith(CODE_SUFFIXES) and not is_recorded(sha256):
            yield (
                f"warning: it could not be recorded in your data directory that {name} was built here, so"
                f" other processes load it only with sha256='{sha256}' or --run-foreign-code"
            )


def _columns(outcomes: "Sequence[Outcome]") -> tuple[str, ...]:
    values = any(outcome.parity and outcome.parity.agreement is None for outcome in outcomes)
    return _VALUE_COLUMNS if values else _COLUMNS


def _cells(outcome: "Outcome", columns: int) -> list[str]:
    record, parity = outcome.record, outcome.parity
    cells = [""] * (columns - 2)
    if record and parity and parity.agreement is None:
        scale = parity.output_range or 1.0
        errors = [f"{error / scale:.2%}" for error in (parity.max_abs_difference, parity.rms_difference)]
        cells = [f"{record.size_bytes:,}", "" if parity.r2 is None else f"{parity.r2:.4f}", *errors]
    elif record and parity:
        counts = ["" if count is None else str(count) for count in (parity.broke, parity.fixed)]
        accuracy = "" if parity.accuracy is None else f"{parity.accuracy:.2%}"
        cells = [f"{record.size_bytes:,}", accuracy, f"{parity.agreement:.2%}", *counts]
        cells.append(f"{parity.max_abs_difference:.0e}")
    verdict = "[yellow]not made[/]" if outcome.unavailable else "[green]passed[/]"
    verdict = "[red]failed[/]" if outcome.failures else verdict
    return [literal(record.file) if record else outcome.format.name, *cells, verdict]


def _document(outcome: "Outcome") -> dict[str, object]:
    record = msgspec.to_builtins(outcome.record)
    failures = [*outcome.failures, *([outcome.unavailable] if outcome.unavailable else [])]
    return {"format": outcome.format.name, "failures": failures, "artifact": record}
