"""The format int8.onnx: static QDQ quantization per channel by ONNX Runtime.

Its calibration items are TFLite's. The quantizer gets the float-input form of the model. Where the file of an
image model begins by quantizing the image to what a uint8 pixel is already, that node is removed and the
input is pixels as they are; where no step of a quantization is one pixel, the image is cast and scaled in
floats. The quantizer also quantizes the logits for a softmax of floats; that pair of nodes is removed too,
and ONNX Runtime fuses the last layer into one with float output. Features stay floats until the first layer.

Weights are uint8 around 128. int8 weights against uint8 activations overflow 16 bits in ONNX Runtime's AVX2
kernels, on every x86 CPU without VNNI: agreement 99.6 %, a probability off by 0.9 (onnxruntime's document
"Quantize ONNX models", section on U8S8 and `reduce_range`).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ...runtime.errors import ConversionError
from ...runtime.process import quiet
from .onnx import finish, from_keras
from .options import Converted, ExportOptions
from .source import Form, Source

# Relu is among them so that the layer before it is quantized by what comes out of it.
_QUANTIZED_OPERATORS = ["MatMul", "Gemm", "Conv", "Relu"]
# Their output is their input, in another order or shape.
_MOVING_OPERATORS = ("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity")
Batch = dict[str, NDArray[Any]]


def int8(source: Source, options: ExportOptions) -> Converted:
    """Quantize the model.

    Raises:
        ConversionError: The converter failed.
    """
    form = source.quantizer_form()
    if form.pixel is None:
        form = source.raw_form()
    proto = from_keras(form.model, options.opset)
    try:
        with quiet():
            proto = _quantize(proto, _batches(source, form), form.pixel)
    except Exception as error:  # the quantizer raises errors of all types
        raise ConversionError("ONNX Runtime's quantizer failed", received=error) from error
    if form.pixel is not None:
        _remove_quantized_image(proto, form.pixel)
    _remove_quantized_logits(proto)
    return Converted(finish(proto, source, "int8", form.signature, options.opset))


def _batches(source: Source, form: Form) -> Iterator[Batch]:
    """Yield what the form's input gets for the calibration items: all at once, or as the batch is fixed."""
    spec, items = form.signature.input, source.calibration.inputs
    inputs = items if form.pixel is None else spec.scaled(items)
    size = source.batch or len(inputs)
    for start in range(0, len(inputs) - size + 1, size):
        yield {spec.name: inputs[start : start + size]}


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """The calibration items."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches

    def get_next(self) -> Batch | None:
        """Return the next batch by input name, or None after the last."""
        return next(self._batches, None)


def _quantize(proto: Any, batches: Iterator[Batch], pixel: tuple[float, int] | None) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        converted, prepared, quantized = (Path(folder, name) for name in ("a.onnx", "b.onnx", "c.onnx"))
        onnx.save(proto, converted)
        quant_pre_process(converted, prepared, skip_symbolic_shape=True)  # the symbolic part needs sympy
        overrides = {}
        if pixel is not None:  # what a pixel is, however bright the calibration images are
            image = _image_to_quantize(onnx.load(prepared).graph)
            overrides = {image: [dict(zip(("scale", "zero_point"), _arrays(pixel), strict=True))]}
        quantize_static(
            prepared,
            quantized,
            _Batches(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_QUANTIZED_OPERATORS,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QUInt8,
            extra_options={"TensorQuantOverrides": overrides},
        )
        return onnx.load(quantized)


def _image_to_quantize(graph: Any) -> str:
    """Return the tensor that holds the image's pixels when the first operator computes with them."""
    name: str = graph.input[0].name
    while True:
        users = [node for node in graph.node if name in node.input]
        if len(users) != 1 or users[0].op_type not in _MOVING_OPERATORS:
            return name
        name = users[0].output[0]


def _arrays(pixel: tuple[float, int]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    scale, zero_point = pixel
    return np.array(scale, np.float32), np.array(zero_point, np.uint8)


def _remove_quantized_image(proto: Any, pixel: tuple[float, int]) -> None:
    """Remove the node that quantizes the image, so that its uint8 output becomes the input.

    Raises:
        ConversionError: That node does more than to undo the scaling of pixels.
    """
    graph = proto.graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    image = _image_to_quantize(graph)
    quantizing = [node for node in graph.node if image in node.input]
    found = [(node.op_type, *(constants.get(name) for name in node.input[1:])) for node in quantizing]
    scale, zero_point = _arrays(pixel)
    if found != [("QuantizeLinear", scale, zero_point)]:
        raise ConversionError(
            "ONNX Runtime's quantizer does not quantize the image to its pixels",
            received="; ".join(f"{kind} with {values}" for kind, *values in found),
            expected=f"QuantizeLinear alone, with scale {scale} and zero point {zero_point}",
        )
    (quantize,) = quantizing
    _bypass(graph, quantize, quantize.input[0])
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8


def _remove_quantized_logits(proto: Any) -> None:
    """Remove the pair of nodes that quantizes what goes into a softmax."""
    graph = proto.graph
    made_by = {name: node for node in graph.node for name in node.output}
    for softmax in [node for node in graph.node if node.op_type == "Softmax"]:
        dequantize = made_by.get(softmax.input[0])
        if dequantize is not None and dequantize.op_type == "DequantizeLinear":
            quantize = made_by[dequantize.input[0]]
            _bypass(graph, dequantize, quantize.input[0])
            graph.node.remove(quantize)
    used = {name for node in graph.node for name in node.input}
    unused = [tensor for tensor in graph.initializer if tensor.name not in used]
    for tensor in unused:
        graph.initializer.remove(tensor)


def _bypass(graph: Any, node: Any, name: str) -> None:
    """Remove a node, and have those that used its output use the tensor `name`."""
    for other in graph.node:
        for position, used in enumerate(other.input):
            if used == node.output[0]:
                other.input[position] = name
    graph.node.remove(node)
