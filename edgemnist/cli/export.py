"""`edgemnist export`: train if there is no model, convert, prove, publish."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..runtime.errors import ProofError
from .console import literal, messages, print_json, results
from .options import AllowEmptyClasses, Artifacts, Atol, Data, Json, MaxAccuracyDrop, MinAgreement, Seed

if TYPE_CHECKING:
    from rich.table import Table

    from ..export.pipeline import Outcome

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


def export(
    int8: Annotated[bool, typer.Option("--int8", help="Add the full-integer TFLite, int8.tflite.")] = False,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="Make this format only; repeatable. `edgemnist formats` lists them, such as float16.onnx.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Make every format.")] = False,
    io: Annotated[
        str,
        typer.Option(
            metavar="uint8|int8",
            help="What int8.tflite takes and gives: pixels as they are, or minus 128 for microcontrollers.",
        ),
    ] = "uint8",
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Export this .keras model instead of the one in the artifacts folder; or make C of this"
            " full-integer .tflite file, which may be anyone's.",
        ),
    ] = None,
    opset: Annotated[
        int, typer.Option(help="ONNX opset, 13 to 18; a lower one loads on older runtimes.")
    ] = 13,
    calibration_samples: Annotated[
        int, typer.Option(metavar="N", help="Training images that quantization looks at.")
    ] = 1000,
    min_agreement: MinAgreement = None,
    max_accuracy_drop: MaxAccuracyDrop = None,
    atol: Atol = None,
    seed: Seed = 0,
    data: Data = None,
    allow_empty_classes: AllowEmptyClasses = False,
    artifacts: Artifacts = Path("artifacts"),
    compile_: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="Put a shared library for this machine beside int8.c, made by $CC, cc, gcc or clang.",
        ),
    ] = False,
    match: Annotated[
        str,
        typer.Option(
            metavar="litert|tflm",
            help="Whose bytes C of a .tflite file gives: LiteRT's reference kernels, or TF Lite Micro.",
        ),
    ] = "litert",
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace artifacts that were made from another model, data set or tool version.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Convert the model to TFLite and ONNX, and prove every file on the whole test set.

    Each artifact takes raw uint8 pixels and gives probabilities. It must contain what its precision
    promises and give the Keras model's answers: a float32 artifact on every image, within 1e-5; float16 on
    99.9 % of the images; the others on 99.8 %, with at most 0.2 points of accuracy lost. What fails is not
    written, the others are, and the exit code is 3.

    Writes the artifacts, `manifest.json` and `reference.npz`, all at once. Files that they replace stay in
    the folder `previous` until a later export replaces others; a `.keras` file stays for good.
    """
    from dataclasses import replace

    if model is not None and model.suffix == ".tflite":
        from .export_tflite import export_tflite_file

        export_tflite_file(
            model,
            formats or [],
            artifacts,
            data=data,
            match=match,
            compile_library=compile_,
            overwrite=overwrite,
            json=json,
        )
        return
    from ..export.calibration import choose_calibration
    from ..export.convert.options import ExportOptions
    from ..export.convert.registry import DEFAULT, FORMATS, INT8, find_format
    from ..export.pipeline import export_all

    options = ExportOptions(opset=opset, io=io, compile=compile_)
    names = [row.name for row in FORMATS] if every else [*(formats or DEFAULT), *((INT8,) if int8 else ())]
    rows = [find_format(name) for name in dict.fromkeys(names)]
    rows = [replace(row, gates=row.gates.replaced(min_agreement, max_accuracy_drop, atol)) for row in rows]
    from ..export.convert.source_model import load_source
    from ..export.training.dataset import load_dataset
    from ..runtime.artifact.previous import PREVIOUS
    from ..runtime.artifact.settling import state_of
    from .train import ensure_model

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
        results.print(_table(outcomes, len(dataset.test)))
    if state_of(previous) != before:
        replaced = ", ".join(sorted(path.name for path in previous.iterdir()))
        messages.print(
            f"What this replaced is in {previous}: {replaced}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    failed = [outcome for outcome in outcomes if outcome.failures]
    if failed:
        raise ProofError(
            "; ".join(f"{outcome.format.name}: {', '.join(outcome.failures)}" for outcome in failed),
            fix="These files were not written; the others were.",
        )
    messages.print(f"wrote {len(outcomes)} artifacts and manifest.json to {literal(artifacts)}")
    _warn_of_forgotten_builds(outcomes)


def _warn_of_forgotten_builds(outcomes: "tuple[Outcome, ...]") -> None:
    """Say which libraries only this process knows to be built here, since it could not record them."""
    from ..runtime.isolation.native_code import CODE_SUFFIXES, is_recorded

    records = [outcome.record for outcome in outcomes if outcome.record and not outcome.failures]
    for name, sha256 in (item for record in records for item in record.companions.items()):
        if name.endswith(CODE_SUFFIXES) and not is_recorded(sha256):
            messages.print(
                f"warning: your data directory cannot hold the record that {name} was built here, so other"
                f" processes load it only with sha256='{sha256}' or --run-foreign-code",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _table(outcomes: "tuple[Outcome, ...]", images: int) -> "Table":
    from rich.table import Table

    title = f"Exported artifacts, proved on {images:,} test images"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("artifact", no_wrap=True)
    for heading in ("bytes", "accuracy", "agreement", "broke", "fixed", "max |Δp|"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("proof", no_wrap=True)
    for outcome in outcomes:
        record, parity = outcome.record, outcome.parity
        figures = [""] * 6
        if record and parity:
            figures = [
                f"{record.size_bytes:,}",
                f"{parity.accuracy:.2%}",
                f"{parity.agreement:.2%}",
                str(parity.broke),
                str(parity.fixed),
                f"{parity.max_abs_difference:.0e}",
            ]
        verdict = "[red]failed[/]" if outcome.failures else "[green]holds[/]"
        table.add_row(literal(record.file) if record else outcome.format.name, *figures, verdict)
    return table


def _document(outcome: "Outcome") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "format": outcome.format.name,
        "failures": list(outcome.failures),
        "artifact": asdict(outcome.record) if outcome.record else None,
    }
