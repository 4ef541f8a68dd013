"""`float32.tflite`: the model as it is."""

from ..source import Source
from . import tflite
from .options import Converted, ExportOptions


def convert(source: Source, options: ExportOptions) -> Converted:  # noqa: ARG001 - every exporter has this shape
    """Return the TFLite file.

    Raises:
        ConversionError: The converter failed.
    """
    converter = tflite.converter_for(source.taking_pixels(), "TFLITE_BUILTINS")
    return Converted(tflite.finish(tflite.run(converter), source, "float32"))
