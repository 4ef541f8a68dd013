"""The model in C: its files, what its functions are called, and what it has to answer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import ArtifactError, ArtifactNotFoundError, MissingExtraError
from ...runtime.files import sha256_of
from ...runtime.model_file import MAX_MODEL_BYTES
from ...runtime.reading import read_limited

_SUFFIX = ".c"
_FUNCTION = re.compile(r"^void (\w+)_logits\(", re.MULTILINE)
_MADE_OF = re.compile(r"\.tflite, sha256 ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class CModel:
    """A model in C.

    Attributes:
        source: Its C file; the header, the self-test and the TFLite file that it was made of lie beside it.
        prefix: What its functions' names begin with.
        sha256: Of the C file.
    """

    source: Path
    prefix: str
    sha256: str

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
    """What a model has to answer.

    Attributes:
        logits: (N, classes) int8, what goes into the softmax.
        probabilities: (N, classes) uint8, the TFLite file's output, plus 128 where that is int8.
    """

    logits: NDArray[np.int8]
    probabilities: NDArray[np.uint8]

    @property
    def answers(self) -> NDArray[np.uint8]:
        """The bytes of logits and probabilities, (N, 2 * classes) uint8, as the firmware writes them."""
        return np.concatenate([self.logits.view(np.uint8), self.probabilities], axis=1)


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
    found = _FUNCTION.search(_text_of(path.with_suffix(".h")))
    if found is None:
        raise ArtifactError(f"{path.with_suffix('.h')} declares no function <model>_logits")
    model = CModel(path, found[1], sha256_of(path))
    if not model.self_test.exists():
        raise ArtifactNotFoundError(f"no {model.self_test.name} beside {path}", fix="Export the model again.")
    return model


def _text_of(path: Path) -> str:
    try:
        return read_limited(path, MAX_MODEL_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read as text", received=error) from error


def expected_answers(model: CModel, images: NDArray[np.uint8]) -> Expected:
    """Return what LiteRT's reference kernels answer, from the TFLite file that the C was made of.

    Its optimized kernels round differently, so they are no reference for single bytes.

    Args:
        model: The model in C.
        images: (N, H, W) uint8.

    Raises:
        ArtifactNotFoundError: The TFLite file is not there.
        ArtifactError: It is another one than the C was made of, or ends otherwise than in a softmax.
        MissingExtraError: LiteRT is not installed.
    """
    path = model.original
    if not path.exists():
        raise ArtifactNotFoundError(
            f"no {path.name} beside {model.source.name}, to compare its answers with",
            fix="`edgemnist export --format int8.tflite --format c` makes both.",
        )
    made_of = _MADE_OF.search(_text_of(model.source))
    if made_of is None or made_of[1] != sha256_of(path):
        raise ArtifactError(
            f"{model.source.name} was made of another {path.name}",
            received=f"sha256 {sha256_of(path)}",
            expected=made_of[1] if made_of else "a sha256 in its first comment",
            fix="Export both again.",
        )
    return _run_reference(path, images)


def _run_reference(path: Path, images: NDArray[np.uint8]) -> Expected:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise MissingExtraError("ai_edge_litert", "litert", "comparing bytes with LiteRT") from error
    interpreter = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    taken = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(taken["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken["index"], _minus_128(images) if taken["dtype"] == np.int8 else images)
    interpreter.invoke()
    probabilities = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    softmax = [one for one in interpreter._get_ops_details() if one["op_name"] == "SOFTMAX"]  # noqa: SLF001
    if probabilities.dtype == np.int8:
        probabilities = _plus_128(probabilities)
    if probabilities.dtype != np.uint8 or len(softmax) != 1:
        raise ArtifactError(
            f"{path.name} is not a classifier in integers",
            received=f"output {probabilities.dtype}, {len(softmax)} SOFTMAX",
            expected="output uint8 or int8, one SOFTMAX",
        )
    logits = interpreter.get_tensor(int(softmax[0]["inputs"][0]))
    return Expected(logits, probabilities)


def _minus_128(values: NDArray[np.uint8]) -> NDArray[np.int8]:
    return (values ^ np.uint8(128)).view(np.int8)


def _plus_128(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    return values.view(np.uint8) ^ np.uint8(128)
