"""ADD and SUB."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...arithmetic.fixed_point import Match, Multiplier, quantize_multiplier, rounding_twice
from ...graph.ir import Lowered, Node, Shape, Step, Struct, Value
from ...lowering.common import (
    activation_range,
    broadcast_shape,
    broadcast_strides,
    elementwise_rows,
    folded_integers,
    of_width,
    require,
)
from ...lowering.elements_int16 import power_of_two
from .. import Operator

NOTES = "broadcasts; an input may be a constant; float32 before a QUANTIZE"
_OPERATIONS = {"ADD": 0, "SUB": 1, "MUL": 2}  # of `kernels/arithmetic_float.c`
_MORE_BITS = {"int8": 20, "int16": 15}


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    return (broadcast_shape(node),)


def lower(node: Node, match: Match) -> Lowered:
    """Return the call of the kernel `add`. LiteRT and TensorFlow Lite Micro round alike, twice.

    As `PrepareGeneralSubOp` in TensorFlow Lite, twice the larger scale is common to both inputs; the
    quotients are of single precision in the divisor only.
    """
    inputs, output = (node.input(0), node.input(1)), node.outputs[0]
    if output.dtype == "float32":
        return [arithmetic_float(node)]
    require(node, inputs[0], tuple(_MORE_BITS))
    for tensor in (*inputs, output):
        require(node, tensor, (inputs[0].dtype,))
    if output.dtype == "int16" and match is Match.LITERT and _has_powers(node):
        raise node.error(
            "there is no C for scales that are all powers of two, which LiteRT adds in another way",
            received=[tensor.scale for tensor in (*inputs, output)],
        )
    common = float(np.float32(2) * max(tensor.scale for tensor in inputs))
    first, second = (quantize_multiplier(float(tensor.scale) / common) for tensor in inputs)
    last = quantize_multiplier(common / float(np.float32(2 ** _MORE_BITS[output.dtype]) * output.scale))
    if node.operator == "ADD" and last.exponent > 0:
        raise node.error("its output's scale is too small for its inputs'", received=output.scale)
    shape = {
        **broadcast_strides(node, inputs),
        "sign": 1 if node.operator == "ADD" else -1,
        "output_rounding": int(rounding_twice([last])),
    }
    values: dict[str, Value] = {
        "first": _addend(inputs[0].zero_point, first),
        "second": _addend(inputs[1].zero_point, second),
        "multiplier": last.value,
        "exponent": last.exponent,
        "range": activation_range(node, output),
    }
    return [
        Step(
            node,
            of_width("add", output),
            shape,
            inputs,
            (output,),
            (),
            values,
            elementwise_rows(node, inputs),
        )
    ]


def fold(node: Node) -> tuple[NDArray[Any], ...] | None:
    """Return the sum of integers without scales that are known before anything runs."""
    first, second = (folded_integers(node, position) for position in (0, 1))
    if first is None or second is None:
        return None
    return (first + second if node.operator == "ADD" else first - second,)


def arithmetic_float(node: Node) -> Step:
    """Return the call of the kernel `arithmetic_float`: ADD, SUB or MUL of float32, before it is quantized.

    Raises:
        ConversionError: An input is no float32, a constant not finite, or there is a fused activation.
    """
    inputs, output = (node.input(0), node.input(1)), node.outputs[0]
    for tensor in (*inputs, output):
        require(node, tensor, ("float32",))
        if tensor.data is not None and not np.isfinite(tensor.data).all():
            raise node.error(f"the constant {tensor.name!r} is not finite")
    if node.options.get("fusedActivationFunction", 0) != schema.ActivationFunctionType.NONE:
        raise node.error("there is no C for a fused activation of float32")
    shape = {**broadcast_strides(node, inputs), "operation": _OPERATIONS[node.operator]}
    rows = elementwise_rows(node, inputs)
    return Step(node, "arithmetic_float", shape, inputs, (output,), rows=rows)


def _has_powers(node: Node) -> bool:
    tensors = (node.input(0), node.input(1), node.outputs[0])
    return bool(node.options.get("potScaleInt16")) and all(
        power_of_two(one.scale) is not None for one in tensors
    )


def _addend(zero_point: int, multiplier: Multiplier) -> Struct:
    return Struct("addend", (-zero_point, multiplier.value, multiplier.exponent))


OPERATORS = tuple(
    Operator(name, shapes, lower, fold, rounding="twice", int16="twice", notes=NOTES)
    for name in ("ADD", "SUB")
)
