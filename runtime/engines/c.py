"""A model in C, compiled into a shared library: what `edgemnist export --format int8.c --compile` makes.

The library is loaded from a private copy of the content that was hashed, so that a file which changes later
changes nothing here; whether it may be loaded at all, `load_predictor` has decided before. Its code keeps no
state: any number of threads may be in it at once, each with an arena of its own, and ctypes lets go of
Python's lock meanwhile.
"""

import ctypes
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from ..errors import ArtifactError, EngineError, first_line
from ..isolation.native_code import private_copy
from ..tensors import TensorSpec
from .registry import Array, EngineOptions

# The meaning of the library's functions; another meaning is another number.
ABI_VERSION = 2
_COMPILE_HERE = "Compile it on this machine: edgemnist export --format int8.c --compile"
_ALIGNMENT_BYTES = 64  # of an arena, and how far beyond its end kernels may read
_ANSWERS = 64
# What is done sooner than that is done before another thread has begun.
_SHARED_NS = 100_000

Arrays = Sequence[Array]


@dataclass(frozen=True, slots=True)
class _End:
    """An input or output of the library: one call's array."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def spec(self, *, batched: bool) -> TensorSpec:
        shape = (None, *self.shape[1:]) if batched else self.shape
        return TensorSpec(self.name, self.dtype.name, shape, self.scale, self.zero_point)


@dataclass(frozen=True, slots=True)
class _Description:
    """What the library is, by its own account.

    Attributes:
        inputs: One call's inputs.
        outputs: One call's outputs.
        batched: Whether the first axis of each is a batch, of which a call computes one.
        metadata: The texts of the TFLite file.
    """

    inputs: tuple[_End, ...]
    outputs: tuple[_End, ...]
    batched: bool
    metadata: dict[str, str]


class CEngine:
    """A model in a shared library.

    Attributes:
        inputs: All inputs, of which `input` is the first.
        outputs: All outputs, of which `output` is the first.
        run: For a model of several inputs it takes a sequence of arrays, and it returns a tuple for one of
            several outputs.
    """

    def __init__(self, library: ctypes.CDLL, description: _Description, num_threads: int) -> None:
        self.inputs = tuple(end.spec(batched=description.batched) for end in description.inputs)
        self.outputs = tuple(end.spec(batched=description.batched) for end in description.outputs)
        self.input, self.output = self.inputs[0], self.outputs[0]
        self.metadata = description.metadata
        arenas = _Arenas(library)
        many = _Batches(library, description, arenas, num_threads).run
        one_to_one = len(self.inputs) == len(self.outputs) == 1
        self.run: Callable[[Any], Any] = many
        if one_to_one:
            self.run = _runner(library, description, arenas, many)

    def close(self) -> None:
        """Refuse further calls; the code stays in memory, since one may be under way."""
        self.run = _closed


class _Arenas:
    """Memory for what is between the layers, as many arenas as there are calls at once.

    Attributes:
        variant: The most capable code in the library that this processor runs.
        idle: The arenas that no call uses, by their addresses as C takes them.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        variants, supports, size_of = (
            library.edgemnist_variants,
            library.edgemnist_supports,
            library.edgemnist_arena_bytes,
        )
        variants.argtypes, variants.restype = (), ctypes.c_int32
        supports.argtypes, supports.restype = (ctypes.c_int32,), ctypes.c_int32
        size_of.argtypes, size_of.restype = (ctypes.c_int32,), ctypes.c_int64
        chosen = max(number for number in range(variants()) if number == 0 or supports(number))
        self.variant = ctypes.c_int32(chosen)
        self.idle: list[ctypes.c_void_p] = []
        self._size_bytes = int(size_of(chosen)) + 2 * _ALIGNMENT_BYTES
        self._memory: list[Array] = []

    def new(self) -> ctypes.c_void_p:
        """Return another arena, for a call to give to `idle` afterwards."""
        memory = np.zeros(self._size_bytes, np.uint8)
        self._memory.append(memory)
        begin: int = memory.ctypes.data
        return ctypes.c_void_p(begin + -begin % _ALIGNMENT_BYTES)


def _runner(
    library: ctypes.CDLL, description: _Description, arenas: _Arenas, many: Callable[[Array], Array]
) -> Callable[[Array], Array]:
    """Return the engine's `run`: a closure, since at a microsecond a call even attributes cost.

    For the same reason one input goes in as bytes, and its answer comes out in memory whose address ctypes
    has got beforehand: to get an array's address costs more than a small network, and so does the conversion
    of declared arguments.
    """
    one = library["edgemnist_one"]  # a function object of its own, without declared arguments
    one.restype = None
    (taken,), (given,) = description.inputs, description.outputs
    input_bytes = taken.nbytes
    answers_at_once = max(1, min(_ANSWERS, (1 << 16) // max(given.nbytes, 1)))
    variant = arenas.variant
    take_arena, give_arena, new_arena = arenas.idle.pop, arenas.idle.append, arenas.new
    answers: list[tuple[Any, Array]] = []
    take = answers.pop

    def run(batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        if batch.nbytes != input_bytes:
            return many(batch)
        try:
            memory, answer = take()
        except IndexError:
            (memory, answer), *more = _answers(given, answers_at_once)
            answers.extend(more)
        try:
            arena = take_arena()
        except IndexError:
            arena = new_arena()
        one(variant, batch.tobytes(), memory, arena)
        give_arena(arena)
        return answer

    return run


def _answers(end: _End, count: int) -> list[tuple[Any, Array]]:
    """Return arrays for the answers to come, and the same memory as ctypes sees it."""
    block = (ctypes.c_uint8 * end.nbytes * count)()
    arrays = np.frombuffer(memoryview(block), np.uint8).view(end.dtype).reshape(count, *end.shape)
    return list(zip(block, arrays, strict=True))


class _Batches:
    """Runs any number of inputs, which threads share if that takes long."""

    def __init__(
        self, library: ctypes.CDLL, description: _Description, arenas: _Arenas, num_threads: int
    ) -> None:
        self._call = library.edgemnist_run_many
        self._call.argtypes = (
            ctypes.c_int32,
            ctypes.c_void_p,
            ctypes.c_int64,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        self._call.restype = None
        self._description, self._arenas, self._num_threads = description, arenas, num_threads
        self._helpers = ThreadPoolExecutor(num_threads) if num_threads > 1 else None
        self._each_ns: float = 0

    def run(self, batch: Any) -> Any:
        """Return the raw outputs for raw inputs: arrays, or sequences of arrays where there are several."""
        description = self._description
        several = len(description.inputs) > 1
        given: Arrays = batch if several else (batch,)
        inputs = [np.ascontiguousarray(array) for array in given]
        count = self._count(inputs)
        shapes = [
            (count, *end.shape[1:]) if description.batched else end.shape for end in description.outputs
        ]
        outputs = [np.empty(shape, end.dtype) for shape, end in zip(shapes, description.outputs, strict=True)]
        done = 0
        if self._helpers is not None and count > 1 and not self._each_ns:
            begin = perf_counter_ns()
            self._run_part(inputs, outputs, 0, 1)
            self._each_ns, done = perf_counter_ns() - begin, 1
        left = count - done
        if self._helpers is None or left * self._each_ns < _SHARED_NS:
            self._run_part(inputs, outputs, done, count)
        else:
            ends = [done + left * part // self._num_threads for part in range(self._num_threads + 1)]
            parts = pairwise(ends)
            list(self._helpers.map(lambda part: self._run_part(inputs, outputs, *part), parts))
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def _run_part(self, inputs: Arrays, outputs: Arrays, begin: int, end: int) -> None:
        if begin == end:
            return
        arenas = self._arenas
        try:
            arena = arenas.idle.pop()
        except IndexError:
            arena = arenas.new()
        ends = self._description.inputs, self._description.outputs
        pointers = [
            (ctypes.c_void_p * len(arrays))(
                *(array.ctypes.data + begin * one.nbytes for array, one in zip(arrays, side, strict=True))
            )
            for arrays, side in zip((inputs, outputs), ends, strict=True)
        ]
        self._call(arenas.variant, pointers[0], end - begin, pointers[1], arena)
        arenas.idle.append(arena)

    def _count(self, inputs: Arrays) -> int:
        """Return how many calls inputs are.

        Raises:
            EngineError: They are not what the model takes.
        """
        description = self._description
        axes = 1 if description.batched else 0
        counts = {array.shape[0] if axes and array.ndim else 1 for array in inputs}
        fits = len(inputs) == len(description.inputs) and all(
            array.dtype == end.dtype and array.shape[axes:] == end.shape[axes:]
            for array, end in zip(inputs, description.inputs, strict=False)
        )
        if not fits or len(counts) != 1:
            expected = ", ".join(
                f"{end.dtype} {end.spec(batched=description.batched).shape}" for end in description.inputs
            )
            raise EngineError(
                "the library cannot run such a batch",
                received=", ".join(f"{array.dtype} {array.shape}" for array in inputs) or "no array",
                expected=expected.replace("None", "N"),
            )
        return counts.pop()


def load(path: Path, content: bytes, options: EngineOptions) -> CEngine:
    """Load a shared library that edgemnist compiled."""
    try:
        library = _open(content, path.suffix)
        version = ctypes.c_uint32.in_dll(library, "edgemnist_abi_version").value
        if version == ABI_VERSION:
            return CEngine(library, _description(library), options.num_threads)
    except ArtifactError:
        raise
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        # of another CPU, damaged, or not edgemnist's
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


def _description(library: ctypes.CDLL) -> _Description:
    text = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "edgemnist_description")))
    document = json.loads(text)
    inputs, outputs = (
        tuple(
            _End(
                end["name"],
                np.dtype(end["dtype"]),
                tuple(end["shape"]),
                float(end["scale"]),
                int(end["zero_point"]),
            )
            for end in document[side]
        )
        for side in ("inputs", "outputs")
    )
    if not inputs or not outputs:
        raise ValueError("it describes no inputs or no outputs")
    return _Description(inputs, outputs, bool(document["batched"]), dict(document["metadata"]))


def _closed(_batch: Any) -> Any:
    raise EngineError("the engine is closed")
