"""The converters: one module a format beside this one, each with a function `convert(source, options)`.

The table of formats is `proof.formats`; a module needs TensorFlow, and is imported when its format is converted.
"""

import importlib
from typing import TYPE_CHECKING

from ...proof.formats import FORMATS, SOURCE, Format, find_format

if TYPE_CHECKING:
    from .options import Converted, ExportOptions
    from .source_model import Source

__all__ = ["DEFAULT", "FORMATS", "INT8", "SOURCE", "Format", "convert", "find_format"]

DEFAULT = ("float32.tflite", "float32.onnx")
INT8 = "int8.tflite"


def convert(row: Format, source: "Source", options: "ExportOptions") -> "Converted":
    """Return the artifact's content.

    Raises:
        ConversionError: The converter failed.
    """
    module = importlib.import_module(f".{row.format}_{row.precision}", __package__)
    converted: Converted = module.convert(source, options)
    return converted
