"""`edgemnist predict`: classify image files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..runtime.errors import ArtifactError, InputError
from ..runtime.printable import printable
from .console import literal, messages, print_json, results
from .options import Artifacts, Json, RunForeignCode
from .picture_files import content_of, listed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..runtime import Prediction, Predictor
    from ..runtime.engines.registry import EngineEntry

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
    from ..runtime import PictureOptions, load_predictor

    if engine == "keras" or (model and model.suffix == ".keras"):
        from ..export import backend  # noqa: F401 - starts TensorFlow without its notes
    paths = listed(images)
    options = PictureOptions(polarity=polarity, fit=fit)
    failures = 0
    with load_predictor(
        model or _default_model(artifacts, engine, run_foreign_code),
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
                messages.print("[bold red]error:[/]", literal(error), soft_wrap=True, highlight=False)
                continue
            prediction = predictor.predict(pixels)[0]
            documents.append(_document(path, prediction, count))
            if not json:
                line = printable(_line(path, prediction, count))
                results.print(line, markup=False, highlight=False, soft_wrap=True)
            if show and not json:
                _draw(pixels[0], prediction)
    if json:
        print_json({"model": predictor.path.name, "engine": predictor.engine_name, "pictures": documents})
    if failures:
        raise InputError(f"{failures} of {len(paths)} pictures could not be classified")


def _pixels(predictor: "Predictor", path: Path) -> "NDArray[np.uint8]":
    try:
        return predictor.to_pixels(content_of(path, predictor.pictures.max_bytes))
    except InputError as error:
        if str(path) in error.problem:
            raise
        raise InputError(
            f"{path}: {error.problem}", received=error.received, expected=error.expected, fix=error.fix
        ) from error


def _default_model(artifacts: Path, engine: str | None, run_foreign_code: bool) -> Path:
    """Return the first artifact on record that the engine loads, a float ONNX file before others.

    Microcontrollers run integers, so their engine gets the int8 file.
    """
    from ..runtime.artifact.folder import recover
    from ..runtime.artifact.manifest import read_manifest
    from ..runtime.engines.registry import engine_for
    from ..runtime.reading import leads_out

    if engine is not None:
        engine_for(artifacts, engine).import_module()  # an unknown or a missing engine is told as such
    recover(artifacts)
    records = [
        record
        for record in read_manifest(artifacts).artifacts
        if _loadable(artifacts / record.file, engine, run_foreign_code)
        and not leads_out(artifacts / record.file, artifacts)
    ]
    precision = "int8" if engine == "tflite_micro" else "float32"
    records.sort(key=lambda record: (record.format != "onnx", record.precision != precision))
    if not records:
        wanted = f"is loaded by the engine {engine}" if engine else "has an installed engine"
        raise ArtifactError(f"no artifact in {artifacts} {wanted}", fix="See `edgemnist env`.")
    return artifacts / records[0].file


def _loadable(path: Path, engine: str | None, run_foreign_code: bool) -> bool:
    """Return whether the engine, or some installed one, loads the file and may."""
    from ..runtime.engines.registry import engine_for

    try:
        entry = engine_for(path, engine)
    except ArtifactError:
        return False
    if engine is not None:
        return path.suffix in (*entry.suffixes, *entry.sources, *entry.on_request)
    if entry.code and not (run_foreign_code or _is_built_here(path, entry)):
        return False
    return entry.light and entry.available


def _is_built_here(path: Path, entry: "EngineEntry") -> bool:
    from ..runtime.files import sha256_of
    from ..runtime.isolation.native_code import is_built_here

    try:
        return is_built_here(sha256_of(entry.file_to_load(path)))
    except (ArtifactError, OSError):
        return False


def _draw(image: "NDArray[np.uint8]", prediction: "Prediction") -> None:
    from .image_as_text import Palette, bars, shades

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
