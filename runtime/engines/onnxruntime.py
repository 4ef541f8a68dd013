"""ONNX Runtime: `.onnx` files."""

import os
from collections.abc import Callable
from typing import Any

import onnxruntime

from ..errors import ArtifactError, OptionError
from ..tensors import TensorSpec, require_one
from .registry import Array, EngineOptions, Provider, refuse_closed

if os.environ["ORT_DISABLE_TELEMETRY"] == "1":
    onnxruntime.disable_telemetry_events()  # for programs that imported onnxruntime before this package

KIND = f"an ONNX model that onnxruntime {onnxruntime.__version__} can load"
_CPU = "CPUExecutionProvider"
_NATIVE_SESSION = "_sess"  # private, so not in every release
_LOG_ERRORS = 3
_OPTIMIZATIONS = {
    "disable": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}

_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
}


class OnnxRuntimeEngine:
    """A model in an `onnxruntime.InferenceSession`, which any number of threads may run at once."""

    def __init__(self, session: "onnxruntime.InferenceSession") -> None:
        self.input = require_one([_tensor(node) for node in session.get_inputs()])
        self.output = require_one([_tensor(node) for node in session.get_outputs()])
        self.metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        session_run, input_name, output_names = _native_run(session), self.input.name, [self.output.name]

        def run(batch: Array) -> Array:  # a closure, since at microseconds a call even attributes cost
            output: Array = session_run(output_names, {input_name: batch}, None)[0]
            return output

        self.run = run

    def close(self) -> None:
        """Free the session, once calls under way are done."""
        self.run = refuse_closed


def _native_run(session: onnxruntime.InferenceSession) -> Callable[..., Any]:
    """Return what `InferenceSession.run` wraps, or that itself in a release that wraps something else.

    The wrapper of onnxruntime 1.32 looks for WebGPU graph captures, missing inputs and tensors of other
    sessions: a call takes 1.12 times as long on the int8 artifact and 1.11 times on the float32 one. It may
    also fall back to other providers, which the CPU has not.
    """
    native: Callable[..., Any] | None = getattr(getattr(session, _NATIVE_SESSION, None), "run", None)
    if native is not None and session.get_providers() == [_CPU]:
        return native
    run: Callable[..., Any] = session.run
    return run


def load(content: bytes, options: EngineOptions) -> OnnxRuntimeEngine:
    """Load an ONNX model, for the CPU unless the options name other providers."""
    session = onnxruntime.InferenceSession(
        content, _session_options(options), providers=_providers(options.providers)
    )
    return OnnxRuntimeEngine(session)


def _session_options(options: EngineOptions) -> "onnxruntime.SessionOptions":
    chosen = options.session
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = options.num_threads
    session_options.inter_op_num_threads = 1
    session_options.graph_optimization_level = _OPTIMIZATIONS[chosen.graph_optimization]
    session_options.enable_cpu_mem_arena = chosen.memory_arena
    session_options.log_severity_level = _LOG_ERRORS
    spinning = str(int(chosen.spinning))
    config = {f"session.{kind}_op.allow_spinning": spinning for kind in ("intra", "inter")}
    for key, value in (config | dict(chosen.config)).items():
        try:
            session_options.add_session_config_entry(key, value)
        except Exception as error:  # as above
            raise OptionError(
                "a session option that ONNX Runtime refuses", received=f"{key!r}: {value!r} ({error})"
            ) from error
    return session_options


def _providers(wanted: tuple[Provider, ...]) -> list[str | tuple[str, dict[str, str]]]:
    """Return the providers for onnxruntime, which would only warn of one that it does not have."""
    available = onnxruntime.get_available_providers()
    named = [(one, {}) if isinstance(one, str) else one for one in wanted or (_CPU,)]
    for name, _ in named:
        if name not in available:
            raise OptionError(
                "an execution provider that this onnxruntime does not have",
                received=repr(name),
                expected=f"one of {', '.join(available)}",
                fix="Other providers come with other builds, such as onnxruntime-gpu.",
            )
    return [(name, dict(options)) for name, options in named]


def _tensor(node: "onnxruntime.NodeArg") -> TensorSpec:
    if node.type not in _DTYPES:
        raise ArtifactError(
            f"the tensor {node.name!r} has an unsupported type",
            received=node.type,
            expected=", ".join(_DTYPES),
        )
    shape = tuple(axis if isinstance(axis, int) else None for axis in node.shape)
    return TensorSpec(node.name, _DTYPES[node.type], shape)
