"""`edgemnist predict`: a model's answers for pictures and rows of numbers."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from ...runtime import PictureOptions, Prediction, load_predictor
from ...runtime.artifact.folder import recover
from ...runtime.artifact.manifest import read_manifest
from ...runtime.engines.registry import engine_for
from ...runtime.errors import ArtifactError, DatasetError, InputError, OptionError
from ...runtime.files import leads_out, sha256_of
from ...runtime.isolation.native_code import is_built_here
from ...runtime.process import quiet
from ..console import literal, messages, print_error, print_json, print_result, results
from ..images import Palette, bars, list_files, read_input, shades
from ..options import Artifacts, Json, RunForeignCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ...runtime import Predictor
    from ...runtime.predictions import Values
    from ...runtime.signature import InputSpec

EXAMPLES = """
**Examples**

- `edgemnist predict photo.png`
- `edgemnist predict photo.png --show` draws what the model saw, with a bar per class
- `edgemnist predict scans/ --polarity dark --json`
- `edgemnist predict photo.png --engine litert --top 5`
- `edgemnist predict photo.png --model artifacts/mnist.int8.tflite`
- `edgemnist predict - < photo.png`
- `edgemnist predict --input photos/ --output scores.parquet --processes 2` a whole folder
- `edgemnist predict samples.csv --json` of a model of features: a row each, with or without a header
"""

_FILES_HELP = (
    "PNG, JPEG, WebP, BMP or GIF files, folders of them, or - for standard input; rows of numbers in .csv,"
    " .npy or .npz."
)
_INPUT_HELP = "Score a whole folder of pictures, or an IDX, .npy, .npz or Parquet file, larger than memory."
_OUTPUT_HELP = "The Parquet file that the scores of --input go to: a row for each of its rows, in order."
_ARRAY_HELP = "Which array of an .npz or column of Parquet. Default: x_test, images, features or x."
_PROCESSES_HELP = "How many processes score."
_RAY_HELP = "Score on this Ray cluster instead, whose nodes find the files at the same paths."
_ENGINE_HELP = "The engine that runs the model, as `edgemnist env` names it. Default: by the model's suffix."
_POLARITY_HELP = "Of a model of ink on paper: whether the ink is dark or light; auto finds out."
_FIT_HELP = (
    "auto fits a picture into the model's size unless it has it, always does so even then (for ink: centred),"
    " never refuses."
)
_MODEL_HELP = "A model file. Default: an artifact whose engine is installed."
_TOP_HELP = "Classes to print for each item."
_SHOW_HELP = "Draw the image the model saw, and all classes."
_SHOWN_VALUES = 16


def predict(
    files: Annotated[
        list[Path] | None, Argument(metavar="FILE...", help=_FILES_HELP, allow_dash=True)
    ] = None,
    input_: Annotated[Path | None, Option("--input", metavar="PATH", help=_INPUT_HELP)] = None,
    output: Annotated[Path | None, Option("--output", "-o", metavar="FILE", help=_OUTPUT_HELP)] = None,
    array: Annotated[str | None, Option(metavar="NAME", help=_ARRAY_HELP)] = None,
    processes: Annotated[int, Option(metavar="N", min=1, help=_PROCESSES_HELP)] = 1,
    ray: Annotated[str | None, Option(metavar="ADDRESS", help=_RAY_HELP)] = None,
    model: Annotated[Path | None, Option(metavar="FILE", help=_MODEL_HELP)] = None,
    artifacts: Artifacts = Path("artifacts"),
    engine: Annotated[str | None, Option(metavar="NAME", help=_ENGINE_HELP)] = None,
    polarity: Annotated[Literal["auto", "dark", "light"], Option(help=_POLARITY_HELP)] = "auto",
    fit: Annotated[Literal["auto", "always", "never"], Option(help=_FIT_HELP)] = "auto",
    top: Annotated[int, Option(metavar="N", min=1, help=_TOP_HELP)] = 1,
    show: Annotated[bool, Option("--show", help=_SHOW_HELP)] = False,
    run_foreign_code: RunForeignCode = False,
    json: Json = False,
) -> None:
    """Run a model on pictures, or on rows of numbers, and print classes or values.

    A picture is resized to the model's input. For a model of ink, such as the bundled one of handwriting, it
    is made like the training images: its ink found, fitted into the model's box, centred by its mass, light
    on dark. A model of features gets a row of a file for each item. Of several files, those that cannot be
    read are named and the others answered. Pictures need the extra image: `pip install 'edgemnist[image]'`.

    With --input and --output, a whole file or folder is streamed into a Parquet file, which appears when it
    is complete: label, index, confidence and probabilities, or values, of each row, or the error where it
    cannot be read. Needs the extra parquet.
    """
    documents: list[dict[str, object]] = []
    failures = 0
    pictures = PictureOptions(polarity=polarity, fit=fit)
    scoring = _is_scoring(files, input_, output)
    path = model or _default_model(artifacts, engine, run_foreign_code)
    with _loaded(path, engine, pictures, run_foreign_code) as predictor:
        spec = predictor.signature.input
        if polarity != "auto" and not spec.ink:
            raise OptionError(
                "--polarity is for models of ink on paper", received=polarity, fix="Leave it out."
            )
        if scoring and input_ and output:
            from ...sweep.scoring.run import Job
            from ..scoring import score_all

            # The predictor is loaded, so its content may run here; only that content is loaded again.
            content = predictor.path, predictor.sha256
            job = Job(input_.resolve(), array, *content, engine, pictures, run_foreign_code)
            score_all(job, output, processes, ray, json=json)
            return
        paths = list_files(files or [], spec)
        for path in paths:
            try:
                items = _items(predictor, path)
                with _unannounced(predictor.path):
                    answers = list(predictor.predict(items))
            except (InputError, DatasetError) as error:
                if len(paths) == 1:
                    raise
                failures += 1
                documents.append({"file": str(path), "error": str(error)})
                print_error(error)
                continue
            if json:
                documents += [place | _document(answer, top) for place, answer in _placed(path, answers)]
            else:
                _print(path, answers, items, top, show=show)
    if json:
        key = "pictures" if spec.kind == "image" else "items"
        print_json({"model": predictor.path.name, "engine": predictor.engine_name, key: documents})
    if failures:
        raise InputError(f"{failures} of {len(paths)} {_noun(spec)} could not be {_done(predictor)}")


def _loaded(path: Path, engine: str | None, pictures: PictureOptions, run_foreign_code: bool) -> "Predictor":
    """Load a model, and show so: TensorFlow takes seconds to start."""
    with messages.status(f"loading {literal(path.name)}"), _unannounced(path):
        if engine == "keras" or path.suffix in (".keras", ".h5", ".hdf5"):
            from ...export import backend  # noqa: F401 - starts TensorFlow without its log
        return load_predictor(path, engine=engine, pictures=pictures, run_foreign_code=run_foreign_code)


def _unannounced(path: Path) -> AbstractContextManager[None]:
    """Keep LiteRT from announcing on stderr, when it first loads or runs a model, what it runs it on."""
    return quiet() if path.suffix == ".tflite" else nullcontext()


def _is_scoring(files: list[Path] | None, input_: Path | None, output: Path | None) -> bool:
    """Return whether a whole input is to be scored, rather than files answered one by one."""
    if not files and input_ is None and output is None:
        raise OptionError("there is nothing to predict", fix="Name files, or give --input and --output.")
    if (input_ is None) != (output is None) or (files and input_ is not None):
        raise OptionError("--input and --output go together, and instead of files")
    return input_ is not None


def _placed(path: Path, answers: "list[Any]") -> "Iterator[tuple[dict[str, object], Any]]":
    for row, answer in enumerate(answers):
        yield {"file": str(path)} | ({"row": row} if len(answers) > 1 else {}), answer


def _print(path: Path, answers: "list[Any]", items: "NDArray[Any]", top: int, *, show: bool) -> None:
    for row, answer in enumerate(answers):
        name = f"{path}[{row}]" if len(answers) > 1 else str(path)
        print_result(literal(f"{name}: {_line(answer, top)}"))
        if show:
            lines = _drawing(items[row] if items.dtype == "uint8" else None, answer)
            results.print(*lines, sep="\n", markup=False, highlight=False, soft_wrap=True)


def _noun(spec: "InputSpec") -> str:
    return "pictures" if spec.kind == "image" else "files"


def _done(predictor: "Predictor") -> str:
    return "classified" if predictor.class_names else "answered"


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


def _items(predictor: "Predictor", path: Path) -> "NDArray[Any]":
    """Return a file's raw items, `(N, *shape)`."""
    try:
        return predictor.to_raw(read_input(path, predictor.signature.input, predictor.pictures.max_bytes))
    except InputError as error:
        if str(path) in error.problem:
            raise
        raise InputError(f"{path}: {error.problem}", **error.facts) from error


def _line(answer: "Prediction | Values", top: int) -> str:
    if isinstance(answer, Prediction):
        best = answer.top(min(top, len(answer.class_names)))
        return ", ".join(f"{label} ({share:.1%})" for label, share in best)
    values = answer.values.ravel().tolist()
    more = f", ... ({len(values):,} values)" if len(values) > _SHOWN_VALUES else ""
    return ", ".join(f"{value:.6g}" for value in values[:_SHOWN_VALUES]) + more


def _drawing(image: "NDArray[Any] | None", answer: "Prediction | Values") -> list[str]:
    palette = Palette.for_encoding(results.encoding)
    drawn = [] if image is None else [*shades(image, palette, results.width), ""]
    return [*drawn, *(bars(answer, palette) if isinstance(answer, Prediction) else []), ""]


def _document(answer: "Prediction | Values", top: int) -> dict[str, object]:
    if not isinstance(answer, Prediction):
        return {"values": answer.values.tolist()}
    best = answer.top(min(top, len(answer.class_names)))
    return {
        "label": answer.label,
        "index": answer.index,
        "confidence": answer.confidence,
        "top": [{"label": label, "probability": share} for label, share in best],
    }
