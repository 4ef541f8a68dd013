"""The ORT formats: an ONNX file, optimized and saved for minimal builds of ONNX Runtime.

Beside the artifact goes `<model>.<precision>.required_operators.config`, for a minimal build's option
`--include_ops_by_config`. The optimizations are those for every CPU; what depends on the exporting machine's
(the NCHWc layout) stays out.
"""

import tempfile
from pathlib import Path

from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort

from ...runtime.errors import ConversionError
from ...runtime.process import quiet
from . import onnx, onnx_int8
from .options import Converted, ExportOptions
from .source import Source

_REQUIRED_OPERATORS = ".required_operators.config"


def float32(source: Source, options: ExportOptions) -> Converted:
    """Convert float32.onnx."""
    return _from_onnx(onnx.float32(source, options).content, f"{source.name}.float32")


def int8(source: Source, options: ExportOptions) -> Converted:
    """Convert int8.onnx."""
    return _from_onnx(onnx_int8.int8(source, options).content, f"{source.name}.int8")


def _from_onnx(content: bytes, name: str) -> Converted:
    """Return the ORT file of an ONNX file's bytes, and its list of required operators.

    Raises:
        ConversionError: The converter failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, f"{name}.onnx")
        source.write_bytes(content)
        try:
            with quiet():
                convert_onnx_models_to_ort(source, optimization_styles=[OptimizationStyle.Fixed])
            artifact = source.with_suffix(".ort").read_bytes()
            operators = source.with_suffix(_REQUIRED_OPERATORS).read_text(encoding="utf-8")
        except Exception as error:  # the converter raises errors of all types
            raise ConversionError("the ORT converter failed", received=error) from error
        return Converted(artifact, {_REQUIRED_OPERATORS: operators.replace(f"{folder}/", "").encode()})
