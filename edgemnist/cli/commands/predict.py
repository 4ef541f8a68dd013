"""`edgemnist predict`: classify image files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ...runtime.errors import InputError
from ..console import literal, print_error, print_json, print_result, results
from ..images import list_pictures, read_picture
from ..options import Artifacts, Json, RunForeignCode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ...runtime import Prediction, Predictor

EXAMPLES = """
**Examples**

- `edgemnist predict photo.png`
- `edgemnist predict photo.png --show` draws what the model saw, with a bar per class
- `edgemnist predict scans/ --polarity dark --json`
- `edgemnist predict photo.png --engine litert --top 5`
- `edgemnist predict photo.png --model artifacts/mnist.int8.tflite`
- `edgemnist predict - < photo.png`
"""

_IMAGES_HELP = "PNG, JPEG, WebP, BMP or GIF files, folders of them, or - for standard input."
_ENGINE_HELP = "The engine that runs the model, as `edgemnist env` names it. Default: by the model's suffix."
_POLARITY_HELP = "Whether the ink is dark or light; auto finds out."
_FIT_HELP = (
    "auto fits a picture into the model's size unless it has it, always does so even then, never refuses."
)


def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help=_IMAGES_HELP, allow_dash=True)],
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A model file. Default: an artifact whose engine is installed."),
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
    engine: Annotated[str | None, typer.Option(metavar="NAME", help=_ENGINE_HELP)] = None,
    polarity: Annotated[Literal["auto", "dark", "light"], typer.Option(help=_POLARITY_HELP)] = "auto",
    fit: Annotated[Literal["auto", "always", "never"], typer.Option(help=_FIT_HELP)] = "auto",
    top: Annotated[int, typer.Option(min=1, help="Classes to print for each image.")] = 1,
    show: Annotated[
        bool, typer.Option("--show", help="Draw the image the model saw, and all classes.")
    ] = False,
    run_foreign_code: RunForeignCode = False,
    json: Json = False,
) -> None:
    """Classify pictures of one digit each: photos, scans, drawings, of any size.

    A picture is made like the training images: its ink found, fitted into the model's box, centred by its
    mass, light on dark. Of several pictures, those that cannot be read are named and the others classified.
    Needs the extra image: `pip install 'edgemnist[image]'`.
    """
    from ...runtime import PictureOptions, load_predictor
    from ..default_model import default_model

    if engine == "keras" or (model and model.suffix == ".keras"):
        from ...export import backend  # noqa: F401 - starts TensorFlow without its log
    paths = list_pictures(images)
    options = PictureOptions(polarity=polarity, fit=fit)
    failures = 0
    with load_predictor(
        model or default_model(artifacts, engine, run_foreign_code),
        engine=engine,
        pictures=options,
        run_foreign_code=run_foreign_code,
    ) as predictor:
        count = min(top, len(predictor.class_names))
        documents: list[dict[str, object]] = []
        for path in paths:
            try:
                pixels = _pixels(predictor, path)
            except InputError as error:
                if len(paths) == 1:
                    raise
                failures += 1
                documents.append({"file": str(path), "error": str(error)})
                print_error(error)
                continue
            prediction = predictor.predict(pixels)[0]
            documents.append(_document(path, prediction, count))
            if not json:
                print_result(literal(_line(path, prediction, count)))
            if show and not json:
                _draw(pixels[0], prediction)
    if json:
        print_json({"model": predictor.path.name, "engine": predictor.engine_name, "pictures": documents})
    if failures:
        raise InputError(f"{failures} of {len(paths)} pictures could not be classified")


def _pixels(predictor: "Predictor", path: Path) -> "NDArray[np.uint8]":
    try:
        return predictor.to_pixels(read_picture(path, predictor.pictures.max_bytes))
    except InputError as error:
        if str(path) in error.problem:
            raise
        raise InputError(
            f"{path}: {error.problem}", received=error.received, expected=error.expected, fix=error.fix
        ) from error


def _draw(image: "NDArray[np.uint8]", prediction: "Prediction") -> None:
    from ..images import Palette, bars, shades

    palette = Palette.for_encoding(results.encoding)
    lines = (*shades(image, palette, results.width), "", *bars(prediction, palette), "")
    results.print(*lines, sep="\n", markup=False, highlight=False, soft_wrap=True)


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
