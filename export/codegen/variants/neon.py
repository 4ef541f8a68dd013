"""NEON, of all 64-bit Arm processors: the tables are those of plain C, so that nothing is written twice."""

from ..graph.ir import Step
from . import PLAIN, Implementation, Variant

_LANES = 8


def _is_together(step: Step) -> bool:
    return step.shape["groups"] == 1


def _does_depthwise(step: Step) -> bool:
    channels = step.shape["input_channels"]
    return step.shape["output_channels"] == channels and channels % _LANES == 0


VARIANT = Variant(
    "neon",
    "defined(__GNUC__) && defined(__aarch64__) && !defined(__AARCH64EB__)",
    {
        "conv_2d": Implementation(supports=_is_together),
        "depthwise_conv_2d": Implementation(supports=_does_depthwise),
        "fully_connected": Implementation(),
        "fully_connected_uint8": Implementation(),
    },
    PLAIN,
)
