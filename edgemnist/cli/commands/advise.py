"""`edgemnist advise`: the artifact to ship, why, and what the next ones would gain or lose."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Option

from ...benchmarks.analysis.advice import Advice, Alternative, Candidate, Needs, NothingFitsError
from ...benchmarks.analysis.advice import advise as choose
from ...benchmarks.report.document import read_document
from ...benchmarks.report.units import duration, percent, size
from ...runtime.artifact.manifest import read_manifest
from ...runtime.errors import OptionError
from ..console import literal, print_json, print_result, print_table
from ..options import Artifacts, Json, byte_count

EXAMPLES = """
**Examples**

- `edgemnist advise --min-accuracy 0.97` for this machine
- `edgemnist advise --engine onnxruntime --flash 200k` where only ONNX Runtime is installed
- `edgemnist advise --target cortex-m4 --flash 256k --ram 16k` after `edgemnist bench --target cortex-m4`
"""
_BENCH_HELP = "The benchmark to read. Default: bench.json in the artifacts folder."
_FLASH_HELP = "What there is for the file, or on a target for code and constants, such as 256k."
_RAM_HELP = "What there is for running it, such as 64k."
_ENGINE_HELP = "Only what this engine runs, as in bench.json."
_TARGET_HELP = "The model in C on this emulated device, such as cortex-m4."
_ACCURACY_HELP = "The smallest accuracy you accept, such as 0.97."


def advise(
    flash: Annotated[str | None, Option(metavar="BYTES", help=_FLASH_HELP)] = None,
    ram: Annotated[str | None, Option(metavar="BYTES", help=_RAM_HELP)] = None,
    engine: Annotated[str | None, Option(metavar="NAME", help=_ENGINE_HELP)] = None,
    target: Annotated[str | None, Option(metavar="NAME", help=_TARGET_HELP)] = None,
    min_accuracy: Annotated[float | None, Option(metavar="SHARE", help=_ACCURACY_HELP)] = None,
    bench: Annotated[Path | None, Option(metavar="FILE", help=_BENCH_HELP)] = None,
    artifacts: Artifacts = Path("artifacts"),
    json: Json = False,
) -> None:
    """Name the artifact to ship, why, and what the next ones would gain or lose.

    Of the proven artifacts that fit it is the quickest in bench.json; where several cannot be told apart in
    speed, the smallest of them. What does not fit is listed with the reason. Nothing is measured or run, so
    measure on the device that you ship to. Exits with 3 if nothing fits.
    """
    if min_accuracy is not None and not 0 <= min_accuracy <= 1:
        raise OptionError(
            "--min-accuracy is no share", received=min_accuracy, expected="0 to 1, such as 0.97"
        )
    needs = Needs(byte_count("--flash", flash), byte_count("--ram", ram), engine, target, min_accuracy)
    manifest = read_manifest(artifacts)
    try:
        advice = choose(read_document(bench or artifacts / "bench.json"), manifest.files, needs)
    except NothingFitsError as error:
        if json:
            print_json({"ship": None, "left_out": error.left_out})
        else:
            _show_left_out(error.left_out)
        raise
    if json:
        print_json(asdict(advice))
        return
    _show(advice, on_device=target is not None)


def _show(advice: Advice, *, on_device: bool) -> None:
    ship = advice.ship
    print_result(f"Ship [bold]{literal(ship.title)}[/]: {literal(advice.reason)}.")
    cost = "instructions" if on_device else "p50"
    print_table(
        ("artifact", ">accuracy", ">size", f">{cost}"),
        (
            _cells(one, on_device=on_device)
            for one in (ship, *(other.candidate for other in advice.alternatives))
        ),
    )
    for other in advice.alternatives:
        print_result(literal(f"- {other.candidate.title} instead: {', '.join(_changes(other))}"))
    _show_left_out(advice.left_out)


def _show_left_out(left_out: Iterable[tuple[str, str]]) -> None:
    for title, reason in left_out:
        print_result(literal(f"- not {title}: {reason}"))


def _cells(one: Candidate, *, on_device: bool) -> tuple[str, ...]:
    cost = "-" if one.cost is None else f"{one.cost:,.0f}" if on_device else duration(one.cost)
    score = "-" if one.score is None else percent(one.score)
    return literal(one.title), score, "-" if one.flash_bytes is None else size(one.flash_bytes), cost


def _changes(other: Alternative) -> Iterator[str]:
    if other.score is None:
        yield "no accuracy to compare"
    elif round(100 * other.score, 2) == 0:
        yield "the same accuracy"
    else:
        yield f"{'gains' if other.score > 0 else 'loses'} {abs(100 * other.score):.2f} points of accuracy"
    if other.size is not None:
        yield _factor(other.size, "larger", "smaller", "the same size")
    if not other.speed_differs or other.speed is None:
        yield "no measurable difference in speed"
    else:
        yield _factor(other.speed, "quicker", "slower", "about as quick")


def _factor(value: float, more: str, less: str, same: str) -> str:
    factor, word = (value, more) if value >= 1 else (1 / value, less)
    shown = f"{factor:.2f}"
    return same if shown == "1.00" else f"{shown}× {word}"
