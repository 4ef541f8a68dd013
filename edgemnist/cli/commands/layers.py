"""`edgemnist layers`: where two forms of a model part."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from typer import Argument, Option

from ...data.datasets import load_test_split
from ...proof.layers import (
    SPOILED_DB,
    compare_layers,
    first_spoiled_layer,
    input_of,
    kept_db,
    random_items,
    read_trace,
)
from ...runtime.errors import OptionError
from ...runtime.signature import InputSpec
from ..console import literal, print_json, print_message, print_result, print_table
from ..options import Data, Json, Offset, Scale, Seed, numbers
from ..progress import progress

if TYPE_CHECKING:
    from ...proof.layers import LayerDifference, LayerReport, SpoiledLayer
    from ...proof.layers.activations import Trace

EXAMPLES = """
**Examples**

- `edgemnist layers artifacts/mnist.keras artifacts/mnist.int8.tflite`
- `edgemnist layers float.onnx int8.tflite --data my-data.npz --output layers.png`
- `edgemnist layers model.h5 model.int8.tflite --samples 100 --json`
"""
_FIRST_HELP = "A .keras, .h5, .tflite or .onnx file: the one that is right."
_SECOND_HELP = "Another form of the same model."
_SAMPLES_HELP = "How many inputs to compare on."
_OUTPUT_HELP = "Draw the signal-to-noise ratios as a picture."


def layers(
    first: Annotated[Path, Argument(metavar="A", help=_FIRST_HELP)],
    second: Annotated[Path, Argument(metavar="B", help=_SECOND_HELP)],
    data: Data = None,
    samples: Annotated[int, Option(metavar="N", min=1, help=_SAMPLES_HELP)] = 32,
    scale: Scale = None,
    offset: Offset = None,
    seed: Seed = 0,
    output: Annotated[Path | None, Option("--output", "-o", metavar="FILE.png", help=_OUTPUT_HELP)] = None,
    json: Json = False,
) -> None:
    """Show where two forms of a model part: each layer against its counterpart.

    Layers are paired by what they output and by the order in which they depend on each other. Of each pair:
    signal-to-noise ratio (an 8-bit output has some 40 dB at best, below 10 dB it is lost), cosine similarity
    and the largest difference, over all inputs. TFLite files are run with the reference kernels.

    The inputs are those of `--data`, of MNIST for a model of such images, or else drawn at random, which no
    calibration has seen.
    """
    with progress("loading both models") as doing:
        if {first.suffix, second.suffix} & {".keras", ".h5", ".hdf5"}:
            from ...export import backend  # noqa: F401 - starts TensorFlow without its log
        traces = read_trace(first), read_trace(second)
        spec = input_of(*traces)
        given = {"scale": numbers("--scale", scale), "offset": numbers("--offset", offset)}
        spec = replace(spec, **{key: value for key, value in given.items() if value is not None})
        items, origin = _items(traces, spec, data, samples, seed)
        doing.left(f"comparing layers on {len(items)} inputs", None)
        report = compare_layers(*traces, items, spec)
    spoiled = first_spoiled_layer(report)
    if output is not None:
        from ...benchmarks.report.layer_chart import draw_layers  # needs matplotlib

        draw_layers(output, report)
        print_message(f"drew {literal(output)}")
    if json:
        print_json({**_document(report, spoiled), "inputs": origin})
        return
    files = " against ".join(literal(name) for name in report.files)
    columns = ("layer", "counterpart", ">SNR dB", ">cosine", ">max |Δ|")
    title = f"{files}, {report.samples} inputs {literal(origin)}"
    print_table(columns, map(_cells, report.layers), title=title)
    print_result(literal(_verdict(report, spoiled)))


def _items(
    traces: "tuple[Trace, Trace]", spec: InputSpec, data: Path | None, samples: int, seed: int
) -> tuple[NDArray[Any], str]:
    """Return raw items, and where they come from."""
    if data is None and spec.kind != "image":
        return random_items(*traces, spec, samples, seed), "drawn at random"
    split = load_test_split(data)
    if data is None and split.inputs.shape[1:] != spec.shape:
        return random_items(*traces, spec, samples, seed), "drawn at random"
    if split.kind != spec.kind:
        raise OptionError(
            "the data are of another kind than the models' input",
            received=f"data of kind {split.kind}",
            expected=spec.kind,
            fix="Give the data that the models are for with --data.",
        )
    return np.asarray(split.inputs[:samples]), f"of {data or 'MNIST'}"


def _cells(row: "LayerDifference") -> tuple[str, ...]:
    names = (literal(_short(f"{layer.label} ({layer.kind})")) for layer in (row.first, row.second))
    return *names, f"{row.snr_db:.1f}", f"{row.cosine:.4f}", f"{row.max_abs_difference:.3g}"


def _short(text: str, most: int = 26) -> str:
    """Return a name that leaves room for the numbers beside it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _verdict(report: "LayerReport", spoiled: "SpoiledLayer | None") -> str:
    alone = " and ".join(str(len(layers)) for layers in report.alone)
    fused = f"{alone} layers have no counterpart: they were fused, or added by a converter"
    if spoiled is None:
        return f"Every layer is as close as 8 bits can be. {fused}."
    if min(kept_db(report)) < SPOILED_DB:
        text = str(spoiled)
        return f"{text[0].upper()}{text[1:]}. {fused}."
    loses = f"{spoiled.layer.first.label} loses most, {spoiled.layer.snr_db:.1f} dB"
    return f"No layer is lost (below {SPOILED_DB:.0f} dB); {loses}. {fused}."


def _document(report: "LayerReport", spoiled: "SpoiledLayer | None") -> dict[str, object]:
    rows = [asdict(row) for row in report.layers]
    for row in rows:
        if not math.isfinite(row["snr_db"]):  # JSON has no infinity
            row["snr_db"] = None
    return {
        "files": list(report.files),
        "samples": report.samples,
        "layers": rows,
        "alone": [[asdict(layer) for layer in layers] for layers in report.alone],
        "first_spoiled": spoiled
        and {
            "layer": spoiled.layer.first.name,
            "before_db": spoiled.before_db,
            "remedies": list(spoiled.remedies),
        },
    }
