"""`edgemnist predict`: classify image files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..console import print_json, results
from ..runtime.errors import ArtifactError, InputError
from .options import Artifacts, Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..runtime import Prediction, Predictor

EXAMPLES = """
**Examples**

- `edgemnist predict photo.png`
- `edgemnist predict photo.png --show` draws what the model saw, with a bar per class
- `edgemnist predict scans/*.jpg --polarity dark --json`
- `edgemnist predict photo.png --model artifacts/mnist.int8.tflite --top 5`
"""

_POLARITY_HELP = "Whether the ink is dark or light; auto finds out."
_FIT_HELP = (
    "auto fits a picture into the model's size unless it has it, always does so even then, never refuses."
)


def predict(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="PNG, JPEG, WebP, BMP or GIF files.")
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A model file. Default: an artifact whose engine is installed."),
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
    polarity: Annotated[Literal["auto", "dark", "light"], typer.Option(help=_POLARITY_HELP)] = "auto",
    fit: Annotated[Literal["auto", "always", "never"], typer.Option(help=_FIT_HELP)] = "auto",
    top: Annotated[int, typer.Option(min=1, help="Classes to print for each image.")] = 1,
    show: Annotated[
        bool, typer.Option("--show", help="Draw the image the model saw, and all classes.")
    ] = False,
    json: Json = False,
) -> None:
    """Classify pictures of one digit each: photos, scans, drawings, of any size.

    A picture is made like the training images: its ink found, fitted into the model's box, centred by its
    mass, light on dark. Needs the extra image: `pip install 'edgemnist[image]'`.
    """
    from ..runtime import PictureOptions, load_predictor
    from ..terminal import bars, shades

    options = PictureOptions(polarity=polarity, fit=fit)
    with load_predictor(model or _default_model(artifacts), pictures=options) as predictor:
        count = min(top, len(predictor.class_names))
        documents = []
        for path in images:
            pixels = _pixels(predictor, path)
            prediction = predictor.predict(pixels)[0]
            documents.append(_document(path, prediction, count))
            if json:
                continue
            if show:
                results.print(
                    *shades(pixels[0]), "", *bars(prediction), sep="\n", markup=False, highlight=False
                )
            results.print(_line(path, prediction, count), markup=False, highlight=False, soft_wrap=True)
    if json:
        print_json(documents)


def _pixels(predictor: "Predictor", path: Path) -> "NDArray[np.uint8]":
    try:
        return predictor.to_pixels(path)
    except InputError as error:
        if str(path) in error.problem:
            raise
        raise InputError(
            f"{path}: {error.problem}", received=error.received, expected=error.expected, fix=error.fix
        ) from error


def _default_model(artifacts: Path) -> Path:
    """Return the first artifact on record that an installed engine loads, a float ONNX file before others."""
    from ..runtime.manifest import read_manifest

    records = [record for record in read_manifest(artifacts).artifacts if _loadable(artifacts / record.file)]
    records.sort(key=lambda record: (record.format != "onnx", record.precision != "float32"))
    if not records:
        raise ArtifactError(f"no artifact in {artifacts} has an installed engine", fix="See `edgemnist env`.")
    return artifacts / records[0].file


def _loadable(path: Path) -> bool:
    from ..runtime.engines import engine_for

    try:
        entry = engine_for(path)
    except ArtifactError:
        return False
    return entry.light and entry.available


def _line(path: Path, prediction: "Prediction", count: int) -> str:
    return f"{path}: " + ", ".join(f"{label} ({share:.1%})" for label, share in prediction.top(count))


def _document(path: Path, prediction: "Prediction", count: int) -> dict[str, object]:
    return {
        "file": str(path),
        "label": prediction.label,
        "index": prediction.index,
        "confidence": prediction.confidence,
        "top": [{"label": label, "probability": share} for label, share in prediction.top(count)],
    }
