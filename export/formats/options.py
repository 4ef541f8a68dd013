"""What the converters are asked for beyond the format."""

from dataclasses import dataclass

from ...runtime.errors import OptionError

OPSETS = range(13, 19)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the converters are asked for beyond the format.

    Attributes:
        opset: The ONNX opset, 13 to 18; it decides the oldest runtime that loads the file.
    """

    opset: int = OPSETS[0]

    def __post_init__(self) -> None:
        if self.opset not in OPSETS:
            raise OptionError(
                "unsupported opset", received=self.opset, expected=f"{OPSETS[0]} to {OPSETS[-1]}"
            )
