"""The export formats: one table that names them all, each a module of the same shape beside this one.

A new format is one module with a function `convert(source, options) -> bytes`, and one row in `FORMATS`.
"""

import importlib
from dataclasses import dataclass
from types import ModuleType

from ...benchmarks.gates import EXACT, FULL_INTEGER, Gates
from ...runtime.errors import OptionError
from ...runtime.structure import Structure
from ..source import Source
from .options import ExportOptions


@dataclass(frozen=True, slots=True)
class Format:
    """A row of `FORMATS`.

    Attributes:
        format: The file format, which is also the last part of the file's name.
        precision: The numbers inside it, the middle part of the file's name.
        gates: The parity it must keep.
        calibrated: Whether its conversion looks at calibration images.
    """

    format: str
    precision: str
    gates: Gates
    calibrated: bool = False

    @property
    def name(self) -> str:
        """What `--format` takes, such as "int8.tflite"."""
        return f"{self.precision}.{self.format}"

    def convert(self, source: Source, options: ExportOptions) -> bytes:
        """Return the artifact's content.

        Raises:
            ConversionError: The converter failed.
        """
        content: bytes = self._module().convert(source, options)
        return content

    def faults(self, structure: Structure) -> tuple[str, ...]:
        """Return a sentence for each way in which a finished file is not what this format promises."""
        faults: tuple[str, ...] = self._module().faults(structure)
        return faults

    def _module(self) -> ModuleType:
        return importlib.import_module(f".{self.format}_{self.precision}", __package__)


FORMATS = (
    Format("tflite", "float32", EXACT),
    Format("tflite", "int8", FULL_INTEGER, calibrated=True),
    Format("onnx", "float32", EXACT),
)
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
