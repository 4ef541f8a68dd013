"""The options of the converters, and what they return."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...proof.inspect.structure import Structure
from ...runtime.errors import OptionError
from .activation_ranges import Calibrator

if TYPE_CHECKING:
    from ..web.modules import Modules

OPSETS = range(13, 19)
IO_DTYPES = ("uint8", "int8")
DEFAULT = ("float32.tflite", "float32.onnx")
INT8 = "int8.tflite"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a user may choose beyond the format.

    Attributes:
        opset: The ONNX opset, 13 to 18; it decides the oldest runtime that loads the file.
        io: Input and output of int8.tflite: "uint8", pixels as they are, or "int8", pixels minus 128, as
            microcontrollers and accelerators want them.
        compile: Whether a shared library for this machine goes beside int8.c.
        calibrator: How int8.tflite and mixed.tflite choose the ranges of activations.
        keep_float: The layers that stay float in mixed.tflite, by their names in Keras or in TFLite.
        auto_drop: How much accuracy mixed.tflite may lose; the layers that must stay float for that are
            searched. None searches none.
    """

    opset: int = OPSETS[0]
    io: str = IO_DTYPES[0]
    compile: bool = False
    calibrator: Calibrator = field(default_factory=Calibrator)
    keep_float: tuple[str, ...] = ()
    auto_drop: float | None = None

    def __post_init__(self) -> None:
        if self.opset not in OPSETS:
            raise OptionError(
                "unsupported opset", received=self.opset, expected=f"{OPSETS[0]} to {OPSETS[-1]}"
            )
        if self.io not in IO_DTYPES:
            raise OptionError(
                "unsupported input and output type", received=repr(self.io), expected=" or ".join(IO_DTYPES)
            )


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter returns.

    Attributes:
        content: The artifact's bytes.
        companions: The bytes of files that belong to it, by what their name has after `<model>.<precision>`.
        structure: What it contains, for a format that only its generator knows; None where the file says it.
        modules: The WebAssembly of which the content is made once it is proven; None for other formats.
        note: What the converter chose; "" where there was no choice.
    """

    content: bytes
    companions: dict[str, bytes] = field(default_factory=dict)
    structure: Structure | None = None
    modules: "Modules | None" = None
    note: str = ""
