"""LiteRT, formerly TensorFlow Lite: `.tflite` files."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from msgspec.structs import replace

from ..artifact.tflite_file import metadata_of, require_tflite, spec_of_detail, unpack
from ..errors import EngineError
from ..process import usable_cpu_count
from ..tensors import TensorSpec, require_one
from .pool import Pool
from .registry import Array, EngineOptions, refuse_closed

KIND = "a TFLite model that LiteRT can load"


class LiteRtEngine:
    """A model in `ai_edge_litert.interpreter.Interpreter`s with their XNNPACK kernels.

    An interpreter is not safe to share between threads. Each call takes one from a pool, which makes another
    when all are in use, up to as many as the machine has cores for; a thread beyond that waits.
    `benchmarks/studies/speed/predictor.py` compares this with a lock.
    """

    def __init__(self, content: bytes, num_threads: int) -> None:
        def make() -> Interpreter:
            return Interpreter(model_content=content, num_threads=num_threads)

        interpreter = make()
        signature = interpreter.get_signature_list().get("serving_default", {})
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self.input = require_one([_tensor(detail, signature.get("inputs")) for detail in inputs])
        self.output = require_one([_tensor(detail, signature.get("outputs")) for detail in outputs])
        self._content = content
        limit = max(1, usable_cpu_count() // num_threads)
        pool = Pool(_calls_of(interpreter), lambda: _calls_of(make()), limit)
        self.run = _runner(pool, inputs[0]["index"], outputs[0]["index"])

    @cached_property
    def metadata(self) -> dict[str, str]:
        """Key-value texts found inside the file; read on demand, since the schema takes 30 ms to import."""
        from ai_edge_litert import schema_py_generated as schema

        return metadata_of(unpack(self._content, schema))

    def close(self) -> None:
        """Free the interpreters, once calls under way are done."""
        self.run = refuse_closed


# The batch size that an interpreter's tensors are allocated for, its calls to set, invoke and get, and the
# interpreter. A tuple, since unpacking one is cheaper than reading attributes.
_Calls = tuple[int, Callable[[int, Array], None], Callable[[], None], Callable[[int], Array], Interpreter]
_NATIVE_METHODS = ("SetTensor", "Invoke", "GetTensor", "ResizeInputTensor", "AllocateTensors")


def _native_of(interpreter: Interpreter) -> Any:
    """Return what `Interpreter` wraps, or None in a release that wraps something else.

    The wrapper of ai-edge-litert 2.3 looks for views into its tensors, which nobody has here: with it, a call
    takes 1.16 times as long on the int8 artifact and 1.08 times on the float32 one.
    """
    native = getattr(interpreter, "_interpreter", None)
    return native if all(hasattr(native, name) for name in _NATIVE_METHODS) else None


def _calls_of(interpreter: Interpreter, batch_size: int = 0) -> _Calls:
    native = _native_of(interpreter)
    if native is None:
        return batch_size, interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor, interpreter
    return batch_size, native.SetTensor, native.Invoke, native.GetTensor, interpreter


def _resized(interpreter: Interpreter, input_index: int, batch: Array) -> _Calls:
    """Return the interpreter's calls after its tensors are allocated for `batch`."""
    native = _native_of(interpreter)
    try:
        if native is None:
            interpreter.resize_tensor_input(input_index, batch.shape)
            interpreter.allocate_tensors()
        else:  # the wrapper refuses while the calls are kept
            native.ResizeInputTensor(input_index, np.array(batch.shape, np.int32), False)
            native.AllocateTensors()
    except (RuntimeError, ValueError) as error:
        raise EngineError("LiteRT cannot run this batch", received=f"shape {batch.shape}: {error}") from error
    return _calls_of(interpreter, len(batch))


def _runner(pool: Pool[_Calls], input_index: int, output_index: int) -> Callable[[Array], Array]:
    """Return the engine's `run`: a closure, since at microseconds a call even attributes cost."""
    take_idle, give = pool.idle.pop, pool.idle.append

    def run(batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        try:
            calls = take_idle()
        except IndexError:
            calls = pool.take()
        try:
            batch_size, set_tensor, invoke, get_tensor, interpreter = calls
            if len(batch) != batch_size:
                calls = _calls_of(interpreter)  # of batch size 0: to be allocated again if this fails halfway
                calls = _resized(interpreter, input_index, batch)
            set_tensor(input_index, batch)
            invoke()
            return get_tensor(output_index)
        finally:
            give(calls)
            if pool.waiting:
                pool.hand_over()

    return run


def load(content: bytes, options: EngineOptions) -> LiteRtEngine:
    """Load a TFLite model for the CPU."""
    require_tflite(content)
    return LiteRtEngine(content, options.num_threads)


def _tensor(detail: dict[str, Any], signature_names: list[str] | None) -> TensorSpec:
    spec = spec_of_detail(detail)
    return replace(spec, name=signature_names[0]) if signature_names else spec
