"""`float32.tflite`: the model as it is."""

from . import tflite
from .options import Converted, ExportOptions
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:  # noqa: ARG001 - every exporter has this shape
    """Return the TFLite file.

    Raises:
        ConversionError: The converter failed.
    """
    converter = tflite.converter_for(source.taking_pixels(), "TFLITE_BUILTINS")
    return Converted(tflite.finish(tflite.run(converter), source, "float32"))
