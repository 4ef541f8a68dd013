"""`float32.onnx`: the model as it is, by tf2onnx."""

from . import onnx
from .options import Converted, ExportOptions
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:
    """Return the ONNX file.

    Raises:
        ConversionError: The converter failed.
    """
    proto = onnx.from_keras(source.taking_pixels(), options.opset)
    return Converted(onnx.finish(proto, source, "float32", options.opset))
