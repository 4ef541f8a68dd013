"""ONNX Runtime: `.onnx` files."""

from pathlib import Path

import onnxruntime

from ..errors import ArtifactError
from ..tensors import TensorSpec
from . import Array, EngineOptions

_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
}


class OnnxRuntimeEngine:
    """A model in an `onnxruntime.InferenceSession` on the CPU."""

    def __init__(self, session: "onnxruntime.InferenceSession") -> None:
        self.input = _tensor(session.get_inputs())
        self.output = _tensor(session.get_outputs())
        self.metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self._run = session.run
        self._output_names = [self.output.name]
        self._input_name = self.input.name

    def run(self, batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        output: Array = self._run(self._output_names, {self._input_name: batch})[0]
        return output

    def close(self) -> None:
        """Free the session."""
        del self._run


def load(path: Path, options: EngineOptions) -> OnnxRuntimeEngine:
    """Load an ONNX model for the CPU."""
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = options.num_threads
    session_options.inter_op_num_threads = 1
    spinning = str(int(options.spinning))
    session_options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    session_options.add_session_config_entry("session.inter_op.allow_spinning", spinning)
    session_options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), session_options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's exceptions share no base below Exception
        raise ArtifactError(
            f"{path.name} is not an ONNX model that onnxruntime {onnxruntime.__version__} can load",
            received=str(error).strip().splitlines()[0],
        ) from error
    return OnnxRuntimeEngine(session)


def _tensor(nodes: "list[onnxruntime.NodeArg]") -> TensorSpec:
    if len(nodes) != 1:
        raise ArtifactError(
            "the model does not keep the artifact contract",
            received=f"{len(nodes)} tensors ({', '.join(node.name for node in nodes)})",
            expected="one input and one output",
        )
    node = nodes[0]
    if node.type not in _DTYPES:
        raise ArtifactError(
            f"the tensor {node.name!r} has an unsupported type",
            received=node.type,
            expected=", ".join(_DTYPES),
        )
    shape = tuple(axis if isinstance(axis, int) else None for axis in node.shape)
    return TensorSpec(node.name, _DTYPES[node.type], shape)
