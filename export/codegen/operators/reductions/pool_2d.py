"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from ...arithmetic.fixed_point import Match
from ...graph.ir import Lowered, Node, Shape, Step
from ...lowering.common import activation_range, output_size, pad_before, require, window_rows
from .. import Operator

_KERNELS = {"AVERAGE_POOL_2D": "average_pool_2d", "MAX_POOL_2D": "max_pool_2d"}
_TOLERANCE = 1e-6  # of `GenericPrepare` in tensorflow/lite/kernels/pooling.cc


def shapes(node: Node) -> tuple[Shape, ...]:
    """Return the output's shape."""
    batches, height, width, channels = node.input(0).shape
    options = node.options
    rows = output_size(options["padding"], height, options["filterHeight"], options["strideH"])
    columns = output_size(options["padding"], width, options["filterWidth"], options["strideW"])
    return ((batches, rows, columns, channels),)


def lower(node: Node, _: Match) -> Lowered:
    """Return the call of the kernel; pools do not change the scale."""
    source, output, options = node.input(0), node.outputs[0], node.options
    require(node, source, ("int8",))
    require(node, output, ("int8",))
    if source.zero_point != output.zero_point or abs(source.scale - output.scale) > _TOLERANCE:
        raise node.error(
            "its output has another scale than its input",
            received=f"{output.scale}, zero point {output.zero_point}",
            expected=f"{source.scale}, zero point {source.zero_point}",
        )
    batches, height, width, channels = source.shape
    pad_y = pad_before(options["padding"], height, options["filterHeight"], options["strideH"])
    shape = {
        "batches": batches,
        "input_height": height,
        "input_width": width,
        "channels": channels,
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "height": options["filterHeight"],
        "width": options["filterWidth"],
        "stride_y": options["strideH"],
        "stride_x": options["strideW"],
        "pad_y": pad_y,
        "pad_x": pad_before(options["padding"], width, options["filterWidth"], options["strideW"]),
        "backward": 0,
    }
    overlap = window_rows(source, output, options["strideH"], pad_y, options["filterHeight"])
    values = {"range": activation_range(node, output)}
    return [Step(node, _KERNELS[node.operator], shape, (source,), (output,), (), values, (overlap,))]


OPERATORS = (
    Operator("AVERAGE_POOL_2D", shapes, lower, rounding="half away from zero"),
    Operator("MAX_POOL_2D", shapes, lower),
)
