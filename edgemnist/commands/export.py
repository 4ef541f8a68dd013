"""`edgemnist export`: train if there is no model, convert, prove, publish."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import messages, print_json, results
from ..runtime.errors import ProofError
from .options import Artifacts, Data, Json, Seed

if TYPE_CHECKING:
    from rich.table import Table

    from ..export.exporting import Outcome

EXAMPLES = """
**Examples**

- `edgemnist export --int8` TFLite float32, ONNX and full-integer TFLite, training first if need be
- `edgemnist export --format int8.tflite --calibration-samples 1000`
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
            help="Make this format only; repeatable. One of float32.tflite, int8.tflite, float32.onnx.",
        ),
    ] = None,
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
        int, typer.Option(metavar="N", help="Training images that int8 calibration looks at.")
    ] = 500,
    seed: Seed = 0,
    data: Data = None,
    artifacts: Artifacts = Path("artifacts"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace artifacts that were made from another model.")
    ] = False,
    json: Json = False,
) -> None:
    """Convert the model to TFLite and ONNX, and prove every file on the whole test set.

    Each artifact takes raw uint8 pixels and gives probabilities. It must give the Keras model's answers: a
    float artifact on every image, within 1e-5; int8 on at least 99.8 % of the images with at most 0.2 points
    of accuracy lost, and with no float inside. What fails is not written, and the exit code is 3.

    Writes the artifacts, `manifest.json` and `reference.npz`.
    """
    from ..export.calibration import choose_calibration
    from ..export.exporting import export_all
    from ..export.formats import DEFAULT, INT8, find_format
    from ..export.formats.options import ExportOptions
    from ..export.source import load_source
    from ..export.training_data import load_dataset
    from .train import ensure_model

    names = (*(formats or DEFAULT), *((INT8,) if int8 else ()))
    rows = tuple(dict.fromkeys(find_format(name) for name in names))
    options = ExportOptions(opset=opset)
    path = model or ensure_model(artifacts, data, seed)
    dataset = load_dataset(data)
    calibration = choose_calibration(dataset.train, len(dataset.class_names), calibration_samples, seed)
    with messages.status("loading the model") as status:
        outcomes = export_all(
            load_source(path, calibration),
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
    messages.print(f"wrote {len(outcomes)} artifacts and manifest.json to {artifacts}")


def _table(outcomes: "tuple[Outcome, ...]", images: int) -> "Table":
    from rich.table import Table

    table = Table(title=f"Exported artifacts, proved on {images:,} test images", title_justify="left")
    for heading in ("artifact", "size", "accuracy", "agreement", "max |Δp|", "proof"):
        table.add_column(heading, justify="left" if heading in ("artifact", "proof") else "right")
    for outcome in outcomes:
        record, parity = outcome.record, outcome.parity
        figures = ["", "", "", ""]
        if record and parity:
            figures = [
                f"{record.size_bytes:,} B",
                f"{parity.accuracy:.2%}",
                f"{parity.agreement:.2%}",
                f"{parity.max_abs_difference:.1e}",
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
