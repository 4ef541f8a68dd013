"""ADD, SUB and MUL of float32: what scales an input before it is quantized."""

from ai_edge_litert import schema_py_generated as schema

from ..ir import Node, Step
from ..lowering import broadcast_strides, elementwise_rows, require

_OPERATIONS = {"ADD": 0, "SUB": 1, "MUL": 2}


def arithmetic_float(node: Node) -> Step:
    """Return the call of the kernel `arithmetic_float`.

    Raises:
        ConversionError: An input is no float32, or there is a fused activation.
    """
    inputs, output = (node.input(0), node.input(1)), node.outputs[0]
    for tensor in (*inputs, output):
        require(node, tensor, ("float32",))
    if node.options.get("fusedActivationFunction", 0) != schema.ActivationFunctionType.NONE:
        raise node.error("there is no C for a fused activation of float32")
    shape = {**broadcast_strides(node, inputs), "operation": _OPERATIONS[node.operator]}
    rows = elementwise_rows(node, inputs)
    return Step(node, "arithmetic_float", shape, inputs, (output,), rows=rows)
