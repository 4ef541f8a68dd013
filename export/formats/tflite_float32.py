"""`float32.tflite`: the model as it is."""

from ..source import Source
from . import tflite
from .options import ExportOptions

faults = tflite.faults


def convert(source: Source, options: ExportOptions) -> bytes:  # noqa: ARG001 - every exporter has this shape
    """Return the TFLite file's content.

    Raises:
        ConversionError: The converter failed.
    """
    return tflite.run(tflite.converter_for(source.taking_pixels(), "TFLITE_BUILTINS"))
