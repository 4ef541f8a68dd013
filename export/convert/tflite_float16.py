"""`float16.tflite`: weights stored as float16, half the size; the device computes in float32 or float16."""

from ..backend import tf
from . import tflite
from .options import Converted, ExportOptions
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:  # noqa: ARG001 - every exporter has this shape
    """Return the TFLite file.

    Raises:
        ConversionError: The converter failed.
    """
    converter = tflite.converter_for(source.taking_pixels(), "TFLITE_BUILTINS")
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return Converted(tflite.finish(tflite.run(converter), source, "float16"))
