"""The nodes of ONNX models, each made an output."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.tensors import require_one
from ...inspect.onnx import value_spec
from .trace import LayerOutput, Reals, Trace, parents_of, signature_in


def of_onnx(name: str, content: bytes) -> Trace:
    """Watch the nodes of an ONNX model, each run as it is written, none fused with another."""
    import onnx
    import onnxruntime

    model = onnx.load_model_from_string(content)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    dtypes = {each.name: each.type.tensor_type.elem_type for each in (*inferred.value_info, *inferred.output)}
    reals = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    nodes = [(node, output) for node in model.graph.node for output in node.output if output]
    watched = [(node, output) for node, output in nodes if dtypes.get(output) in reals]
    outputs = list(model.graph.output)
    given = require_one([value_spec(each, onnx) for each in outputs])
    named = {each.name for each in outputs}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=output) for _, output in watched if output not in named
    )
    constants = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in constants]
    taken = require_one([value_spec(each, onnx) for each in inputs])
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    wanted = [output for _, output in watched]

    def values(batch: NDArray[Any]) -> list[Reals]:
        return [np.asarray(each, np.float32) for each in session.run(wanted, {inputs[0].name: batch})]

    layers = tuple(LayerOutput(output, node.op_type) for node, output in watched)
    parents = parents_of((output, node.input, (node, output) in watched) for node, output in nodes)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return Trace(name, taken, given, signature_in(metadata), layers, parents, values)
