"""`int8.ort`: `int8.onnx` in ONNX Runtime's own format."""

from . import onnx_int8, ort
from .options import Converted, ExportOptions
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:
    """Return the ORT file and its list of required operators.

    Raises:
        ConversionError: The converter failed.
    """
    return ort.from_onnx(onnx_int8.convert(source, options).content, f"{source.name}.int8")
