"""The converters: for each of `proof.formats.FORMATS`, the function that makes its files.

A new format is one row there, one here, and one function in the module of its converter's family.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from ...proof.formats import Format, find_format
from . import c, onnx, onnx_int8, ort, tflite
from .options import Converted, ExportOptions
from .source import Source

Convert = Callable[[Source, ExportOptions], Converted]
"""Raises ConversionError where the converter fails."""

CONVERTERS: Mapping[str, Convert] = MappingProxyType(
    {
        "keras": lambda source, _: Converted(source.read()),
        "float32.tflite": tflite.float32,
        "float16.tflite": tflite.float16,
        "dynamic.tflite": tflite.dynamic,
        "int8.tflite": tflite.int8,
        "int16x8.tflite": tflite.int16x8,
        "float32.onnx": onnx.float32,
        "float16.onnx": onnx.float16,
        "int8.onnx": onnx_int8.int8,
        "float32.ort": ort.float32,
        "int8.ort": ort.int8,
        "int8.c": c.int8,
    }
)
# A file that `verify` can only prove from the one it is made of, which therefore joins its set.
MADE_OF: Mapping[str, str] = MappingProxyType({"int8.c": "int8.tflite"})


def convert(row: Format, source: Source, options: ExportOptions) -> Converted:
    """Return the content of an artifact.

    Raises:
        ConversionError: The converter failed.
    """
    return CONVERTERS[row.name](source, options)


def with_origins(rows: Iterable[Format]) -> tuple[Format, ...]:
    """Return the formats without repetition, before each what it is made of, with the same tolerances."""
    chosen = {row.name: row for row in rows}
    ordered: dict[str, Format] = {}
    for name, row in chosen.items():
        if name in MADE_OF and MADE_OF[name] not in chosen:
            origin = replace(find_format(MADE_OF[name]), tolerances=row.tolerances)
            ordered[origin.name] = origin
        ordered[name] = row
    return tuple(ordered.values())
