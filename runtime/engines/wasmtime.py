"""A model as WebAssembly, in wasmtime: what `edgemnist export --format int8.wasm` makes, one call at a time.

WebAssembly is a sandbox: a module without imports can reach nothing but its own memory. So a stranger's is
run too, with limits on memory and time. A page with a module, `int8.html`, loads if this engine is asked for.
"""

import ctypes
import math
import threading
from typing import Any

import numpy as np
import wasmtime

from ..artifact.page_file import read_modules
from ..artifact.wasm_file import is_module, read_description
from ..errors import ArtifactError, EngineError, first_line
from ..tensors import TensorSpec
from .registry import Array, EngineOptions

KIND = "a model's WebAssembly module, or a page with one"
# The largest networks that are small enough for the web.
_MAX_MEMORY_BYTES = 1 << 30
_TICK_SECS, _TICKS = 1.0, 60  # of a call, which then ends with an error


class WasmtimeEngine:
    """A model in an instance of its own, which calls take in turns.

    Attributes:
        inputs: All inputs, of which `input` is the first.
        outputs: All outputs, of which `output` is the first.
    """

    def __init__(self, content: bytes) -> None:
        self._description = description = read_description(content)
        self.inputs = description.batches(description.inputs)
        self.outputs = description.batches(description.outputs)
        self.input, self.output = self.inputs[0], self.outputs[0]
        self.metadata = description.metadata
        self._lock = threading.Lock()
        config = wasmtime.Config()
        config.epoch_interruption = True
        engine = wasmtime.Engine(config)
        self._closed = threading.Event()
        threading.Thread(target=_tick, args=(engine, self._closed), daemon=True).start()
        self._store = wasmtime.Store(engine)
        self._store.set_limits(memory_size=_MAX_MEMORY_BYTES, instances=1, memories=1, tables=1)
        self._store.set_epoch_deadline(_TICKS)
        try:
            self._instantiate(wasmtime.Module(engine, content))
        except BaseException:
            self._closed.set()
            raise

    def _instantiate(self, module: wasmtime.Module) -> None:
        if module.imports:
            raise ArtifactError(
                "the module wants something from outside",
                received=", ".join(f"{one.module}.{one.name}" for one in module.imports)[:200],
                expected="a module without imports",
            )
        exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        self._memory, self._run = exports["memory"], exports["run"]
        inputs, outputs = self._description.inputs, self._description.outputs
        self._taken = [self._place(exports["input"], number, end) for number, end in enumerate(inputs)]
        self._given = [self._place(exports["output"], number, end) for number, end in enumerate(outputs)]

    def run(self, batch: Any) -> Any:
        """Return the raw outputs for raw inputs: arrays, or sequences of arrays where there are several."""
        description = self._description
        given = batch if len(description.inputs) > 1 else (batch,)
        inputs = [np.ascontiguousarray(array) for array in given]
        count = self._count(inputs)
        axis = (count,) if description.batched else (1,)
        rows = [array.reshape(*axis, -1).view(np.uint8) for array in inputs]
        outputs = [
            np.empty((*axis, *_sizes(end)[1:]) if description.batched else _sizes(end), end.dtype)
            for end in description.outputs
        ]
        answers = [array.reshape(*axis, -1).view(np.uint8) for array in outputs]
        with self._lock:
            for number in range(axis[0]):
                self._run_one([row[number] for row in rows], [row[number] for row in answers])
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def close(self) -> None:
        """Free the instance, once a call under way is done."""
        with self._lock:
            self._closed.set()

    def _run_one(self, inputs: list[Array], outputs: list[Array]) -> None:
        store = self._store
        if self._closed.is_set():
            raise EngineError("the engine is closed")
        store.set_epoch_deadline(_TICKS)
        base = self._base()
        for place, array in zip(self._taken, inputs, strict=True):
            ctypes.memmove(base + place, array.ctypes.data, array.nbytes)
        try:
            self._run(store)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise EngineError("the module failed", received=first_line(error)) from error
        base = self._base()  # which the module may have moved
        for place, array in zip(self._given, outputs, strict=True):
            ctypes.memmove(array.ctypes.data, base + place, array.nbytes)

    def _base(self) -> int:
        return ctypes.cast(self._memory.data_ptr(self._store), ctypes.c_void_p).value or 0

    def _place(self, where: Any, number: int, end: TensorSpec) -> int:
        """Return where the module has an input or output in its memory, which only grows."""
        place = where(self._store, number)
        size = math.prod(_sizes(end)) * np.dtype(end.dtype).itemsize
        available = self._memory.data_len(self._store)
        if not isinstance(place, int) or not 0 < place <= available - size:
            raise ArtifactError(
                f"the module has no memory for {end.name!r}",
                received=f"{size:,} bytes at {place}",
                expected=f"within {available:,} bytes",
            )
        return place

    def _count(self, inputs: list[Array]) -> int:
        description = self._description
        axes = 1 if description.batched else 0
        counts = {array.shape[0] if axes and array.ndim else 1 for array in inputs}
        fits = len(inputs) == len(description.inputs) and all(
            array.dtype == end.dtype and array.shape[axes:] == end.shape[axes:]
            for array, end in zip(inputs, description.inputs, strict=False)
        )
        if not fits or len(counts) != 1:
            raise EngineError(
                "the module cannot run such a batch",
                received=", ".join(f"{array.dtype} {array.shape}" for array in inputs) or "no array",
                expected=", ".join(f"{end.dtype} {end.shape}" for end in self.inputs).replace("None", "N"),
            )
        return counts.pop()


def load(content: bytes, _options: EngineOptions) -> WasmtimeEngine:
    """Load a module, or that of a page; there is one thread, whatever the options say."""
    return WasmtimeEngine(content if is_module(content) else read_modules(content)["simd"])


def _sizes(end: TensorSpec) -> tuple[int, ...]:
    """Return the shape of one call's array, in which no axis is open."""
    return tuple(size or 0 for size in end.shape)


def _tick(engine: wasmtime.Engine, closed: threading.Event) -> None:
    while not closed.wait(_TICK_SECS):
        engine.increment_epoch()
