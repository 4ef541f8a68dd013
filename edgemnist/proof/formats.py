"""The artifact formats: what the files of each must contain, and how far their answers may differ.

`export.convert` adds the converters; nothing here needs TensorFlow.
"""

from dataclasses import dataclass

from ..runtime.engines.registry import ENGINES, EngineEntry
from ..runtime.errors import OptionError
from .format_spec import FormatSpec
from .tolerances import EXACT, FULL_INTEGER, ROUNDED, Tolerances

_INTEGERS = ("uint8", "int8", "int32")
_IO_INTEGERS = ("uint8", "int8")
_TFLITE, _TFLITE_PER_CHANNEL = "TensorFlow Lite 2.7.0", "TensorFlow Lite 2.10.0"
_ONNX = "ONNX Runtime 1.14"  # for the newest opset on offer; the default one, 13, needs 1.6, or 1.7 quantized
_ORT = "ONNX Runtime 1.16"
_C = "ISO C 1999"
_WASM = "WebAssembly 2.0"  # for SIMD128; the module beside it needs 1.0


@dataclass(frozen=True, slots=True)
class Format:
    """A row of `FORMATS`.

    Attributes:
        format: The file format, which is also the last part of the file's name.
        precision: The element type of its weights and arithmetic, the middle part of the file's name.
    """

    format: str
    precision: str
    summary: str
    tolerances: Tolerances
    spec: FormatSpec

    @property
    def name(self) -> str:
        """The value of `--format`, such as "int8.tflite"."""
        return self.format if self.format == "keras" else f"{self.precision}.{self.format}"

    def file_name(self, model: str) -> str:
        """Return the file name of this artifact of the model called `model`."""
        return f"{model}.{self.name}"

    @property
    def calibrated(self) -> bool:
        """Whether its conversion needs calibration images: it quantizes activations."""
        return self.precision in ("int8", "int16x8")

    @property
    def engine(self) -> EngineEntry:
        """The engine that runs its files."""
        suffix = f".{self.format}"
        return next(
            entry for entry in ENGINES.values() if suffix in entry.suffixes + entry.sources + entry.on_request
        )


_KERAS = FormatSpec("float32", None, ("float32",), contract=False)
_TFLITE_INT8 = FormatSpec("int8", _TFLITE_PER_CHANNEL, _IO_INTEGERS, _IO_INTEGERS, _INTEGERS)
_C_INT8 = FormatSpec("int8", _C, _IO_INTEGERS, _IO_INTEGERS, _INTEGERS)
_WASM_INT8 = FormatSpec("int8", _WASM, _IO_INTEGERS, _IO_INTEGERS, _INTEGERS)
FORMATS = (
    Format("keras", "float32", "the source model, floats in", EXACT, _KERAS),
    Format("tflite", "float32", "the model as it is", EXACT, FormatSpec("float32", _TFLITE)),
    Format("tflite", "float16", "float16 weights", ROUNDED, FormatSpec("float16", _TFLITE)),
    Format("tflite", "dynamic", "int8 weights, float activations", FULL_INTEGER, FormatSpec("int8", _TFLITE)),
    Format("tflite", "int8", "integers only, microcontrollers too", FULL_INTEGER, _TFLITE_INT8),
    Format("tflite", "int16x8", "int8 weights, int16 activations", FULL_INTEGER, FormatSpec("int8", _TFLITE)),
    Format("onnx", "float32", "the model as it is", EXACT, FormatSpec("float32", _ONNX)),
    Format("onnx", "float16", "float16 weights and arithmetic", ROUNDED, FormatSpec("float16", _ONNX)),
    Format("onnx", "int8", "static QDQ, per channel", FULL_INTEGER, FormatSpec("uint8", _ONNX)),
    Format("ort", "float32", "float32.onnx for minimal builds", EXACT, FormatSpec("float32", _ORT)),
    Format("ort", "int8", "int8.onnx for minimal builds", FULL_INTEGER, FormatSpec("uint8", _ORT)),
    Format("c", "int8", "int8.tflite as C99, no runtime at all", FULL_INTEGER, _C_INT8),
    Format("wasm", "int8", "WebAssembly and JavaScript, for the web", FULL_INTEGER, _WASM_INT8),
    Format("html", "int8", "a web page with the model and its proof", FULL_INTEGER, _WASM_INT8),
)
SOURCE = FORMATS[0]


def find_format(name: str) -> Format:
    """Return the format called `name`, such as "int8.tflite"; "tflite" alone means its float32 form."""
    found = next((row for row in FORMATS if name in (row.name, row.format)), None)
    if found is None:
        known = ", ".join(row.name for row in FORMATS)
        raise OptionError("unknown format", received=repr(name), expected=f"one of {known}")
    return found
