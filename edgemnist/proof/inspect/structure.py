"""What is inside an artifact's file, read without running it: tensors, operators, versions, metadata.

A new file format is one module beside this one and its name in `_READERS`. Each module has `KIND` and
`read(name, content)`, which may raise whatever a damaged file leads to.
"""

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ...runtime.engines.registry import ENGINES
from ...runtime.errors import ArtifactError, EdgeMnistError
from ...runtime.files import read_model
from ...runtime.isolation.probe import Probe, read_in_child
from ...runtime.tensors import TensorSpec

_MAX_PARTS = 200_000  # of a structure, which is shown to people


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """A tensor inside a model: a constant, or one between two operators.

    Attributes:
        dtype: The numpy name of its element type.
        shape: Its axes; None is any size.
        size_bytes: What the file stores of it; 0 for one that is computed.
        scales: The quantization steps: none, one, or one for each channel.
        zero_points: The raw values that stand for 0, as many as there are scales.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    size_bytes: int = 0
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()

    @property
    def is_weight(self) -> bool:
        """Whether it is a stored matrix or kernel; biases and shapes have fewer axes."""
        return self.size_bytes > 0 and len(self.shape) > 1


@dataclass(frozen=True, slots=True)
class Operator:
    """A node of the graph.

    Attributes:
        name: The format's own name for it, such as "FULLY_CONNECTED" or "MatMul".
        builtin: Whether every runtime of the format has it; false for custom and TF-select operators.
        inputs, outputs: The names of its tensors.
    """

    name: str
    builtin: bool = True
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """What a model file contains.

    Attributes:
        inputs, outputs: Of the whole model.
        tensors: All tensors, constants and intermediate ones included, as far as the file lists them.
        operators: Its nodes, in order.
        versions: The versions of its format.
        oldest_runtime: The oldest runtime release that runs it.
        dynamic_axes: The names of the input's and output's dynamic axes, where the format has names.
        metadata: Key-value texts found in it.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    tensors: tuple[GraphTensor, ...]
    operators: tuple[Operator, ...]
    versions: dict[str, int]
    oldest_runtime: str
    dynamic_axes: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def operator_names(self) -> tuple[str, ...]:
        """The names of the operators, each once, in order of first use."""
        return tuple(dict.fromkeys(operator.name for operator in self.operators))


_READERS = {
    ".tflite": "tflite",
    ".onnx": "onnx",
    ".ort": "ort",
    ".keras": "keras",
    ".wasm": "wasm",
    ".html": "html",
    ".h5": "keras",
    ".hdf5": "keras",
}


def read_structure(path: Path) -> Structure:
    """Read what a model file of one's own contains; for a stranger's there is `probe_structure`.

    Raises ArtifactNotFoundError if there is no such file, and what `parse_structure` raises.
    """
    require_readable(path)
    return parse_structure(path, read_model(path))


def require_readable(path: Path) -> None:
    """Check that there is a reader for files with this suffix; ArtifactError if there is none."""
    if path.suffix not in _READERS:
        raise ArtifactError(
            f"cannot look inside {path.name}",
            received=f"the suffix {path.suffix!r}",
            expected=f"one of {', '.join(_READERS)}",
        )


def parse_structure(path: Path, content: bytes) -> Structure:
    """Return what a model file contains, whose content was read before.

    Raises:
        ArtifactError: The file's format is unknown, or the file is damaged.
        MissingExtraError: The package that reads the format is not installed.
    """
    require_readable(path)
    module = importlib.import_module(f".{_READERS[path.suffix]}", __package__)
    try:
        structure: Structure = module.read(path.name, content)
    except EdgeMnistError:
        raise
    except Exception as error:  # flatbuffers, protobuf and Keras share no exception below this one
        problem = f"{path.name} is not {module.KIND}"
        raise ArtifactError(problem, received=str(error).strip()[:200] or repr(error)) from error
    return structure


def probe_structure(path: Path, content: bytes, limits: Probe) -> Structure:
    """Return what a stranger's model file contains, read in a subprocess.

    Keras' files are read here, since TensorFlow needs many seconds to start. Errors are those of
    `parse_structure` and `read_in_child`.
    """
    require_readable(path)
    if any(path.suffix in entry.suffixes and not entry.light for entry in ENGINES.values()):
        return parse_structure(path, content)
    return msgspec.convert(read_in_child(path, content, limits, _to_document), Structure)


def _to_document(path: Path, content: bytes) -> dict[str, Any]:
    structure = parse_structure(path, content)
    parts = len(structure.tensors) + len(structure.operators) + len(structure.metadata)
    if parts > _MAX_PARTS:
        raise ArtifactError(
            f"{path.name} is too large to look inside",
            received=f"{parts:,} tensors, operators and texts",
            expected=f"at most {_MAX_PARTS:,}",
        )
    document: dict[str, Any] = msgspec.to_builtins(structure)
    return document
