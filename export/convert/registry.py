"""The converters: for each of `proof.formats.FORMATS`, the function that makes its files.

A new format is one row there, one here, and one function in the module of its converter's family.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from ...proof.formats import Format, find_format
from ...runtime.artifact.keras.hdf5 import SIGNATURE
from ...runtime.engines.registry import LIBRARY_SUFFIX
from ..codegen.arithmetic.fixed_point import Match
from ..codegen.artifact import choose_samples, make_c, spec_of
from ..codegen.compiler import compiled
from ..codegen.graph.importing import read_graph
from ..web.artifact import files_of
from ..web.compiler import find_web_compiler, require_engine
from ..web.modules import make_modules
from . import onnx, onnx_int8, ort, tflite
from .options import Converted, ExportOptions
from .source import Source

Convert = Callable[[Source, ExportOptions], Converted]
"""Raises ConversionError where the converter fails."""


def int8_c(source: Source, options: ExportOptions) -> Converted:
    """Return int8.tflite as C, with its header, a self-test, and what the shared library is made of.

    Raises:
        ConversionError: There is no C for what the model computes, or the C compiler is missing or failed.
    """
    # Of the very file that int8.tflite becomes, so that both can lie side by side and prove each other.
    content = tflite.int8(source, options).content
    tensor = spec_of(read_graph(content).inputs[0], batched=True)
    inputs = source.quantizer_form().signature.input.encode(source.calibration.inputs, tensor)
    generated = make_c(content, source.name, samples=choose_samples(content, inputs))
    files = dict(generated.files)
    if options.compile:
        files |= {LIBRARY_SUFFIX: compiled(f"{source.name}.int8", files)}
    return Converted(files.pop(".c"), files, generated.structure)


def int8_web(source: Source, options: ExportOptions, *, is_page: bool) -> Converted:
    """Return the WebAssembly of int8.tflite, and for int8.wasm what lies beside it.

    Raises:
        ConversionError: There is no C for what the model computes, or no compiler or engine of WebAssembly.
    """
    require_engine()
    content = tflite.int8(source, options).content
    modules = make_modules(content, source.name, Match.LITERT, find_web_compiler())
    files = {} if is_page else files_of(modules)
    files.pop(".wasm", None)
    return Converted(b"", files, modules=modules)


def keras_file(source: Source, _options: ExportOptions) -> Converted:
    """Return the model as it is; of a legacy HDF5 file as this version of Keras saves it."""
    content = source.read()
    if not content.startswith(SIGNATURE):
        return Converted(content)
    with TemporaryDirectory(prefix="edgemnist-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "model.keras")
        source.model.save(path)
        return Converted(path.read_bytes())


CONVERTERS: Mapping[str, Convert] = MappingProxyType(
    {
        "keras": keras_file,
        "float32.tflite": tflite.float32,
        "float16.tflite": tflite.float16,
        "dynamic.tflite": tflite.dynamic,
        "int8.tflite": tflite.int8,
        "mixed.tflite": tflite.mixed,
        "int16x8.tflite": tflite.int16x8,
        "float32.onnx": onnx.float32,
        "float16.onnx": onnx.float16,
        "int8.onnx": onnx_int8.int8,
        "float32.ort": ort.float32,
        "int8.ort": ort.int8,
        "int8.c": int8_c,
        "int8.wasm": partial(int8_web, is_page=False),
        "int8.html": partial(int8_web, is_page=True),
    }
)
# A file that `verify` can only prove from the one it is made of, which therefore joins its set.
MADE_OF: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("int8.c", "int8.wasm", "int8.html"), "int8.tflite")
)


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
