"""Real factors as integers: the fixed-point arithmetic of TensorFlow Lite, in its single-rounding form.

A factor becomes a 31-bit multiplier and a right shift, `factor = multiplier * 2**-shift`, and
`round(value * factor)` one 64-bit product, one addition and one shift. As in TensorFlow Lite's
`QuantizeMultiplier` and `MultiplyByQuantizedMultiplier` (tensorflow/lite/kernels/internal, with
TFLITE_SINGLE_ROUNDING) and the TensorFlow Lite 8-bit quantization specification.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import ConversionError

_MULTIPLIER_BITS = 31
_LARGEST_SHIFT = 62


@dataclass(frozen=True, slots=True)
class Factor:
    """A positive real factor in fixed point.

    Attributes:
        multiplier: 2**30 to 2**31 - 1, or 0.
        shift: The right shift after the product, 1 to 62.
    """

    multiplier: int
    shift: int


def to_factor(factor: float) -> Factor:
    """Return a real factor in fixed point, rounded to 31 bits.

    Raises:
        ConversionError: It is negative, or no finite number, or so large that the shift would be to the left.
    """
    if not (factor >= 0 and math.isfinite(factor)):
        raise ConversionError("a scale is not a positive number", received=factor)
    fraction, exponent = math.frexp(factor)
    multiplier = math.floor(fraction * 2**_MULTIPLIER_BITS + 0.5)
    if multiplier == 2**_MULTIPLIER_BITS:
        multiplier, exponent = multiplier // 2, exponent + 1
    shift = _MULTIPLIER_BITS - exponent
    if shift > _LARGEST_SHIFT:
        return Factor(0, 1)
    if shift < 1:
        raise ConversionError("a scale is too large for fixed point", received=factor, expected="below 2**30")
    return Factor(multiplier, shift)


def channel_factors(
    input_scale: np.float32, weight_scales: NDArray[np.float32], output_scale: np.float32
) -> tuple[Factor, ...]:
    """Return what turns a sum of products into an output value: one factor, or one for each channel.

    TensorFlow Lite multiplies the two scales in double precision where there is one for each channel
    (`PopulateConvolutionQuantizationParams`), and in single precision where there is one for all
    (`GetQuantizedConvolutionMultipler`, spelled so).
    """
    if len(weight_scales) == 1:
        return (to_factor(float(input_scale * weight_scales[0]) / float(output_scale)),)
    return tuple(
        to_factor(float(input_scale) * float(scale) / float(output_scale)) for scale in weight_scales
    )
