"""A model in C, compiled into a shared library: what `edgemnist export --format int8.c --compile` makes.

The library is loaded from a private copy of the content that was hashed, so that a file which changes later
changes nothing here; whether it may be loaded at all, `load_predictor` has decided before. Its code keeps no
state: any number of threads may be in it at once, and ctypes lets go of Python's lock meanwhile.
"""

import ctypes
import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..artifact.metadata import Metadata, read_metadata
from ..errors import ArtifactError, EngineError, first_line
from ..isolation.native_code import private_copy
from .registry import Array, EngineOptions

# The meaning of the library's functions; another meaning is another number.
ABI_VERSION = 1
_COMPILE_HERE = "Compile it on this machine: edgemnist export --format int8.c --compile"
_ALIGNMENT_BYTES = 64
_ANSWERS = 64
# Less than that many images are done before another thread has begun.
_SHARED_IMAGES = 64


class CEngine:
    """A model in a shared library."""

    def __init__(
        self, library: ctypes.CDLL, contract: Metadata, metadata: dict[str, str], num_threads: int
    ) -> None:
        self.input = contract.input
        self.output = contract.output
        self.metadata = metadata
        workspace = _Workspace(library)
        pixels = math.prod(axis or 1 for axis in contract.input.shape)
        classes = int(contract.output.shape[-1] or 0)
        many = _runner_of_many(library, workspace, pixels, classes, num_threads)
        self.run = _runner(library, workspace, pixels, classes, many)

    def close(self) -> None:
        """Refuse further calls; the code stays in memory, since one may be under way."""
        self.run = _closed


class _Workspace:
    """Memory that the library has prepared, and its address as C takes it."""

    def __init__(self, library: ctypes.CDLL) -> None:
        size_of, prepare = library.edgemnist_workspace_bytes, library.edgemnist_prepare
        size_of.argtypes, size_of.restype = (), ctypes.c_int64
        prepare.argtypes, prepare.restype = (ctypes.c_void_p, ctypes.c_int32), None
        self._memory = np.zeros(size_of() + _ALIGNMENT_BYTES, np.uint8)
        begin: int = self._memory.ctypes.data
        self.address = ctypes.c_void_p(begin + -begin % _ALIGNMENT_BYTES)
        prepare(self.address, 0)


def _runner(
    library: ctypes.CDLL,
    workspace: _Workspace,
    pixels: int,
    classes: int,
    many: Callable[[Array], Array],
) -> Callable[[Array], Array]:
    """Return the engine's `run`: a closure, since at a microsecond a call even attributes cost.

    For the same reason one image goes in as bytes, and its answer comes out in memory whose address ctypes
    has got beforehand: to get an array's address costs more than the inference, and so does the conversion
    of declared arguments.
    """
    one = library["edgemnist_one"]  # a function object of its own, without declared arguments
    one.restype = None
    address = workspace.address  # of memory that lives on in `many`
    answers: list[tuple[ctypes.Array[ctypes.c_uint8], Array]] = []
    take = answers.pop

    def run(batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        if batch.nbytes != pixels:
            return many(batch)
        try:
            memory, answer = take()
        except IndexError:
            (memory, answer), *more = _answers(classes)
            answers.extend(more)
        one(address, batch.tobytes(), memory)
        return answer

    return run


def _answers(classes: int) -> "Iterable[tuple[ctypes.Array[ctypes.c_uint8], Array]]":
    """Return arrays for the answers to come, `(1, classes)` each, and the same memory as ctypes sees it."""
    block = (ctypes.c_uint8 * classes * _ANSWERS)()
    return zip(block, np.frombuffer(memoryview(block), np.uint8).reshape(_ANSWERS, 1, classes), strict=True)


def _runner_of_many(
    library: ctypes.CDLL, workspace: _Workspace, pixels: int, classes: int, num_threads: int
) -> Callable[[Array], Array]:
    """Return a `run` for a batch of any size, which threads share if it is large."""
    many = library.edgemnist_many
    many.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    many.restype = None
    helpers = ThreadPoolExecutor(num_threads) if num_threads > 1 else None

    def run_part(images: Array, probabilities: Array) -> None:
        many(workspace.address, images.ctypes.data, len(images), probabilities.ctypes.data)

    def run_many(batch: Array) -> Array:
        images = np.ascontiguousarray(batch)
        if images.dtype != np.uint8 or images.size != len(images) * pixels:
            raise _wrong_batch(batch)
        probabilities = np.empty((len(images), classes), np.uint8)
        if helpers is None or len(images) < num_threads * _SHARED_IMAGES:
            run_part(images, probabilities)
        else:
            parts = np.array_split(images, num_threads), np.array_split(probabilities, num_threads)
            list(helpers.map(run_part, *parts))
        return probabilities

    return run_many


def load(path: Path, content: bytes, options: EngineOptions) -> CEngine:
    """Load a shared library that edgemnist compiled."""
    try:
        library = _open(content, path.suffix)
        version = ctypes.c_uint32.in_dll(library, "edgemnist_abi_version").value
        metadata = _metadata(library) if version == ABI_VERSION else {}
        contract = read_metadata(metadata)
        if contract is not None:
            return CEngine(library, contract, metadata, options.num_threads)
    except ArtifactError:
        raise
    except (OSError, ValueError, AttributeError) as error:  # of another CPU, damaged, or not edgemnist's
        raise ArtifactError(
            f"{path.name} is not a model's library for this machine",
            received=first_line(error),
            fix=_COMPILE_HERE,
        ) from error
    raise ArtifactError(
        f"{path.name} was compiled by another version of edgemnist",
        received=f"ABI version {version}",
        expected=ABI_VERSION,
        fix=_COMPILE_HERE,
    )


def _open(content: bytes, suffix: str) -> ctypes.CDLL:
    """Load a library under a name that no other has, since the system's loader knows libraries by name."""
    with private_copy(content, suffix) as copy:
        return ctypes.CDLL(str(copy))


def _metadata(library: ctypes.CDLL) -> dict[str, str]:
    text = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "edgemnist_contract")))
    return dict(line.split(": ", 1) for line in text.decode("ascii").splitlines())


def _wrong_batch(batch: Array) -> EngineError:
    return EngineError("the library cannot run such a batch", received=f"{batch.dtype} {batch.shape}")


def _closed(_batch: Array) -> Array:
    raise EngineError("the engine is closed")
