"""REDUCE_MAX and REDUCE_MIN."""

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Step
from ...lowering.common import require
from .. import Operator
from .mean import reduced_fields, reduced_rows, shapes


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel `reduce_max`, which compares raw values."""
    source, output = node.input(0), node.outputs[0]
    require(node, source, ("int8",))
    require(node, output, ("int8",))
    if (source.scale, source.zero_point) != (output.scale, output.zero_point):
        raise node.error("its output has another scale than its input", received=output.scale)
    shape = {**reduced_fields(node), "sign": 1 if node.operator == "REDUCE_MAX" else -1}
    return [Step(node, "reduce_max", shape, (source,), (output,), (), {}, (reduced_rows(node, shape),))]


OPERATORS = tuple(
    Operator(name, shapes, lower, notes="any axes that are at most two groups of neighbours")
    for name in ("REDUCE_MAX", "REDUCE_MIN")
)
