"""`edgemnist export`: train if there is no model, convert, prove, publish."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Option

from ...export.convert.activation_ranges import Calibrator, Method
from ...export.convert.options import DEFAULT, INT8, IO_DTYPES, OPSETS, ExportOptions
from ...proof.formats import FORMATS, MIXED, SOURCE, find_format
from ...runtime.artifact.previous import PREVIOUS
from ...runtime.artifact.settling import state_of
from ...runtime.errors import OptionError
from ...runtime.signature import InputKind, OutputKind, SignatureOptions
from ..console import literal, print_message
from ..foreign_files import export_tflite, prove_twins, write_npm_package
from ..guidance.interruption import an_export
from ..options import (
    AllowEmptyClasses,
    Artifacts,
    Atol,
    Data,
    Json,
    Labels,
    MaxAccuracyDrop,
    MaxError,
    MinAgreement,
    Offset,
    Resize,
    Scale,
    Seed,
    choice,
    numbers,
)
from ..outcomes import first_impression, show_outcomes
from ..progress import progress

EXAMPLES = """
**Examples**

- `edgemnist export --int8` TFLite float32, ONNX and full-integer TFLite, training first if need be
- `edgemnist export --all` every format that `edgemnist formats` lists
- `edgemnist export --format int8.tflite --io int8 --format int8.onnx --calibration-samples 2000`
- `edgemnist export --format c --compile` C for any device, and a shared library of it for this machine
- `edgemnist export --model anyones.tflite --format c --artifacts DIR` C of a full-integer TFLite file
- `edgemnist export --format wasm --format html` WebAssembly with JavaScript, and a page to draw on
- `edgemnist export --int8 --calibration-method percentile --keep-float hidden` or `--auto` for mixed.tflite
- `edgemnist export --int8 --min-agreement 0.9985 --max-accuracy-drop 0.001`
- `edgemnist export --model my.keras --data my-data.npz --artifacts my-artifacts`
- `edgemnist export --model int8.tflite --reference float.onnx --data my-data.npz --artifacts proven`
"""

_FORMAT_HELP = "Make this format only; repeatable. `edgemnist formats` lists them, such as float16.onnx."
_IO_HELP = "Input and output of int8.tflite: pixels as they are, or minus 128 for microcontrollers."
_MODEL_HELP = (
    "Export this .keras or .h5 model instead of the one in the artifacts folder; or make C or WebAssembly of"
    " this full-integer .tflite file, whoever made it."
)
_REFERENCE_HELP = (
    "Prove the quantized .tflite given with --model, whoever made it, against this float .onnx or .tflite."
)
_OPSET_HELP = "ONNX opset, 13 to 18; a lower one loads on older runtimes."
_SAMPLES_HELP = "Training items to calibrate quantization with. Default: 1000, or all where there are fewer."
_METHOD_HELP = (
    "How ranges of activations are chosen for int8.tflite and mixed.tflite: from the smallest to the largest"
    " value, without the rarest ones, or with the smallest mean squared error."
)
_PERCENTILE_HELP = "The share of values in percent that the method percentile keeps."
_KEEP_HELP = "Make mixed.tflite, in which this layer stays float; repeatable. `edgemnist layers` names them."
_AUTO_HELP = (
    "Make mixed.tflite with the fewest float layers that a search finds for --max-accuracy-drop, by default"
    " 0.005, measured on the calibration items."
)
_BATCH_HELP = "Fix the batch of every artifact to one item, for runtimes that need fixed shapes."
_INPUT_HELP = "What the model takes. Default: what the data are."
_OUTPUT_HELP = "What it gives. Default: classes where it ends in probabilities or the data have labels."
_MATCH_HELP = "The runtime whose bytes C of a .tflite file has: LiteRT's reference kernels, or TF Lite Micro."
_COMPILE_HELP = "Put a shared library for this machine beside int8.c, made by $CC, cc, gcc or clang."
_NPM_HELP = "Put a folder beside int8.wasm that `npm pack` and `npm install` take as a package."
_OVERWRITE_HELP = "Replace artifacts that were made from another model, data set or tool version."

# How long the slow formats take, where another one takes 1: they are compiled, or searched for.
_COSTS = {SOURCE.name: 3.0, INT8: 3.0, MIXED.name: 6.0, "int8.c": 4.0, "int8.wasm": 8.0, "int8.html": 4.0}


def export(
    int8: Annotated[bool, Option("--int8", help="Add the full-integer TFLite, int8.tflite.")] = False,
    formats: Annotated[
        list[str] | None, Option("--format", "-f", metavar="FORMAT", help=_FORMAT_HELP)
    ] = None,
    every: Annotated[bool, Option("--all", help="Make every format.")] = False,
    io: Annotated[str, Option(metavar="|".join(IO_DTYPES), help=_IO_HELP)] = IO_DTYPES[0],
    model: Annotated[Path | None, Option(metavar="FILE", help=_MODEL_HELP)] = None,
    opset: Annotated[int, Option(metavar="N", help=_OPSET_HELP)] = OPSETS[0],
    reference: Annotated[Path | None, Option(metavar="FILE", help=_REFERENCE_HELP)] = None,
    batch: Annotated[int | None, Option(min=1, max=1, metavar="1", help=_BATCH_HELP)] = None,
    scale: Scale = None,
    offset: Offset = None,
    input_kind: Annotated[str | None, Option(metavar="image|features", help=_INPUT_HELP)] = None,
    output_kind: Annotated[str | None, Option(metavar="classes|values", help=_OUTPUT_HELP)] = None,
    labels: Labels = None,
    calibration_samples: Annotated[int | None, Option(metavar="N", help=_SAMPLES_HELP)] = None,
    calibration_method: Annotated[str, Option(metavar="minmax|percentile|mse", help=_METHOD_HELP)] = "minmax",
    percentile: Annotated[float, Option(metavar="P", help=_PERCENTILE_HELP)] = 99.99,
    keep_float: Annotated[list[str] | None, Option(metavar="LAYER", help=_KEEP_HELP)] = None,
    auto: Annotated[bool, Option("--auto", help=_AUTO_HELP)] = False,
    min_agreement: MinAgreement = None,
    max_accuracy_drop: MaxAccuracyDrop = None,
    atol: Atol = None,
    max_error: MaxError = None,
    seed: Seed = 0,
    data: Data = None,
    resize: Resize = False,
    allow_empty_classes: AllowEmptyClasses = False,
    artifacts: Artifacts = Path("artifacts"),
    compile_: Annotated[bool, Option("--compile", help=_COMPILE_HELP)] = False,
    npm: Annotated[bool, Option("--npm", help=_NPM_HELP)] = False,
    match: Annotated[str, Option(metavar="litert|tflm", help=_MATCH_HELP)] = "litert",
    overwrite: Annotated[bool, Option("--overwrite", help=_OVERWRITE_HELP)] = False,
    json: Json = False,
) -> None:
    """Convert the model to TFLite and ONNX, and prove every file on the whole test set.

    Each artifact takes raw input, uint8 pixels or float32 features, and gives probabilities or values. It
    must contain what its precision requires and agree with the Keras model: floats on every class that the
    model is not torn between, integers with at most 0.5 points of accuracy lost, if that is more than chance;
    values within 1e-4 of their range, quantized ones within 2 % of it (root mean square). The bundled network
    keeps 99.8 % and 0.2 points. What failed is not written, the others are, and the exit code is 3.

    Writes the artifacts, `manifest.json` and `reference.npz`, all at once. Files that they replace stay in
    the folder `previous` until a later export replaces others; a `.keras` file stays for good.
    """
    wanted = SignatureOptions(
        choice("--input-kind", input_kind, InputKind),
        choice("--output-kind", output_kind, OutputKind),
        numbers("--scale", scale),
        numbers("--offset", offset),
        labels,
    )
    limits = {
        "min_agreement": min_agreement,
        "max_accuracy_drop": max_accuracy_drop,
        "atol": atol,
        "max_error": max_error,
    }
    if reference is not None:
        if model is None or formats or int8 or every:
            raise OptionError(
                "--reference proves one file as it is",
                expected="--model FILE.tflite --reference FILE.onnx, and no formats",
                fix="C of the file is made without --reference, in another folder.",
            )
        prove_twins(model, reference, data, resize, wanted, limits, artifacts, overwrite, json)
        return
    if model is not None and model.suffix == ".tflite":
        export_tflite(model, formats or [], artifacts, data, match, compile_, npm, overwrite, json)
        return
    names = [row.name for row in FORMATS] if every else [*(formats or DEFAULT), *((INT8,) if int8 else ())]
    names += [MIXED.name] if keep_float or auto else []
    allowed = MIXED.tolerances.max_accuracy_drop if max_accuracy_drop is None else max_accuracy_drop
    options = ExportOptions(
        opset=opset,
        io=io,
        compile=compile_,
        calibrator=Calibrator(choice("--calibration-method", calibration_method, Method), percentile),
        keep_float=tuple(keep_float or ()),
        auto_drop=allowed if auto else None,
    )
    rows = [find_format(name) for name in dict.fromkeys(names)]

    from ..training import ensure_model

    path = model or ensure_model(artifacts, data, seed, allow_empty_classes=allow_empty_classes)
    previous = artifacts / PREVIOUS
    before = state_of(previous)
    with an_export(artifacts), progress("loading TensorFlow, the model and the data") as doing:
        from ...export import backend  # noqa: F401 - first, since it starts TensorFlow without its log
        from ...export.convert.registry import with_origins
        from ...export.opening import DataOptions, open_source, record_of, tolerances_of
        from ...export.pipeline import export_all

        chosen = DataOptions(data, resize)
        source, dataset = open_source(
            path, chosen, wanted, calibration_samples=calibration_samples, seed=seed, batch=batch
        )
        for line in first_impression(source.predictor, dataset):
            print_message(line)
        rows = [replace(row, tolerances=tolerances_of(row, source).replaced(**limits)) for row in rows]
        doing.expect({row.name: _COSTS.get(row.name, 1.0) for row in with_origins((SOURCE, *rows))})
        outcomes = export_all(
            source,
            rows,
            dataset,
            artifacts,
            options=options,
            data=record_of(chosen, dataset),
            overwrite=overwrite,
            report=lambda name: doing.step(f"converting and proving {name}", name),
        )
    if state_of(previous) != before:
        replaced = ", ".join(sorted(path.name for path in previous.iterdir()))
        print_message(literal(f"What this replaced is in {previous}: {replaced}"))
    show_outcomes(outcomes, dataset, artifacts, json=json, every=every)
    if npm:
        write_npm_package(artifacts / f"{path.stem}.int8.wasm")
