"""The inference engines: one table that names them all, and the shape every engine has.

A new engine is one row in `ENGINES` and one module beside this one, with `KIND`, what its files are, and
`load(content, options)`, which may raise whatever a damaged file leads to.
"""

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NoReturn, Protocol, get_args

from msgspec import Struct, field
from numpy.typing import NDArray

from ..errors import (
    ArtifactError,
    ArtifactNotFoundError,
    EdgeMnistError,
    EngineError,
    MissingExtraError,
    OptionError,
    first_line,
    require_one_of,
)
from ..files import read_model
from ..tensors import TensorSpec

# From 1.29 on, onnxruntime's own builds report to Microsoft unless this is set before it is imported
# (microsoft/onnxruntime PR 27379). A device must not call out because it recognised a digit; and the thread
# that reports keeps forked children from ever ending (microsoft/onnxruntime PR 31961). Who sets it to 0
# keeps it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

Array = NDArray[Any]
LIBRARY_SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
GraphOptimization = Literal["disable", "basic", "extended", "all"]
Provider = str | tuple[str, Mapping[str, str]]


class SessionOptions(Struct, frozen=True):
    """What is particular to ONNX Runtime.

    Attributes:
        spinning: Let idle threads spin. It shaves microseconds off a call and takes the cores from everything
            else on the machine, so it is off unless asked for.
        graph_optimization: How far the graph is rewritten when it is loaded.
        memory_arena: Keep freed memory for the next call. Without it a big batch's memory goes back at once.
        config: Further entries of ONNX Runtime's session configuration, by its own keys, such as
            `{"session.set_denormal_as_zero": "1"}`.
    """

    spinning: bool = False
    graph_optimization: GraphOptimization = "all"
    memory_arena: bool = True
    config: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_one_of("graph optimization", self.graph_optimization, get_args(GraphOptimization))


class EngineOptions(Struct, frozen=True):
    """How an engine may use the machine.

    Attributes:
        num_threads: Threads for one inference, at least 1.
        providers: ONNX Runtime's execution providers, the preferred one first, each a name or a name with its
            options; none means the CPU.
    """

    num_threads: int = 1
    providers: tuple[Provider, ...] = ()
    session: SessionOptions = field(default_factory=SessionOptions)

    def __post_init__(self) -> None:
        if self.num_threads < 1:
            raise OptionError(
                "the number of threads is too small", received=self.num_threads, expected=">= 1"
            )


class Engine(Protocol):
    """A loaded model, called with exactly the array of its input, whose first axis is the batch."""

    input: TensorSpec
    output: TensorSpec
    metadata: dict[str, str]  # key-value texts found inside the file

    def run(self, batch: Array, /) -> Array:
        """Return the raw output for a raw input batch, unchecked; any number of threads may call this."""

    def close(self) -> None:
        """Free the model, once calls under way are done. Closing twice does nothing."""


class EngineEntry(Struct, frozen=True):
    """A row of `ENGINES`.

    Attributes:
        package: The import name of the package behind it.
        extra: The extra of edgemnist that brings the package; "" is the base install.
        light: Whether it starts in a fraction of a second and can start anew after a fork. Only then are
            unknown files tried in a subprocess first, and are predictors rebuilt in forked children.
        on_request: The file suffixes that it loads too, but only when it is asked for by name.
        sources: The suffixes of source files; the library that was compiled of one lies beside it, with the
            first of `suffixes`.
        code: Whether its files are programs for this machine. What such a program does, no trial run could
            contain: it is loaded only if this user built it here, gave its sha256 or said that it may run.
        fix: What to do about a file that it cannot load.
    """

    name: str
    suffixes: tuple[str, ...]
    package: str
    extra: str
    light: bool = True
    on_request: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    code: bool = False
    fix: str | None = None

    @property
    def available(self) -> bool:
        """Whether the engine's package can be imported, found out without importing it."""
        try:
            return importlib.util.find_spec(self.package) is not None
        except (ImportError, ValueError):  # a broken or a blocked package
            return False

    def file_to_load(self, path: Path) -> Path:
        """Return the file that the engine loads for `path`: itself, or what was compiled of it."""
        if path.suffix not in self.sources or not path.is_file():
            return path
        library = path.with_suffix(self.suffixes[0])
        if not library.is_file():
            raise ArtifactNotFoundError(
                f"{path.name} is not compiled: there is no {library.name} beside it",
                fix="`edgemnist export --format int8.c --compile` compiles it.",
            )
        return library

    def import_module(self) -> ModuleType:
        """Import the engine's module and the package behind it; MissingExtraError if that is missing."""
        if not self.available:
            raise MissingExtraError(self.package, self.extra, f"the engine {self.name}")
        return importlib.import_module(f".{self.name}", __package__)

    def load(self, path: Path, content: bytes, options: EngineOptions) -> Engine:
        """Load a model file, whose content was read before; ArtifactError if the engine cannot load it."""
        module = self.import_module()
        try:
            engine: Engine = module.load(content, options)
        except ArtifactError as error:
            raise ArtifactError(f"{path.name}: {error.problem}", **error.facts) from error
        except EdgeMnistError:
            raise
        except Exception as error:  # the engines' exceptions for damaged files share no base below this one
            raise ArtifactError(
                f"{path.name} is not {module.KIND}", received=first_line(error), fix=self.fix
            ) from error
        return engine


class ModelFile(Struct, frozen=True):
    """A model file's content, and how it is to be run: enough to load it again in another process.

    Attributes:
        path: The file, absolute.
        content: Its bytes, read once, so that what was checked is what is loaded.
        sha256: Of the content, 64 hexadecimal digits.
        engine: The engine that runs it, a key of `ENGINES`.
    """

    path: Path
    content: bytes
    sha256: str
    engine: str
    options: EngineOptions

    def __repr__(self) -> str:
        return f"<ModelFile {self.path}, {len(self.content):,} bytes, for {self.engine}>"

    def load(self) -> Engine:
        """Load the content into its engine; errors as `EngineEntry.load` has them."""
        return ENGINES[self.engine].load(self.path, self.content, self.options)


def read_model_file(path: Path, engine: str, options: EngineOptions) -> ModelFile:
    """Read a model file, to be loaded into an engine; errors as `read_model` has them."""
    content = read_model(path)
    return ModelFile(path.absolute(), content, hashlib.sha256(content).hexdigest(), engine, options)


def refuse_closed(*_batch: Any, **_options: Any) -> NoReturn:
    """Stand in for `run` in an engine that was closed."""
    raise EngineError("the engine is closed")


COMPILE_HERE = "Compile it on this machine: edgemnist export --format int8.c --compile"
ENGINES = {
    entry.name: entry
    for entry in (
        EngineEntry("onnxruntime", (".onnx", ".ort"), "onnxruntime", ""),
        EngineEntry("litert", (".tflite",), "ai_edge_litert", "litert"),
        EngineEntry("keras", (".keras", ".h5", ".hdf5"), "tensorflow", "export", light=False),
        EngineEntry("tflite_micro", (), "tflite_micro", "micro", on_request=(".tflite",)),
        EngineEntry("c", (LIBRARY_SUFFIX,), "ctypes", "", sources=(".c",), code=True, fix=COMPILE_HERE),
        EngineEntry("wasmtime", (".wasm",), "wasmtime", "web", on_request=(".html",)),
    )
}


def engine_for(path: Path, name: str | None = None) -> EngineEntry:
    """Return the engine called `name`, or the one that loads files like `path`.

    Raises:
        OptionError: There is no engine of that name.
        ArtifactError: No engine loads files with this suffix.
    """
    if name is not None:
        require_one_of("engine", name, ENGINES)
        return ENGINES[name]
    for entry in ENGINES.values():
        if path.suffix in entry.suffixes + entry.sources:
            return entry
    known = ", ".join(suffix for entry in ENGINES.values() for suffix in entry.suffixes + entry.sources)
    raise ArtifactError(
        f"no engine loads {path.name}", received=f"the suffix {path.suffix!r}", expected=f"one of {known}"
    )
