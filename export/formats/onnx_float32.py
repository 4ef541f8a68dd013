"""`float32.onnx`: the model as it is, by tf2onnx.

`tf2onnx.convert.from_keras` raises KeyError on a Keras 3 Sequential (tf2onnx 1.17, tensorflow-onnx #2348),
so the model goes through a `tf.function`.
"""

from typing import Any

from ...runtime.errors import ConversionError
from ...runtime.structure import Structure
from ..backend import tf
from ..quiet import quiet
from ..source import INPUT_NAME, Source
from .options import ExportOptions

_BATCH = "batch"


def convert(source: Source, options: ExportOptions) -> bytes:
    """Return the ONNX file's content.

    Raises:
        ConversionError: The converter failed.
    """
    import onnx
    import tf2onnx

    model = source.taking_pixels()
    signature = [tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype, name=INPUT_NAME)]
    try:
        with quiet():
            proto, _ = tf2onnx.convert.from_function(
                tf.function(model, input_signature=signature),
                signature,
                opset=options.opset,
            )
        _name_batch(proto.graph)
        proto.graph.name = source.name
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # tf2onnx and onnx raise errors of all types
        raise ConversionError("the ONNX converter failed", received=error) from error
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def faults(structure: Structure) -> tuple[str, ...]:
    """Return a sentence for each way in which a file is not what every ONNX artifact promises."""
    found = [
        f"operator {operator.name} is no standard one"
        for operator in structure.operators
        if not operator.builtin
    ]
    for role, tensors in (("input", structure.inputs), ("output", structure.outputs)):
        if [tensor.shape[:1] for tensor in tensors] != [(None,)]:
            found.append(f"its {role} is not one tensor with a dynamic batch")
    return tuple(found)


def _name_batch(graph: Any) -> None:
    """Call the batch axis of inputs and outputs by its name; tf2onnx numbers it, as in `unk__20`."""
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = _BATCH
    del graph.value_info[:]
