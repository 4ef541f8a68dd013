"""A model in C, compiled into a shared library by `edgemnist export --format int8.c --compile` makes.

The library is loaded from a private copy of the content that was hashed, so that a file which changes later
changes nothing here; whether it may be loaded at all, `load_predictor` has decided before. Its code keeps no
state: any number of threads may be in it at once, each with an arena of its own, and ctypes lets go of
Python's lock meanwhile.
"""

import ctypes
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import perf_counter_ns
from typing import Any

import msgspec
import numpy as np

from ..errors import ArtifactError, EngineError
from ..isolation.native_code import private_copy
from ..tensors import TensorSpec
from .c_binding import One, Parts, bound_call
from .registry import COMPILE_HERE, LIBRARY_SUFFIX, Array, EngineOptions, refuse_closed

KIND = "a model's library for this machine"
# The meaning of the library's functions; another meaning is another number.
ABI_VERSION = 2
_ALIGNMENT_BYTES = 64  # of an arena, and how far beyond its end kernels may read
# What is done sooner than that is done before another thread has begun.
_SHARED_NS = 100_000
# Pieces for each thread: one that begins late, or whose core is taken away, leaves its own to the others.
_PIECES = 8

Arrays = Sequence[Array]


class _Description(msgspec.Struct, frozen=True):
    """What the library is, by its own account: one call's inputs and outputs, and the TFLite file's texts.

    Where it is `batched`, the first axis of each is a batch, of which a call computes one.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    batched: bool
    metadata: dict[str, str]

    def __post_init__(self) -> None:
        if not self.inputs or not self.outputs:
            raise ValueError("it describes no inputs or no outputs")

    def batches(self, ends: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
        """Return the ends as the engine has them."""
        if not self.batched:
            return ends
        return tuple(msgspec.structs.replace(end, shape=(None, *end.shape[1:])) for end in ends)


class CEngine:
    """A model in a shared library; `input` and `output` are the first of its `inputs` and `outputs`.

    `run` is passed a sequence of arrays where there are several inputs, and returns a tuple for several
    outputs.
    """

    def __init__(self, library: ctypes.CDLL, description: _Description, num_threads: int) -> None:
        self.inputs = description.batches(description.inputs)
        self.outputs = description.batches(description.outputs)
        self.input, self.output = self.inputs[0], self.outputs[0]
        self.metadata = description.metadata
        calls = _Calls(library, description, num_threads)
        one_to_one = len(self.inputs) == len(self.outputs) == 1
        self.run: Callable[[Any], Any] = _runner(library, description, calls) if one_to_one else calls.run

        def bind(parts: Parts) -> One | None:
            ends = description.inputs[0], description.outputs[0]
            return bound_call(library, calls.variant.value, calls.arena_bytes, ends, parts)

        self._bind = bind if one_to_one and description.batched else None

    def one(self, parts: Parts) -> One | None:
        """Return the quickest call for one image of raw pixels where there is one; see `c_binding`."""
        return self._bind(parts) if self._bind else None

    def close(self) -> None:
        """Refuse further calls; the code stays in memory, since one may be under way."""
        self.run, self._bind = refuse_closed, None


class _Calls:
    """The library's functions, and memory for what is between the layers: an arena for each call at once.

    The `variant` is the most capable code in the library that this processor runs; `idle` are the arenas that
    no call uses, by their addresses as C has them.
    """

    def __init__(self, library: ctypes.CDLL, description: _Description, num_threads: int) -> None:
        variants, supports = library.edgemnist_variants, library.edgemnist_supports
        size_of, self._call = library.edgemnist_arena_bytes, library.edgemnist_run_many
        number, pointer, count = ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64
        variants.argtypes, variants.restype = (), number
        supports.argtypes, supports.restype = (number,), number
        size_of.argtypes, size_of.restype = (number,), count
        self._call.argtypes, self._call.restype = (number, pointer, count, pointer, pointer), None
        chosen = max(number for number in range(variants()) if number == 0 or supports(number))
        self.variant = ctypes.c_int32(chosen)
        self.idle: list[ctypes.c_void_p] = []
        self.arena_bytes = int(size_of(chosen))
        self._memory: list[Array] = []
        self._description, self._num_threads = description, num_threads
        self._helpers = ThreadPoolExecutor(num_threads - 1) if num_threads > 1 else None
        self._each_ns: float = 0

    def new_arena(self) -> ctypes.c_void_p:
        """Return another arena, for a call to give to `idle` afterwards."""
        memory = np.zeros(self.arena_bytes + 2 * _ALIGNMENT_BYTES, np.uint8)
        self._memory.append(memory)
        begin: int = memory.ctypes.data
        return ctypes.c_void_p(begin + -begin % _ALIGNMENT_BYTES)

    def run(self, batch: Any) -> Any:
        """Return the raw outputs for raw inputs, on several threads if that takes long."""
        description = self._description
        inputs = [np.ascontiguousarray(one) for one in (batch if len(description.inputs) > 1 else (batch,))]
        count = self._count(inputs)
        batch_axis = (count,) if description.batched else ()
        outputs: list[Array] = [
            np.empty(batch_axis + _sizes(end)[len(batch_axis) :], end.dtype) for end in description.outputs
        ]
        done = 0
        if self._helpers is not None and count > 1 and not self._each_ns:
            begin = perf_counter_ns()
            self._run_part(inputs, outputs, 0, 1)
            self._each_ns, done = perf_counter_ns() - begin, 1
        left = count - done
        if self._helpers is None or left * self._each_ns < _SHARED_NS:
            self._run_part(inputs, outputs, done, count)
        else:
            count_of_pieces = self._num_threads * _PIECES
            ends = [done + left * piece // count_of_pieces for piece in range(count_of_pieces + 1)]
            pieces = iter(list(pairwise(ends)))  # of a list, since that may be shared by threads

            def run_pieces(_: int) -> None:
                for begin, end in pieces:
                    self._run_part(inputs, outputs, begin, end)

            helped = self._helpers.map(run_pieces, range(1, self._num_threads))
            run_pieces(0)  # this thread has nothing better to do
            list(helped)
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def _run_part(self, inputs: Arrays, outputs: Arrays, begin: int, end: int) -> None:
        if begin == end:
            return
        try:
            arena = self.idle.pop()
        except IndexError:
            arena = self.new_arena()
        sides = (inputs, self._description.inputs), (outputs, self._description.outputs)
        pointers = [
            (ctypes.c_void_p * len(arrays))(
                *(one.ctypes.data + begin * _nbytes(end) for one, end in zip(arrays, ends, strict=True))
            )
            for arrays, ends in sides
        ]
        self._call(self.variant, pointers[0], end - begin, pointers[1], arena)
        self.idle.append(arena)

    def _count(self, inputs: Arrays) -> int:
        """Return how many calls inputs are; EngineError if they are not the model's."""
        ends, axes = self._description.inputs, int(self._description.batched)
        counts = {array.shape[0] if axes and array.ndim else 1 for array in inputs}
        fits = len(inputs) == len(ends) and all(
            array.dtype == end.dtype and array.shape[axes:] == end.shape[axes:]
            for array, end in zip(inputs, ends, strict=False)
        )
        if not fits or len(counts) != 1:
            expected = ", ".join(f"{end.dtype} {end.shape}" for end in self._description.batches(ends))
            raise EngineError(
                "the library cannot run such a batch",
                received=", ".join(f"{array.dtype} {array.shape}" for array in inputs) or "no array",
                expected=expected.replace("None", "N"),
            )
        return counts.pop()


def _sizes(end: TensorSpec) -> tuple[int, ...]:
    """Return the shape of one call's array, in which no axis is open."""
    return tuple(size or 0 for size in end.shape)


def _nbytes(end: TensorSpec) -> int:
    return math.prod(_sizes(end)) * np.dtype(end.dtype).itemsize


def _runner(library: ctypes.CDLL, description: _Description, calls: _Calls) -> Callable[[Array], Array]:
    """Return the engine's `run`: a closure, since at a microsecond a call even attributes cost.

    For the same reason one input goes in as bytes, and its answer comes out in memory of ctypes' own, of
    which an array is made afterwards: to get an array's address costs more than a small network, and so does
    the conversion of declared arguments.
    """
    one = library["edgemnist_one"]  # a function object of its own, without declared arguments
    one.restype = None
    (taken,), (given,) = description.inputs, description.outputs
    input_bytes, shape, dtype = _nbytes(taken), _sizes(given), np.dtype(given.dtype)
    new_memory = ctypes.c_uint8 * _nbytes(given)
    variant, many = calls.variant, calls.run
    take_arena, give_arena, new_arena = calls.idle.pop, calls.idle.append, calls.new_arena

    def run(batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        if batch.nbytes != input_bytes:
            outputs: Array = many(batch)
            return outputs
        try:
            arena = take_arena()
        except IndexError:
            arena = new_arena()
        memory: Any = new_memory()
        one(variant, batch.tobytes(), memory, arena)
        give_arena(arena)
        return np.ndarray(shape, dtype, memory)

    return run


def load(content: bytes, options: EngineOptions) -> CEngine:
    """Load a shared library that edgemnist compiled."""
    # Under a name that no other has, since the system's loader knows libraries by name.
    with private_copy(content, LIBRARY_SUFFIX) as copy:
        library = ctypes.CDLL(str(copy))
    version = ctypes.c_uint32.in_dll(library, "edgemnist_abi_version").value
    if version != ABI_VERSION:
        raise ArtifactError(
            "the library was compiled by another version of edgemnist",
            received=f"ABI version {version}",
            expected=ABI_VERSION,
            fix=COMPILE_HERE,
        )
    text = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "edgemnist_description")))
    description = msgspec.json.decode(text, type=_Description, strict=False)
    return CEngine(library, description, options.num_threads)
