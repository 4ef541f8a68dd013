"""The artifact formats: what the files of each must contain, and how far their answers may differ.

`export.convert` adds the converters; nothing here needs TensorFlow.
"""

from dataclasses import dataclass

from ..runtime.engines.registry import ENGINES, EngineEntry
from ..runtime.errors import unknown
from .format_spec import FormatSpec
from .tolerances import EXACT, QUANTIZED, ROUNDED, Tolerances


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
        return self.precision in ("int8", "int16x8", "mixed")

    @property
    def engine(self) -> EngineEntry:
        """The engine that runs its files."""
        suffix = f".{self.format}"
        return next(
            entry for entry in ENGINES.values() if suffix in entry.suffixes + entry.sources + entry.on_request
        )


_FLOAT, _HALF = FormatSpec("float32"), FormatSpec("float16")
_INTEGERS, _QDQ = FormatSpec("int8", full_integer=True), FormatSpec("uint8")
_DYNAMIC = FormatSpec("int8", small_weights="float32")
FORMATS = (
    Format("keras", "float32", "the source model, floats in", EXACT, FormatSpec("float32", contract=False)),
    Format("tflite", "float32", "the model as it is", EXACT, _FLOAT),
    Format("tflite", "float16", "float16 weights", ROUNDED, _HALF),
    Format("tflite", "dynamic", "int8 weights, float activations", QUANTIZED, _DYNAMIC),
    Format("tflite", "int8", "integers only, microcontrollers too", QUANTIZED, _INTEGERS),
    Format("tflite", "int16x8", "int8 weights, int16 activations", QUANTIZED, FormatSpec("int8")),
    Format("onnx", "float32", "the model as it is", EXACT, _FLOAT),
    Format("onnx", "float16", "float16 weights and arithmetic", ROUNDED, _HALF),
    Format("onnx", "int8", "static QDQ, per channel", QUANTIZED, _QDQ),
    Format("ort", "float32", "float32.onnx for minimal builds", EXACT, _FLOAT),
    Format("ort", "int8", "int8.onnx for minimal builds", QUANTIZED, _QDQ),
    Format("c", "int8", "int8.tflite as C99, no runtime at all", QUANTIZED, _INTEGERS),
    Format("wasm", "int8", "WebAssembly and JavaScript, for the web", QUANTIZED, _INTEGERS),
    Format("html", "int8", "a web page with the model and its proof", QUANTIZED, _INTEGERS),
)
SOURCE = FORMATS[0]
# Made only on request, since somebody has to choose the layers that stay float, or the accuracy.
MIXED = Format(
    "tflite", "mixed", "int8 but for layers that stay float", QUANTIZED, FormatSpec("int8", or_float32=True)
)
KNOWN_FORMATS = (*FORMATS, MIXED)


def find_format(name: str) -> Format:
    """Return the format called `name`, such as "int8.tflite"; "tflite" alone means its float32 form."""
    found = next((row for row in KNOWN_FORMATS if name in (row.name, row.format)), None)
    if found is None:
        raise unknown("format", name, (row.name for row in FORMATS))
    return found
