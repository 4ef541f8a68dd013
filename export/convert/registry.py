"""The export formats: one table that names them all, each a module of the same shape beside this one.

A new format is one module with a function `convert(source, options) -> Converted`, and one row in
`FORMATS`. The table itself needs no TensorFlow; a module does, and is imported when its format is
converted.
"""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...proof.format_spec import FormatSpec
from ...proof.tolerances import EXACT, FULL_INTEGER, ROUNDED, Tolerances
from ...runtime.engines.registry import ENGINES, EngineEntry
from ...runtime.errors import OptionError

if TYPE_CHECKING:
    from .options import Converted, ExportOptions
    from .source_model import Source

_INTEGERS = ("uint8", "int8", "int32")
_IO_INTEGERS = ("uint8", "int8")
_TFLITE, _TFLITE_PER_CHANNEL = "TensorFlow Lite 2.7.0", "TensorFlow Lite 2.10.0"
_ONNX = "ONNX Runtime 1.14"  # for the newest opset on offer; the default one, 13, needs 1.6, or 1.7 quantized
_ORT = "ONNX Runtime 1.16"
_C = "ISO C 1999"


@dataclass(frozen=True, slots=True)
class Format:
    """A row of `FORMATS`.

    Attributes:
        format: The file format, which is also the last part of the file's name.
        precision: The numbers inside it, the middle part of the file's name.
        summary: What it is, in a few words.
        gates: The parity it must keep.
        promise: What its files contain.
        calibrated: Whether its conversion looks at calibration images.
    """

    format: str
    precision: str
    summary: str
    gates: Tolerances
    promise: FormatSpec
    calibrated: bool = False

    @property
    def name(self) -> str:
        """What `--format` takes, such as "int8.tflite"."""
        return self.format if self.format == "keras" else f"{self.precision}.{self.format}"

    def file_name(self, model: str) -> str:
        """Return what the artifact of the model called `model` is called."""
        return f"{model}.{self.name}"

    @property
    def engine(self) -> EngineEntry:
        """The engine that runs its files."""
        suffix = f".{self.format}"
        return next(entry for entry in ENGINES.values() if suffix in entry.suffixes + entry.sources)

    @contextmanager
    def runnable(self, path: Path, built: Path | None = None) -> Iterator[Mapping[Path, str | None]]:
        """Yield the files by which an artifact is run: itself, or libraries compiled of it.

        With each goes the sha256 that it has to have, where that is known.

        Args:
            path: The artifact; if it has to be compiled, C that the caller has generated.
            built: A library that was compiled of it before.

        Raises:
            MissingCompilerError: It has to be compiled, and there is neither a C compiler nor a library.
            ConversionError: The compiler failed.
        """
        if path.suffix not in self.engine.sources:
            yield {path: None}
            return
        from ..codegen.compiler import libraries

        with libraries(path, built) as found:
            yield found

    def convert(self, source: "Source", options: "ExportOptions") -> "Converted":
        """Return the artifact's content.

        Raises:
            ConversionError: The converter failed.
        """
        module = importlib.import_module(f".{self.format}_{self.precision}", __package__)
        converted: Converted = module.convert(source, options)
        return converted


FORMATS = (
    Format(
        "keras",
        "float32",
        "the source model, floats in",
        EXACT,
        FormatSpec("float32", None, ("float32",), contract=False),
    ),
    Format("tflite", "float32", "the model as it is", EXACT, FormatSpec("float32", _TFLITE)),
    Format("tflite", "float16", "float16 weights", ROUNDED, FormatSpec("float16", _TFLITE)),
    Format("tflite", "dynamic", "int8 weights, float activations", FULL_INTEGER, FormatSpec("int8", _TFLITE)),
    Format(
        "tflite",
        "int8",
        "integers only, microcontrollers too",
        FULL_INTEGER,
        FormatSpec("int8", _TFLITE_PER_CHANNEL, _IO_INTEGERS, _IO_INTEGERS, tensors=_INTEGERS),
        calibrated=True,
    ),
    Format(
        "tflite",
        "int16x8",
        "int8 weights, int16 activations",
        FULL_INTEGER,
        FormatSpec("int8", _TFLITE),
        calibrated=True,
    ),
    Format("onnx", "float32", "the model as it is", EXACT, FormatSpec("float32", _ONNX)),
    Format("onnx", "float16", "float16 weights and arithmetic", ROUNDED, FormatSpec("float16", _ONNX)),
    Format(
        "onnx", "int8", "static QDQ, per channel", FULL_INTEGER, FormatSpec("uint8", _ONNX), calibrated=True
    ),
    Format("ort", "float32", "float32.onnx for minimal builds", EXACT, FormatSpec("float32", _ORT)),
    Format(
        "ort",
        "int8",
        "int8.onnx for minimal builds",
        FULL_INTEGER,
        FormatSpec("uint8", _ORT),
        calibrated=True,
    ),
    Format(
        "c",
        "int8",
        "int8.tflite as C99, no runtime at all",
        FULL_INTEGER,
        FormatSpec("int8", _C, _IO_INTEGERS, _IO_INTEGERS, tensors=_INTEGERS),
        calibrated=True,
    ),
)
SOURCE = FORMATS[0]
DEFAULT = ("float32.tflite", "float32.onnx")
INT8 = "int8.tflite"


def find_format(name: str) -> Format:
    """Return the format called `name`, such as "int8.tflite"; "tflite" alone means its float32 form.

    Raises:
        OptionError: There is no such format.
    """
    for row in FORMATS:
        if name in (row.name, row.format):
            return row
    raise OptionError(
        "unknown format", received=repr(name), expected=f"one of {', '.join(row.name for row in FORMATS)}"
    )
