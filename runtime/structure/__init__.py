"""What is inside an artifact's file, read without running it: tensors, operators, versions, metadata.

A new file format is one module beside this one with a function `read(path)`, and one row in `_READERS`.
"""

import importlib
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ArtifactError
from ..tensors import TensorSpec


@dataclass(frozen=True, slots=True)
class Operator:
    """A node of the graph.

    Attributes:
        name: The format's own name for it, such as "FULLY_CONNECTED" or "MatMul".
        builtin: Whether every runtime of the format has it; false for custom and TF-select operators.
    """

    name: str
    builtin: bool = True


@dataclass(frozen=True, slots=True)
class Structure:
    """What a model file contains.

    Attributes:
        inputs: The tensors it takes.
        outputs: The tensors it gives.
        tensors: All its tensors, constants and intermediate ones included, where the file tells.
        operators: Its nodes, in order.
        versions: The versions of its format.
        oldest_runtime: The oldest runtime release that loads it.
        metadata: Key-value texts found in it.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    tensors: tuple[TensorSpec, ...]
    operators: tuple[Operator, ...]
    versions: dict[str, int]
    oldest_runtime: str
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def operator_names(self) -> tuple[str, ...]:
        """The names of the operators, each once, in order of first use."""
        return tuple(dict.fromkeys(operator.name for operator in self.operators))


_READERS = {".tflite": "tflite", ".onnx": "onnx"}


def read_structure(path: Path) -> Structure:
    """Read what a model file contains.

    Raises:
        ArtifactError: The file's format is unknown, or the file is damaged.
        MissingExtraError: The package that reads the format is not installed.
    """
    if path.suffix not in _READERS:
        raise ArtifactError(
            f"cannot look inside {path.name}",
            received=f"the suffix {path.suffix!r}",
            expected=f"one of {', '.join(_READERS)}",
        )
    module = importlib.import_module(f".{_READERS[path.suffix]}", __package__)
    structure: Structure = module.read(path)
    return structure
