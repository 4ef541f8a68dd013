"""`int16x8.tflite`: int16 activations, int8 weights; nearly float accuracy in integer arithmetic.

The quantizer knows no CAST, so it cannot take the model that begins with uint8 pixels (TensorFlow 2.21). It
gets the float-input form, and the two operators that turn pixels into floats are put in front of the
result. One scale for a whole weight matrix, for the reason given in `tflite_dynamic`: it costs nothing, and
TensorFlow Lite 2.7 runs it.
"""

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..backend import tf
from . import tflite
from .options import Converted, ExportOptions
from .source_model import Source
from .tflite_int8 import representative_dataset

_OPERATORS = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"


def convert(source: Source, options: ExportOptions) -> Converted:  # noqa: ARG001 - every exporter has this shape
    """Return the TFLite file.

    Raises:
        ConversionError: The converter failed.
    """
    converter = tflite.converter_for(source.taking_floats(), _OPERATORS)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: representative_dataset(source)
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
    model = tflite.run(converter)
    _take_pixels(model)
    return Converted(tflite.finish(model, source, "int16x8"))


def _take_pixels(model: Any) -> None:
    """Put `image / 255` in front of a model that takes floats, so that it takes uint8."""
    graph = model.subgraphs[0]
    types, operators = schema.TensorType, schema.BuiltinOperator
    floats = int(graph.inputs[0])
    pixels = _add_tensor(model, "pixels", floats, types.UINT8)
    cast = _add_tensor(model, "cast", floats, types.FLOAT32)
    scale = _add_tensor(model, "scale", None, types.FLOAT32, np.float32(1 / 255).tobytes())
    to_float = schema.CastOptionsT()
    to_float.inDataType, to_float.outDataType = types.UINT8, types.FLOAT32
    graph.operators[:0] = [
        _operator(model, operators.CAST, [pixels], cast, schema.BuiltinOptions.CastOptions, to_float),
        _operator(
            model,
            operators.MUL,
            [cast, scale],
            floats,
            schema.BuiltinOptions.MulOptions,
            schema.MulOptionsT(),
        ),
    ]
    graph.inputs = np.array([pixels], np.int32)
    for signature in model.signatureDefs:
        signature.inputs[0].tensorIndex = pixels


def _add_tensor(model: Any, name: str, like: int | None, dtype: int, content: bytes | None = None) -> int:
    """Add a tensor of another one's shape, or a scalar, and return its number."""
    tensors = model.subgraphs[0].tensors
    tensor = schema.TensorT() if like is None else copy.copy(tensors[like])
    tensor.name, tensor.type, tensor.quantization = name.encode(), dtype, None
    tensor.shape = np.array([], np.int32) if like is None else tensor.shape
    tensor.buffer = 0 if content is None else tflite.add_buffer(model, content)
    tensors.append(tensor)
    return len(tensors) - 1


def _operator(
    model: Any, builtin: int, inputs: list[int], output: int, options_type: int, options: Any
) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    operator.builtinOptionsType, operator.builtinOptions = options_type, options
    return operator
