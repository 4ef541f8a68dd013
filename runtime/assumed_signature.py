"""What is assumed of a model file that has no signature."""

import numpy as np

from .errors import ArtifactError
from .signature import (
    DEFAULT_PIXEL_SCALE,
    KNOWN_SCALINGS,
    PIXEL_VALUES,
    InputSpec,
    ModelSignature,
    OutputSpec,
)
from .tensors import TensorSpec, to_real

_PLAIN_AXES = 2
_RANGE_TOLERANCE = 0.02  # of the range: quantizers widen it by a step or two


def assumed_signature(file: str, model_input: TensorSpec, output: TensorSpec) -> ModelSignature:
    """Return the signature of a file that has none, from its tensors alone.

    Input in a quantized range that images are known to be scaled to, uint8 and floats are an image's, the
    floats in [0, 1] as the first edition had them; any other is features. A row for each item is the
    probabilities of classes called by their numbers, a single number or anything else is values.

    Args:
        file: The model file's name, for the message.
        model_input: The model's input.
        output: The model's output.

    Raises:
        ArtifactError: An axis besides the batch has no fixed size.
    """
    shape, item = _fixed(model_input), _fixed(output)
    if not shape or not item:
        raise ArtifactError(
            f"{file} does not keep the artifact contract",
            received=f"input {model_input.shape}, output {output.shape}",
            expected="one batch axis and other axes of fixed size, in the input and in the output",
        )
    answer = OutputSpec("values", item, (), "none")
    if len(item) == 1 and item != (1,):
        answer = OutputSpec("classes", item, tuple(map(str, range(item[0]))))
    return ModelSignature(_assumed_input(model_input, shape), answer)


def _assumed_input(tensor: TensorSpec, shape: tuple[int, ...]) -> InputSpec:
    ink = len(shape) == _PLAIN_AXES
    if not tensor.quantized:
        return InputSpec("image", shape, (DEFAULT_PIXEL_SCALE,), ink=ink)
    limits = np.iinfo(tensor.dtype)
    low, high = to_real(np.array([limits.min, limits.max], tensor.dtype), tensor).tolist()
    for scale, offset in KNOWN_SCALINGS:
        known_low, known_high = offset, (PIXEL_VALUES - 1) * scale + offset
        if max(abs(low - known_low), abs(high - known_high)) <= _RANGE_TOLERANCE * (known_high - known_low):
            return InputSpec("image", shape, (scale,), (offset,), ink)
    return InputSpec("features", shape)


def _fixed(tensor: TensorSpec) -> tuple[int, ...]:
    """Return the axes of one item, or none where one of them has no fixed size."""
    axes = tuple(axis for axis in tensor.shape[1:] if axis)
    return axes if len(axes) == len(tensor.shape) - 1 else ()
