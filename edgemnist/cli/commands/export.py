"""`edgemnist export`: train if there is no model, convert, prove, publish."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from typer import Option

from ...data.datasets import load_test_split
from ...export.convert.options import DEFAULT, INT8, IO_DTYPES, OPSETS, ExportOptions
from ...proof.exactness import sentence
from ...proof.formats import FORMATS, find_format
from ...runtime.artifact.previous import PREVIOUS
from ...runtime.artifact.settling import state_of
from ...runtime.errors import OptionError, ProofError
from ...runtime.isolation.native_code import CODE_SUFFIXES, is_recorded
from ..console import literal, messages, print_json, print_message, print_result, print_table
from ..options import AllowEmptyClasses, Artifacts, Atol, Data, Json, MaxAccuracyDrop, MinAgreement, Seed

if TYPE_CHECKING:
    from ...export.pipeline import Outcome

EXAMPLES = """
**Examples**

- `edgemnist export --int8` TFLite float32, ONNX and full-integer TFLite, training first if need be
- `edgemnist export --all` every format that `edgemnist formats` lists
- `edgemnist export --format int8.tflite --io int8 --format int8.onnx --calibration-samples 2000`
- `edgemnist export --format c --compile` C for any device, and a shared library of it for this machine
- `edgemnist export --model anyones.tflite --format c --artifacts DIR` C of a full-integer TFLite file
- `edgemnist export --int8 --min-agreement 0.9985 --max-accuracy-drop 0.001`
- `edgemnist export --model my.keras --data my-data.npz --artifacts my-artifacts`
"""

_FORMAT_HELP = "Make this format only; repeatable. `edgemnist formats` lists them, such as float16.onnx."
_IO_HELP = "Input and output of int8.tflite: pixels as they are, or minus 128 for microcontrollers."
_MODEL_HELP = (
    "Export this .keras or .h5 model instead of the one in the artifacts folder; or make C of this"
    " full-integer .tflite file, whoever made it."
)
_OPSET_HELP = "ONNX opset, 13 to 18; a lower one loads on older runtimes."
_SAMPLES_HELP = "Training images to calibrate quantization with."
_MATCH_HELP = "The runtime whose bytes C of a .tflite file has: LiteRT's reference kernels, or TF Lite Micro."
_COMPILE_HELP = "Put a shared library for this machine beside int8.c, made by $CC, cc, gcc or clang."
_OVERWRITE_HELP = "Replace artifacts that were made from another model, data set or tool version."
_COLUMNS = ("artifact", ">bytes", ">accuracy", ">agreement", ">broke", ">fixed", ">max |Δp|", "proof")


def export(
    int8: Annotated[bool, Option("--int8", help="Add the full-integer TFLite, int8.tflite.")] = False,
    formats: Annotated[
        list[str] | None, Option("--format", "-f", metavar="FORMAT", help=_FORMAT_HELP)
    ] = None,
    every: Annotated[bool, Option("--all", help="Make every format.")] = False,
    io: Annotated[str, Option(metavar="|".join(IO_DTYPES), help=_IO_HELP)] = IO_DTYPES[0],
    model: Annotated[Path | None, Option(metavar="FILE", help=_MODEL_HELP)] = None,
    opset: Annotated[int, Option(help=_OPSET_HELP)] = OPSETS[0],
    calibration_samples: Annotated[int, Option(metavar="N", help=_SAMPLES_HELP)] = 1000,
    min_agreement: MinAgreement = None,
    max_accuracy_drop: MaxAccuracyDrop = None,
    atol: Atol = None,
    seed: Seed = 0,
    data: Data = None,
    allow_empty_classes: AllowEmptyClasses = False,
    artifacts: Artifacts = Path("artifacts"),
    compile_: Annotated[bool, Option("--compile", help=_COMPILE_HELP)] = False,
    match: Annotated[str, Option(metavar="litert|tflm", help=_MATCH_HELP)] = "litert",
    overwrite: Annotated[bool, Option("--overwrite", help=_OVERWRITE_HELP)] = False,
    json: Json = False,
) -> None:
    """Convert the model to TFLite and ONNX, and prove every file on the whole test set.

    The input of each artifact is raw uint8 pixels, its output probabilities. It must contain what its
    precision requires and agree with the Keras model: float32 on every image, within 1e-5; float16 on
    99.9 % of the images; the others on 99.8 %, with at most 0.2 points of accuracy lost. What failed is not
    written, the others are, and the exit code is 3.

    Writes the artifacts, `manifest.json` and `reference.npz`, all at once. Files that they replace stay in
    the folder `previous` until a later export replaces others; a `.keras` file stays for good.
    """
    if model is not None and model.suffix == ".tflite":
        _export_tflite(model, formats or [], artifacts, data, match, compile_, overwrite, json)
        return
    from ...export.calibration import choose_calibration
    from ...export.convert.source import load_source
    from ...export.pipeline import export_all
    from ...export.training.data import load_dataset
    from ..training import ensure_model

    options = ExportOptions(opset=opset, io=io, compile=compile_)
    names = [row.name for row in FORMATS] if every else [*(formats or DEFAULT), *((INT8,) if int8 else ())]
    rows = [find_format(name) for name in dict.fromkeys(names)]
    limits = (min_agreement, max_accuracy_drop, atol)
    rows = [replace(row, tolerances=row.tolerances.replaced(*limits)) for row in rows]

    path = model or ensure_model(artifacts, data, seed, allow_empty_classes=allow_empty_classes)
    dataset = load_dataset(data)
    calibration = choose_calibration(dataset.train, len(dataset.class_names), calibration_samples, seed)
    previous = artifacts / PREVIOUS
    before = state_of(previous)
    with messages.status("loading the model") as status:
        outcomes = export_all(
            load_source(path, calibration, dataset.class_names),
            rows,
            dataset,
            artifacts,
            options=options,
            overwrite=overwrite,
            report=lambda name: status.update(f"converting and proving {name}"),
        )
    if json:
        print_json([_document(outcome) for outcome in outcomes])
    else:
        title = f"Exported artifacts, proved on {len(dataset.test):,} test images"
        print_table(_COLUMNS, map(_cells, outcomes), title=title)
    if state_of(previous) != before:
        replaced = ", ".join(sorted(path.name for path in previous.iterdir()))
        print_message(literal(f"What this replaced is in {previous}: {replaced}"))
    failed = [outcome for outcome in outcomes if outcome.failures]
    if failed:
        raise ProofError(
            "; ".join(f"{outcome.format.name}: {', '.join(outcome.failures)}" for outcome in failed),
            fix="These files were not written; the others were.",
        )
    print_message(f"wrote {len(outcomes)} artifacts and manifest.json to {literal(artifacts)}")
    for warning in _forgotten_builds(outcomes):
        print_message(literal(warning))


def _export_tflite(
    model: Path,
    formats: list[str],
    artifacts: Path,
    data: Path | None,
    match: str,
    compile_library: bool,
    overwrite: bool,
    json: bool,
) -> None:
    """Make C of a TFLite file of anyone's; this needs neither a data set nor the Keras model."""
    from ...export.codegen import Match
    from ...export.tflite_source import export_tflite

    others = [name for name in formats if name not in ("c", "int8.c")]
    if others or not formats:
        raise OptionError(
            "of a TFLite file only C is made",
            received=", ".join(others) or "no format",
            expected="--format c",
            fix="Other formats are made of a .keras file.",
        )
    matches = {each.value: each for each in Match}
    if match not in matches:
        raise OptionError("unknown runtime to match", received=repr(match), expected=" or ".join(matches))
    with messages.status("reading the model") as status:
        made = export_tflite(
            model,
            artifacts,
            load_test_split(data).images,
            match=matches[match],
            compile_library=compile_library,
            overwrite=overwrite,
            report=lambda step: status.update(f"{literal(model.name)}: {literal(step)}"),
        )
    if json:
        print_json({"artifact": msgspec.to_builtins(made.record), "arena_bytes": made.arena_bytes})
    else:
        print_result(
            f"{literal(made.record.file)}  [green]passed[/]  {sentence(made.exactness)};"
            f" {made.arena_bytes:,} bytes of RAM between the layers"
        )
    print_message(f"wrote {literal(made.record.file)} and manifest.json to {literal(artifacts)}")


def _forgotten_builds(outcomes: "tuple[Outcome, ...]") -> Iterator[str]:
    """Warn of libraries that were built here where that could not be recorded for other processes."""
    records = [outcome.record for outcome in outcomes if outcome.record and not outcome.failures]
    for name, sha256 in (item for record in records for item in record.companions.items()):
        if name.endswith(CODE_SUFFIXES) and not is_recorded(sha256):
            yield (
                f"warning: it could not be recorded in your data directory that {name} was built here, so"
                f" other processes load it only with sha256='{sha256}' or --run-foreign-code"
            )


def _cells(outcome: "Outcome") -> list[str]:
    record, parity = outcome.record, outcome.parity
    cells = [""] * (len(_COLUMNS) - 2)
    if record and parity:
        cells = [f"{record.size_bytes:,}", f"{parity.accuracy:.2%}", f"{parity.agreement:.2%}"]
        cells += [str(parity.broke), str(parity.fixed), f"{parity.max_abs_difference:.0e}"]
    verdict = "[red]failed[/]" if outcome.failures else "[green]passed[/]"
    return [literal(record.file) if record else outcome.format.name, *cells, verdict]


def _document(outcome: "Outcome") -> dict[str, object]:
    record = msgspec.to_builtins(outcome.record)
    return {"format": outcome.format.name, "failures": list(outcome.failures), "artifact": record}
