"""The model in C: its files, what its functions are called, and what it has to answer."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...proof.generated_c import read_claims
from ...runtime.engines.registry import ENGINES, EngineOptions
from ...runtime.errors import ArtifactError, ArtifactNotFoundError, MissingExtraError
from ...runtime.files import MAX_MODEL_BYTES, read_limited, sha256_of
from ...runtime.tensors import TensorSpec, pixel_table

_SUFFIX = ".c"
_FUNCTION = re.compile(
    r"^void (\w+)_run\(const (\w+) \*input, (\w+) \*output, void \*arena\);$", re.MULTILINE
)
_CLASSIFY = re.compile(r"^int \w+_classify\(", re.MULTILINE)
_ARENA = re.compile(r"^#define \w+_ARENA_BYTES (\d+)$", re.MULTILINE)
_RANDOM_INPUTS, _SEED = 20, 0
_TFLM = "tflm"


@dataclass(frozen=True, slots=True)
class CModel:
    """A model in C.

    Attributes:
        source: Its C file; the header, the self-test and the TFLite file that it was made of lie beside it.
        prefix: What its functions' names begin with.
        sha256: Of the C file.
        classifies: Whether it has functions for images and classes.
        arena_bytes: The memory between its layers, which the caller keeps.
    """

    source: Path
    prefix: str
    sha256: str
    classifies: bool = False
    arena_bytes: int = 0

    @property
    def header(self) -> Path:
        """The file that declares its functions."""
        return self.source.with_suffix(".h")

    @property
    def self_test(self) -> Path:
        """The program that checks it on the target."""
        return self.source.with_name(f"{self.source.stem}_selftest.c")

    @property
    def original(self) -> Path:
        """The TFLite file that it was made of."""
        return self.source.with_suffix(".tflite")


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What a model is asked, and what it has to answer.

    Attributes:
        inputs: (N, input bytes) uint8, raw.
        outputs: (N, output bytes) uint8, raw.
        classes: (N,) the most probable class, the first if several are; None for a model that has no classes.
        tested: Whether the inputs are the test images, in order; otherwise they are random.
    """

    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    classes: NDArray[np.int64] | None
    tested: bool


def c_models(paths: Iterable[Path]) -> tuple[CModel, ...]:
    """Return the models in C among files, or in a folder.

    Raises:
        ArtifactNotFoundError: There is none, or one of its files is missing.
        ArtifactError: A header does not declare a model's functions.
    """
    files = [path for given in paths for path in (sorted(given.iterdir()) if given.is_dir() else [given])]
    models = tuple(
        _read(path) for path in files if path.suffix == _SUFFIX and path.with_suffix(".h").exists()
    )
    if not models:
        raise ArtifactNotFoundError(
            "no model in C",
            expected="a file such as mnist.int8.c, with its header beside it",
            fix="`edgemnist export --format int8.tflite --format c` makes them.",
        )
    return models


def _read(path: Path) -> CModel:
    header = _text_of(path.with_suffix(".h"))
    found, arena = _FUNCTION.search(header), _ARENA.search(header)
    if found is None or arena is None:
        raise ArtifactError(
            f"{path.with_suffix('.h')} declares no model of one input and one output",
            expected="a function <model>_run(const type *input, type *output, void *arena)",
        )
    model = CModel(path, found[1], sha256_of(path), _CLASSIFY.search(header) is not None, int(arena[1]))
    if not model.self_test.exists():
        raise ArtifactNotFoundError(f"no {model.self_test.name} beside {path}", fix="Export the model again.")
    return model


def _text_of(path: Path) -> str:
    try:
        return read_limited(path, MAX_MODEL_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read as text", received=error) from error


def expected_answers(model: CModel, images: NDArray[np.uint8]) -> Expected:
    """Return what the reference answers, from the TFLite file that the C was made of.

    That is LiteRT with its reference kernels, since its optimized ones round differently, or TensorFlow Lite
    Micro, if the C says that it matches that.

    Args:
        model: The model in C.
        images: (N, H, W) uint8; a model that takes no such images gets seeded random inputs.

    Raises:
        ArtifactNotFoundError: The TFLite file is not there.
        ArtifactError: It is another one than the C was made of.
        MissingExtraError: The runtime is not installed.
    """
    path = model.original
    if not path.exists():
        raise ArtifactNotFoundError(
            f"no {path.name} beside {model.source.name}, to compare its answers with",
            fix="`edgemnist export --format int8.tflite --format c` makes both.",
        )
    claims = read_claims(_text_of(model.source).encode())
    if claims.made_of_sha256 != sha256_of(path):
        raise ArtifactError(
            f"{model.source.name} was made of another {path.name}",
            received=f"sha256 {sha256_of(path)}",
            expected=claims.made_of_sha256 or "a sha256 in its first comment",
            fix="Export both again.",
        )
    taken, run = (_tflm if claims.match == _TFLM else _litert)(read_limited(path, MAX_MODEL_BYTES))
    shape = tuple(axis or 1 for axis in taken.shape)
    tested = math.prod(shape) == images[0].size and np.dtype(taken.dtype).kind in "iu"
    if tested:
        table = pixel_table(taken)
        inputs = (images if table is None else table[images]).reshape(-1, *shape)
    else:
        inputs = _random(taken, shape)
    outputs = np.stack([run(one) for one in inputs])
    return Expected(
        _bytes_of(inputs),
        _bytes_of(outputs),
        outputs.reshape(len(outputs), -1).argmax(axis=1) if model.classifies else None,
        tested,
    )


def _random(taken: TensorSpec, shape: tuple[int, ...]) -> NDArray[Any]:
    generator = np.random.default_rng(_SEED)
    dtype = np.dtype(taken.dtype)
    if dtype.kind == "f":
        return generator.normal(size=(_RANDOM_INPUTS, *shape)).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, (_RANDOM_INPUTS, *shape), dtype, endpoint=True)


def _bytes_of(arrays: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(arrays).reshape(len(arrays), -1).view(np.uint8)


_Run = Callable[[NDArray[Any]], NDArray[Any]]


def _litert(content: bytes) -> tuple[TensorSpec, _Run]:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise MissingExtraError("ai_edge_litert", "litert", "comparing bytes with LiteRT") from error
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = taken["quantization"]
    shape = tuple(int(axis) for axis in taken["shape"])
    spec = TensorSpec(taken["name"], np.dtype(taken["dtype"]).name, shape, float(scale), int(zero_point))

    def run(one: NDArray[Any]) -> NDArray[Any]:
        interpreter.set_tensor(taken["index"], one)
        interpreter.invoke()
        answer: NDArray[Any] = interpreter.get_tensor(given["index"])
        return answer

    return spec, run


def _tflm(content: bytes) -> tuple[TensorSpec, _Run]:
    entry = ENGINES["tflite_micro"]
    engine = entry.load(Path("the TFLite file"), content, EngineOptions())
    return engine.input, engine.run
