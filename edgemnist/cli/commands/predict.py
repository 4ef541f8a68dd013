"""`edgemnist predict`: classify image files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from ...runtime import PictureOptions, load_predictor
from ...runtime.artifact.folder import recover
from ...runtime.artifact.manifest import read_manifest
from ...runtime.engines.registry import engine_for
from ...runtime.errors import ArtifactError, InputError, OptionError
from ...runtime.files import leads_out, sha256_of
from ...runtime.isolation.native_code import is_built_here
from ..console import literal, print_error, print_json, print_result, results
from ..images import Palette, bars, list_pictures, read_picture, shades
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
- `edgemnist predict --input photos/ --output scores.parquet --processes 2` a whole folder
"""

_IMAGES_HELP = "PNG, JPEG, WebP, BMP or GIF files, folders of them, or - for standard input."
_INPUT_HELP = "Score a whole folder of pictures, or an IDX, .npy, .npz or Parquet file, larger than memory."
_OUTPUT_HELP = "Where the scores of --input go: a row for each of its rows, in order."
_ARRAY_HELP = "Which array of an .npz or column of Parquet. Default: x_test, images, features or x."
_PROCESSES_HELP = "How many processes score."
_RAY_HELP = "Score on this Ray cluster instead, whose nodes find the files at the same paths."
_ENGINE_HELP = "The engine that runs the model, as `edgemnist env` names it. Default: by the model's suffix."
_POLARITY_HELP = "Whether the ink is dark or light; auto finds out."
_FIT_HELP = (
    "auto fits a picture into the model's size unless it has it, always does so even then, never refuses."
)
_MODEL_HELP = "A model file. Default: an artifact whose engine is installed."
_TOP_HELP = "Classes to print for each image."
_SHOW_HELP = "Draw the image the model saw, and all classes."


def predict(  # noqa: C901 - pictures one by one, or all of an input
    images: Annotated[
        list[Path] | None, Argument(metavar="IMAGE...", help=_IMAGES_HELP, allow_dash=True)
    ] = None,
    input_: Annotated[Path | None, Option("--input", metavar="PATH", help=_INPUT_HELP)] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", metavar="FILE.parquet", help=_OUTPUT_HELP)
    ] = None,
    array: Annotated[str | None, Option(metavar="NAME", help=_ARRAY_HELP)] = None,
    processes: Annotated[int, Option(min=1, help=_PROCESSES_HELP)] = 1,
    ray: Annotated[str | None, Option(metavar="ADDRESS", help=_RAY_HELP)] = None,
    model: Annotated[Path | None, Option(metavar="FILE", help=_MODEL_HELP)] = None,
    artifacts: Artifacts = Path("artifacts"),
    engine: Annotated[str | None, Option(metavar="NAME", help=_ENGINE_HELP)] = None,
    polarity: Annotated[Literal["auto", "dark", "light"], Option(help=_POLARITY_HELP)] = "auto",
    fit: Annotated[Literal["auto", "always", "never"], Option(help=_FIT_HELP)] = "auto",
    top: Annotated[int, Option(min=1, help=_TOP_HELP)] = 1,
    show: Annotated[bool, Option("--show", help=_SHOW_HELP)] = False,
    run_foreign_code: RunForeignCode = False,
    json: Json = False,
) -> None:
    """Classify pictures of one digit each: photos, scans, drawings, of any size.

    A picture is made like the training images: its ink found, fitted into the model's box, centred by its
    mass, light on dark. Of several pictures, those that cannot be read are named and the others classified.
    Needs the extra image: `pip install 'edgemnist[image]'`.

    With --input and --output, a whole file or folder is streamed into a Parquet file, which appears when it
    is complete: label, index, confidence and probabilities, or values, of each row, or the error where it
    cannot be read. Needs the extra parquet.
    """
    if engine == "keras" or (model and model.suffix == ".keras"):
        from ...export import backend  # noqa: F401 - starts TensorFlow without its log
    pictures = PictureOptions(polarity=polarity, fit=fit)
    if input_ is not None or output is not None:
        if input_ is None or output is None or images:
            raise OptionError("--input and --output go together, and instead of pictures")
        with load_predictor(
            model or _default_model(artifacts, engine, run_foreign_code),
            engine=engine,
            run_foreign_code=run_foreign_code,
        ) as chosen:  # which refuses what may not run here, before its hash allows it elsewhere
            file, sha256 = chosen.path, chosen.sha256
        from ...sweep.scoring import Job
        from ..scoring import score_all

        job = Job(input_.resolve(), array, file, sha256, engine, pictures, run_foreign_code)
        score_all(job, output, processes, ray, json=json)
        return
    if not images:
        raise OptionError("there is nothing to predict", fix="Name pictures, or give --input and --output.")
    paths = list_pictures(images)
    documents: list[dict[str, object]] = []
    failures = 0
    with load_predictor(
        model or _default_model(artifacts, engine, run_foreign_code),
        engine=engine,
        pictures=pictures,
        run_foreign_code=run_foreign_code,
    ) as predictor:
        count = min(top, len(predictor.class_names))
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
            if json:
                documents.append(_document(path, prediction, count))
                continue
            best = ", ".join(f"{label} ({share:.1%})" for label, share in prediction.top(count))
            print_result(literal(f"{path}: {best}"))
            if show:
                palette = Palette.for_encoding(results.encoding)
                lines = (*shades(pixels[0], palette, results.width), "", *bars(prediction, palette), "")
                results.print(*lines, sep="\n", markup=False, highlight=False, soft_wrap=True)
    if json:
        print_json({"model": predictor.path.name, "engine": predictor.engine_name, "pictures": documents})
    if failures:
        raise InputError(f"{failures} of {len(paths)} pictures could not be classified")


def _default_model(artifacts: Path, engine: str | None, run_foreign_code: bool) -> Path:
    """Return the first artifact on record that the engine loads, a float ONNX file before others.

    Microcontrollers run integers, so their engine gets the int8 file.
    """
    if engine is not None:
        engine_for(artifacts, engine).import_module()  # fails if it is unknown or not installed
    recover(artifacts)
    records = [
        record
        for record in read_manifest(artifacts).artifacts
        if _loadable(artifacts / record.file, engine, run_foreign_code)
        and not leads_out(artifacts / record.file, artifacts)
    ]
    if not records:
        wanted = f"is loaded by the engine {engine}" if engine else "has an installed engine"
        raise ArtifactError(f"no artifact in {artifacts} {wanted}", fix="See `edgemnist env`.")
    precision = "int8" if engine == "tflite_micro" else "float32"
    best = min(records, key=lambda record: (record.format != "onnx", record.precision != precision))
    return artifacts / best.file


def _loadable(path: Path, engine: str | None, run_foreign_code: bool) -> bool:
    """Return whether the engine, or some installed one, loads the file and may."""
    try:
        entry = engine_for(path, engine)
        if engine is not None:
            return path.suffix in (*entry.suffixes, *entry.sources, *entry.on_request)
        allowed = not entry.code or run_foreign_code or is_built_here(sha256_of(entry.file_to_load(path)))
    except (ArtifactError, OSError):
        return False
    return allowed and entry.light and entry.available


def _pixels(predictor: "Predictor", path: Path) -> "NDArray[np.uint8]":
    try:
        return predictor.to_raw(read_picture(path, predictor.pictures.max_bytes))
    except InputError as error:
        if str(path) in error.problem:
            raise
        raise InputError(
            f"{path}: {error.problem}", received=error.received, expected=error.expected, fix=error.fix
        ) from error


def _document(path: Path, prediction: "Prediction", count: int) -> dict[str, object]:
    return {
        "file": str(path),
        "label": prediction.label,
        "index": prediction.index,
        "confidence": prediction.confidence,
        "top": [{"label": label, "probability": share} for label, share in prediction.top(count)],
    }
