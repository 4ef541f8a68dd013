"""`float16.onnx`: float16 weights and arithmetic, half the size; float32 probabilities as in every artifact.

Where a CPU has no float16 kernels, ONNX Runtime computes these nodes in float32.
"""

from onnxruntime.transformers.float16 import convert_float_to_float16

from . import onnx
from .options import Converted, ExportOptions
from .quiet import quiet
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:
    """Return the ONNX file.

    Raises:
        ConversionError: The converter failed.
    """
    proto = onnx.from_keras(source.taking_pixels(), options.opset)
    with quiet():
        proto = convert_float_to_float16(proto, keep_io_types=True)
    return Converted(onnx.finish(proto, source, "float16", options.opset))
