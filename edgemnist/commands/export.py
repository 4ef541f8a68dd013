"""`edgemnist export`: train if there is no model, convert, prove, publish."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import literal, messages, print_json, results
from ..runtime.errors import ProofError
from .options import Artifacts, Atol, Data, Json, MaxAccuracyDrop, MinAgreement, Seed

if TYPE_CHECKING:
    from rich.table import Table

    from ..export.exporting import Outcome

EXAMPLES = """
**Examples**

- `edgemnist export --int8` TFLite float32, ONNX and full-integer TFLite, training first if need be
- `edgemnist export --all` every format that `edgemnist formats` lists
- `edgemnist export --format int8.tflite --io int8 --format int8.onnx --calibration-samples 2000`
- `edgemnist export --format c --compile` C for any device, and a shared library of it for this machine
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
            metavar="FILE.keras", help="Export this model instead of the one in the artifacts folder."
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
    artifacts: Artifacts = Path("artifacts"),
    compile_: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="Put a shared library for this machine beside int8.c, made by $CC, cc, gcc or clang.",
        ),
    ] = False,
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

    Writes the artifacts, `manifest.json` and `reference.npz`, all at once.
    """
    from dataclasses import replace

    from ..export.calibration import choose_calibration
    from ..export.exporting import export_all
    from ..export.formats import DEFAULT, FORMATS, INT8, find_format
    from ..export.formats.options import ExportOptions

    options = ExportOptions(opset=opset, io=io, compile=compile_)
    names = [row.name for row in FORMATS] if every else [*(formats or DEFAULT), *((INT8,) if int8 else ())]
    rows = [find_format(name) for name in dict.fromkeys(names)]
    rows = [replace(row, gates=row.gates.replaced(min_agreement, max_accuracy_drop, atol)) for row in rows]
    from ..export.source import load_source
    from ..export.training_data import load_dataset
    from .train import ensure_model

    path = model or ensure_model(artifacts, data, seed)
    dataset = load_dataset(data)
    calibration = choose_calibration(dataset.train, len(dataset.class_names), calibration_samples, seed)
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
    failed = [outcome for outcome in outcomes if outcome.failures]
    if failed:
        raise ProofError(
            "; ".join(f"{outcome.format.name}: {', '.join(outcome.failures)}" for outcome in failed),
            fix="These files were not written; the others were.",
        )
    messages.print(f"wrote {len(outcomes)} artifacts and manifest.json to {literal(artifacts)}")


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
        table.add_row(record.file if record else outcome.format.name, *figures, verdict)
    return table


def _document(outcome: "Outcome") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "format": outcome.format.name,
        "failures": list(outcome.failures),
        "artifact": asdict(outcome.record) if outcome.record else None,
    }
