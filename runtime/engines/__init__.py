"""The inference engines: one table that names them all, and the shape every engine has.

A new engine is one module beside this one with a function `load(path, options)`, and one row in `ENGINES`.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from ..errors import ArtifactError, MissingExtraError, OptionError
from ..tensors import TensorSpec

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine may use the machine.

    Attributes:
        num_threads: Threads for one inference, at least 1.
        spinning: Let ONNX Runtime's idle threads spin. It shaves microseconds off a call and takes the cores
            from everything else on the machine, so it is off unless asked for.
    """

    num_threads: int = 1
    spinning: bool = False

    def __post_init__(self) -> None:
        if self.num_threads < 1:
            raise OptionError(
                "the number of threads is too small", received=self.num_threads, expected=">= 1"
            )


class Engine(Protocol):
    """A loaded model, called with exactly the array its input takes.

    Attributes:
        input: The input tensor; its first axis is the batch, any size.
        output: The output tensor, `(N, classes)`.
        metadata: Key-value texts found inside the file.
    """

    input: TensorSpec
    output: TensorSpec
    metadata: dict[str, str]

    def run(self, batch: Array) -> Array:
        """Return the raw output for a raw input batch. No check and no conversion happens here."""

    def close(self) -> None:
        """Free the model. Calling `run` afterwards is an error."""


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """A row of `ENGINES`.

    Attributes:
        name: What `engine=` and `--engine` take.
        suffixes: The file suffixes this engine loads.
        package: The import name of the package behind it.
        extra: The extra of edgemnist that brings the package; "" is the base install.
    """

    name: str
    suffixes: tuple[str, ...]
    package: str
    extra: str

    @property
    def available(self) -> bool:
        """Whether the engine's package can be imported, found out without importing it."""
        try:
            return importlib.util.find_spec(self.package) is not None
        except ValueError:
            return False

    def load(self, path: Path, options: EngineOptions) -> Engine:
        """Load a model file.

        Raises:
            MissingExtraError: The engine's package is not installed.
            ArtifactError: The file is not a model this engine can load.
        """
        if not self.available:
            raise MissingExtraError(self.package, self.extra, f"the engine {self.name}")
        module = importlib.import_module(f".{self.name}", __package__)
        engine: Engine = module.load(path, options)
        return engine


ENGINES = {
    entry.name: entry
    for entry in (
        EngineEntry("onnxruntime", (".onnx",), "onnxruntime", ""),
        EngineEntry("litert", (".tflite",), "ai_edge_litert", "litert"),
        EngineEntry("keras", (".keras",), "tensorflow", "export"),
    )
}


def engine_for(path: Path, name: str | None = None) -> EngineEntry:
    """Return the engine called `name`, or the one that loads files like `path`.

    Raises:
        OptionError: There is no engine of that name.
        ArtifactError: No engine loads files with this suffix.
    """
    if name is not None:
        if name not in ENGINES:
            raise OptionError("unknown engine", received=repr(name), expected=f"one of {', '.join(ENGINES)}")
        return ENGINES[name]
    for entry in ENGINES.values():
        if path.suffix in entry.suffixes:
            return entry
    known = ", ".join(suffix for entry in ENGINES.values() for suffix in entry.suffixes)
    raise ArtifactError(
        f"no engine loads {path.name}", received=f"the suffix {path.suffix!r}", expected=f"one of {known}"
    )
