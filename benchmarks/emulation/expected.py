"""What a model in C is asked, and what the runtime that it stands for answers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...proof.generated_c import read_claims
from ...proof.inspect.structure import parse_structure
from ...runtime.artifact.metadata import read_metadata
from ...runtime.artifact.tflite_file import spec_of_detail
from ...runtime.engines.registry import ENGINES, EngineOptions
from ...runtime.errors import ArtifactError, ArtifactNotFoundError, MissingExtraError
from ...runtime.files import MAX_MODEL_BYTES, read_limited, sha256_of
from ...runtime.output_decoder import OutputDecoder, class_indices
from ...runtime.signature import DEFAULT_PIXEL_SCALE, InputSpec, OutputSpec
from ...runtime.tensors import TensorSpec
from .model import CModel, text_of

_RANDOM_INPUTS, _SEED = 20, 0
_TFLM = "tflm"
_Run = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What a model is asked, and what it has to answer.

    Attributes:
        inputs: (N, input bytes) uint8, raw.
        outputs: (N, output bytes) uint8, raw.
        classes: (N,) what the C's own function for images has to name, the most probable class, the first if
            several are; None for a model without that function.
        tested: Whether the inputs are the test inputs, in order; otherwise they are random.
        input: What the inputs' bytes are.
        output: What the outputs' bytes are.
        spec: What the outputs mean; None where nobody said.
    """

    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    classes: NDArray[np.int64] | None
    tested: bool
    input: TensorSpec
    output: TensorSpec
    spec: OutputSpec | None

    def predicted(self, raw: NDArray[np.uint8]) -> NDArray[np.int64] | None:
        """Return the class of each row of raw output bytes, (N,); None where the outputs are no classes."""
        if self.spec is None or self.spec.kind != "classes":
            return None
        outputs = np.ascontiguousarray(raw).view(self.output.dtype)
        return class_indices(OutputDecoder(self.output, self.spec).decode(outputs))


def expected_answers(model: CModel, inputs: NDArray[Any]) -> Expected:
    """Return what the reference answers, from the TFLite file that the C was made of.

    That is LiteRT with its reference kernels, since its optimized ones round differently, or TensorFlow Lite
    Micro, if the C says that it matches that.

    `inputs` are (N, ...) uint8 images or float32 features; a model that takes others gets random ones.

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
    claims = read_claims(text_of(model.source).encode())
    if claims.made_of_sha256 != sha256_of(path):
        raise ArtifactError(
            f"{model.source.name} was made of another {path.name}",
            received=f"sha256 {sha256_of(path)}",
            expected=claims.made_of_sha256 or "a sha256 in its first comment",
            fix="Export both again.",
        )
    content = read_limited(path, MAX_MODEL_BYTES)
    taken, given, run = (_tflm if claims.match == _TFLM else _litert)(content)
    shape = tuple(axis or 1 for axis in taken.shape)
    metadata = read_metadata(parse_structure(path, content).metadata)
    known = metadata and metadata.signature
    spec = known.input if known else _assumed(inputs)
    tested = math.prod(shape) == inputs[0].size and np.dtype(taken.dtype).kind in "iu"
    if tested and spec.raw_dtype == inputs.dtype.name:
        raw = spec.encode(inputs.reshape(-1, *spec.shape), taken).reshape(-1, *shape)
    else:
        raw, tested = _random(taken, shape), False
    outputs = np.stack([run(one) for one in raw])
    return Expected(
        _bytes_of(raw),
        _bytes_of(outputs),
        outputs.reshape(len(outputs), -1).argmax(axis=1) if model.classifies else None,
        tested,
        taken,
        given,
        known.output if known else _classes_of(given) if model.classifies else None,
    )


def _assumed(inputs: NDArray[Any]) -> InputSpec:
    """Return what a file takes that does not say so: what the data set has."""
    if inputs.dtype == np.uint8:
        return InputSpec("image", inputs.shape[1:], (DEFAULT_PIXEL_SCALE,))
    return InputSpec("features", inputs.shape[1:])


def _classes_of(output: TensorSpec) -> OutputSpec:
    classes = output.shape[-1] or 1
    return OutputSpec("classes", (classes,), tuple(map(str, range(classes))))


def _random(taken: TensorSpec, shape: tuple[int, ...]) -> NDArray[Any]:
    generator = np.random.default_rng(_SEED)
    dtype = np.dtype(taken.dtype)
    if dtype.kind == "f":
        return generator.normal(size=(_RANDOM_INPUTS, *shape)).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, (_RANDOM_INPUTS, *shape), dtype, endpoint=True)


def _bytes_of(arrays: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(arrays).reshape(len(arrays), -1).view(np.uint8)


def _litert(content: bytes) -> tuple[TensorSpec, TensorSpec, _Run]:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise MissingExtraError("ai_edge_litert", "litert", "comparing bytes with LiteRT") from error
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(one: NDArray[Any]) -> NDArray[Any]:
        interpreter.set_tensor(taken["index"], one)
        interpreter.invoke()
        answer: NDArray[Any] = interpreter.get_tensor(given["index"])
        return answer

    return spec_of_detail(taken), spec_of_detail(given), run


def _tflm(content: bytes) -> tuple[TensorSpec, TensorSpec, _Run]:
    entry = ENGINES["tflite_micro"]
    engine = entry.load(Path("the TFLite file"), content, EngineOptions())
    return engine.input, engine.output, engine.run
