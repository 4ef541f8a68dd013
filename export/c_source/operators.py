"""The operators of a TFLite graph that become C: one small function each, in one table.

A new operator is one function here, one row in `OPERATORS`, and if it does something at run time, a macro
with its statement in `templates/statements.jinja`.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...runtime.errors import ConversionError
from .fixed_point import Factor, channel_factors, to_factor
from .graph import Node, Tensor
from .program import Program, Value, zero_byte
from .softmax_table import exponentials

_BYTE_MAX = 255
_INT32_MAX = 2**31 - 1
# With more classes whose logits are equal, LiteRT's kernel has no bits left for the sum, and stops.
_MOST_CLASSES = 511
_LIMITS: dict[int, tuple[float | None, float | None]] = {
    schema.ActivationFunctionType.NONE: (None, None),
    schema.ActivationFunctionType.RELU: (0.0, None),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    schema.ActivationFunctionType.RELU6: (0.0, 6.0),
}


def quantize(node: Node, program: Program) -> None:
    """QUANTIZE: another scale or zero point; nothing to do if only the type differs."""
    taken = program.value(node.inputs[0])
    given = program.new_value(node.output, taken.name)
    if (given.scale, given.zero) == (taken.scale, taken.zero):
        return
    program.add_step(node, factor=to_factor(float(taken.scale) / float(given.scale)))


def reshape(node: Node, program: Program) -> None:
    """RESHAPE: the same values in the same order."""
    taken = program.value(node.inputs[0])
    if node.output.size != taken.size:
        raise ConversionError(f"{node.output.name} moves values between images", received=node.output.shape)
    program.alias(node.output, taken)


def fully_connected(node: Node, program: Program) -> None:
    """FULLY_CONNECTED: for each output a sum of products, a bias, a rescaling and a clamp.

    The input's zero point goes into the bias: sum(w * (x - zero)) = sum(w * x) - zero * sum(w).
    """
    taken = program.value(node.inputs[0])
    kernel = _constant(node, 1)
    weights = np.asarray(kernel.content, np.int64)
    if kernel.dtype != "int8" or kernel.zero_point or weights.shape != (node.output.size, taken.size):
        raise ConversionError(
            f"{node.output.name} has no symmetric int8 weights for its input",
            received=f"{kernel.dtype} {weights.shape}, zero point {kernel.zero_point}",
            expected=f"int8 {(node.output.size, taken.size)}, zero point 0",
        )
    has_bias = node.inputs[2:] and node.inputs[2] is not None
    bias = np.asarray(_constant(node, 2).content if has_bias else 0, np.int64)
    sums = bias - taken.zero * weights.sum(axis=1)
    factors = channel_factors(taken.scale, kernel.scales, node.output.scale)
    _check_range(node, factors, reach=np.abs(weights).sum(axis=1) * _BYTE_MAX + np.abs(sums))
    low, high = _limits(node)
    step = program.add_step(node, factors=factors, low=low, high=high)
    program.add_table(step, "weights", "int8", weights, f"{kernel.name}, a row for each output")
    program.add_table(step, "bias", "int32", sums, _about_bias(taken))
    if len(factors) > 1:
        about = "the input's scale times the weights', over the output's: multiplier * 2^-shift"
        program.add_table(step, "multiplier", "int32", [factor.multiplier for factor in factors], about)
        program.add_table(step, "shift", "uint8", [factor.shift for factor in factors], about)


def softmax(node: Node, program: Program) -> None:
    """SOFTMAX: LiteRT's reference kernel for 8 bits, whose exponentials become a table."""
    taken = program.value(node.inputs[0])
    if len(node.output.shape) != 1 or node.output.size > _MOST_CLASSES:
        raise ConversionError(
            f"there is no C for the SOFTMAX {node.output.name}",
            received=f"shape {node.output.shape}",
            expected=f"one axis of at most {_MOST_CLASSES}",
        )
    step = program.add_step(node)
    if (step.gives.scale, step.gives.zero) != (np.float32(1 / 256), 0):
        raise ConversionError(
            f"{node.output.name} has not the scale of a SOFTMAX", received=step.gives.scale, expected="1/256"
        )
    about = f"exp(-{taken.scale:.9g} * index) * 2^31, as gemmlowp's exp_on_negative_values gives it"
    program.add_table(step, "exp", "int32", exponentials(taken.scale, node.options.beta), about)


OPERATORS: dict[str, Callable[[Node, Program], None]] = {
    "FULLY_CONNECTED": fully_connected,
    "QUANTIZE": quantize,
    "RESHAPE": reshape,
    "SOFTMAX": softmax,
}


def add(node: Node, program: Program) -> None:
    """Add an operator's C to a program.

    Raises:
        ConversionError: There is no C for the operator, or not for this use of it.
    """
    if node.name not in OPERATORS:
        raise ConversionError(
            f"there is no C for the operator {node.name}", expected=f"only {', '.join(sorted(OPERATORS))}"
        )
    program.operators.append(node.name)
    OPERATORS[node.name](node, program)


def _constant(node: Node, position: int) -> Tensor:
    tensor = node.inputs[position]
    if tensor is None or tensor.content is None:
        raise ConversionError(f"{node.output.name} has weights that are computed at run time")
    return tensor


def _check_range(node: Node, factors: Sequence[Factor], reach: NDArray[np.int64]) -> None:
    """Check that no input can lead to a sum, or a sum times its factor, of more than 32 bits."""
    largest = reach * np.array([factor.multiplier * 2.0**-factor.shift for factor in factors])
    if reach.max() > _INT32_MAX or largest.max() > _INT32_MAX - _BYTE_MAX:
        raise ConversionError(f"the sums of {node.output.name} do not fit into 32 bits", received=reach.max())


def _limits(node: Node) -> tuple[int, int]:
    """Return the lowest and the highest byte that an operator with a fused activation may give.

    As `CalculateActivationRangeQuantized` in tensorflow/lite/kernels/kernel_util.cc.
    """
    activation = node.options.fusedActivationFunction
    if activation not in _LIMITS:
        names = vars(schema.ActivationFunctionType)
        name = next(name for name, number in names.items() if number == activation)
        raise ConversionError(f"there is no C for the activation {name} of {node.output.name}")
    low, high = _LIMITS[activation]
    return _byte(node.output, low, 0), _byte(node.output, high, _BYTE_MAX)


def _byte(tensor: Tensor, real: float | None, default: int) -> int:
    """Return the byte of a real value, or the default for None; rounded half away from 0, as std::round."""
    if real is None:
        return default
    steps = np.float32(real) / tensor.scale
    rounded = math.floor(abs(steps) + 0.5)
    return min(max(zero_byte(tensor) + (rounded if real >= 0 else -rounded), 0), _BYTE_MAX)


def _about_bias(taken: Value) -> str:
    less = f", less {taken.zero} times the sum of its weights" if taken.zero else ""
    return f"what each sum begins with: the layer's bias{less}"
