"""Operators on each of a tensor's 16-bit elements: a factor and limits, or a table of a sigmoid."""

import math
from collections.abc import Callable

import numpy as np

from ..arithmetic.fixed_point import Match, Multiplier, quantize_multiplier, round_half_away
from ..graph.ir import Node, Step, Struct, Table, Tensor, Value
from ..graph.rows import Rows
from .common import limits_of, of_width, require

_ONE = Multiplier(1 << 30, 1)
_SIX = 6.0
_POWER_TOLERANCE = 1e-3
_ENTRIES = 256
_ENTRY_SCALE = 24.0
_LARGEST_FACTOR = 65535  # times an element of 16 bits it fits 32
_FRACTION_BITS = 15  # of the output
_INPUT_BITS = 12  # of the scale that needs no factor but 3
_BITS = {"LOGISTIC": 9, "TANH": 8}
_SHIFTS = {"LOGISTIC": (0,), "TANH": (0, 1)}


def power_of_two(scale: np.float32) -> int | None:
    """Return the binary logarithm of what TensorFlow Lite takes for a power of two; `CheckedLog2` there."""
    logarithm = np.log(scale) * (np.float32(1) / np.log(np.float32(2)))
    nearest = round_half_away(float(logarithm))
    return nearest if abs(logarithm - np.float32(nearest)) < np.float32(_POWER_TOLERANCE) else None


def rescale(node: Node, above: Multiplier, below: Multiplier, limits: tuple[int, int]) -> Step:
    """Return the call of `rescale`: 16-bit elements times one factor from 0 on, and times another below."""
    source, output = node.input(0), node.outputs[0]
    values: dict[str, Value] = {
        "above": Struct("factor", (above.value, above.exponent)),
        "below": Struct("factor", (below.value, below.exponent)),
        "range": Struct("range", (output.zero_point, *limits)),
    }
    overlap = Rows.in_step(source.size, source.item_bytes, output.item_bytes)
    kernel = of_width("rescale", output)
    return Step(node, kernel, {"size": source.size}, (source,), (output,), (), values, (overlap,))


def relu(node: Node, match: Match) -> Step:
    """RELU and RELU6: `QuantizedReluX`; TensorFlow Lite Micro's RELU6 does not rescale."""
    source, output = _ends(node)
    _, most = limits_of("int16")
    if node.operator == "RELU":
        factor = _quotient(match, source.scale, np.float32(1), output.scale)
        return rescale(node, factor, factor, (0, most))
    if match is Match.TFLM:
        six = round_half_away(float(np.float32(_SIX) / source.scale))
        if six > most:
            raise node.error(
                "TensorFlow Lite Micro takes no scale that does not reach 6", received=source.scale
            )
        return rescale(node, _ONE, _ONE, (0, six))
    factor = _quotient(match, source.scale, np.float32(1), output.scale)
    six = round_half_away(float(np.float32(_SIX) / output.scale))
    return rescale(node, factor, factor, (0, min(most, six)))


def leaky_relu(node: Node, match: Match) -> Step:
    """LEAKY_RELU: two multipliers."""
    source, output = _ends(node)
    alpha = np.float32(node.options["alpha"])
    if alpha < 0:
        raise node.error(
            "there is no C for its slope in 16 bits", received=float(alpha), expected="0 or more"
        )
    above = _quotient(match, source.scale, np.float32(1), output.scale)
    below = _quotient(match, source.scale, alpha, output.scale)
    return rescale(node, above, below, limits_of("int16"))


def _quotient(match: Match, scale: np.float32, by: np.float32, other: np.float32) -> Multiplier:
    """Return scale * by / other, of single precision in LiteRT, of double in TensorFlow Lite Micro."""
    single = match is Match.LITERT
    return quantize_multiplier(
        float(scale * by / other) if single else float(scale) * float(by) / float(other)
    )


def sigmoid(node: Node, _: Match) -> Step:
    """LOGISTIC and TANH: by a table of sigmoids, to which the input is brought by a factor of 15 bits.

    As in `SigmoidPrepare` and `TanhPrepare`, which know some powers of two.
    """
    source, output = _ends(node)
    if power_of_two(output.scale) != -_FRACTION_BITS or (
        node.operator == "LOGISTIC" and output.scale != np.float32(2**-_FRACTION_BITS)
    ):
        raise node.error(
            f"its output has not the scale of a {node.operator}", received=output.scale, expected="1/32768"
        )
    factor, shift = _factor(node, source.scale)
    bits = _BITS[node.operator]
    values = {"multiplier": factor, "shift": shift}
    shape = {"size": source.size, "bits": bits}
    overlap = Rows.in_step(source.size, source.item_bytes, output.item_bytes)
    table = Table("sigmoids", np.asarray(_sigmoids(), np.uint16))
    return Step(node, "sigmoid_int16", shape, (source,), (output,), (table,), values, (overlap,))


def _sigmoids() -> list[int]:
    """Return 1 / (1 + exp(-i / 24)) with 16 fraction bits, 1 at last.

    To each is added half of the error that the line to the next has in the middle.
    """

    def exact(entry: float) -> float:
        return 65536 / (1 + math.exp(-entry / _ENTRY_SCALE))

    errors = [exact(entry + 0.5) - (exact(entry) + exact(entry + 1)) / 2 for entry in range(_ENTRIES - 1)]
    return [*(round(exact(entry) + error / 2) for entry, error in enumerate(errors)), 65535]


def _factor(node: Node, scale: np.float32) -> tuple[int, int]:
    logarithm = power_of_two(scale)
    if logarithm is not None and logarithm + _INPUT_BITS in _SHIFTS[node.operator]:
        return 3 << (logarithm + _INPUT_BITS), 0
    factor, shift = float(scale) * 4096.0 * 3.0, 0
    while factor <= 32767.0 / 2.0 and shift <= 30:  # noqa: PLR2004 - TensorFlow Lite's limits
        factor, shift = factor * 2.0, shift + 1
    if factor > _LARGEST_FACTOR:
        raise node.error("its input's scale is too large", received=scale)
    return int(factor), shift


def _ends(node: Node) -> tuple[Tensor, Tensor]:
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int16",))
    require(node, output, ("int16",))
    return source, output


WIDE_ROUNDING = {
    **dict.fromkeys(("RELU", "RELU6", "LEAKY_RELU"), "twice"),
    **dict.fromkeys(("LOGISTIC", "TANH"), "a table with lines between"),
}
WIDE_ACTIVATIONS: dict[str, Callable[[Node, Match], Step]] = {
    "RELU": relu,
    "RELU6": relu,
    "LEAKY_RELU": leaky_relu,
    "LOGISTIC": sigmoid,
    "TANH": sigmoid,
}
