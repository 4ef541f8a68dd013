"""What the lowerings of several operators share: ranges, padding, strides, checks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ..arithmetic.fixed_point import round_half_away
from ..graph.ir import Node, Shape, Struct, Table, Tensor
from ..graph.rows import Rows

INT8 = (-128, 127)
_LIMITS: dict[int, tuple[float | None, float | None]] = {
    schema.ActivationFunctionType.NONE: (None, None),
    schema.ActivationFunctionType.RELU: (0.0, None),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    schema.ActivationFunctionType.RELU6: (0.0, 6.0),
}
_RANGES = {"int8": INT8, "uint8": (0, 255), "int16": (-32768, 32767)}
_AXES = 4


def require(node: Node, tensor: Tensor, dtypes: Sequence[str]) -> None:
    """Check the element type of a tensor, and that it has one scale.

    Raises:
        ConversionError: No kernel is written for it.
    """
    if tensor.dtype not in dtypes:
        raise node.error(
            f"there is no C for the element type of {tensor.name!r}",
            received=tensor.dtype,
            expected=" or ".join(dtypes),
            fix="C is made of full-integer files: quantize the activations too, as with"
            " `edgemnist export --int8`."
            if tensor.dtype == "float32"
            else None,
        )
    if tensor.dtype != "float32" and len(tensor.scales) != 1:
        raise node.error(
            f"{tensor.name!r} is not quantized per tensor",
            received=f"{len(tensor.scales)} scales",
            expected=1,
        )
    if (
        tensor.dtype in _RANGES
        and not _RANGES[tensor.dtype][0] <= tensor.zero_point <= _RANGES[tensor.dtype][1]
    ):
        raise node.error(
            f"the zero point of {tensor.name!r} is no value of its type", received=tensor.zero_point
        )
    if tensor.dtype != "float32" and not tensor.scale > 0:
        raise node.error(f"the scale of {tensor.name!r} is not positive", received=tensor.scale)


def activation_limits(node: Node, activation: int, output: Tensor) -> tuple[int, int]:
    """Return the least and the largest raw value that a fused activation leaves.

    As `CalculateActivationRangeQuantized` in TensorFlow Lite, which divides in single precision.

    Raises:
        ConversionError: There is no C for the activation.
    """
    if activation not in _LIMITS:
        names = {number: name for name, number in vars(schema.ActivationFunctionType).items()}
        raise node.error(
            "there is no C for a fused activation",
            received=names.get(activation, activation),
            expected=", ".join(names[number] for number in _LIMITS),
        )
    low, high = _RANGES[output.dtype]
    below, above = _LIMITS[activation]
    if below is not None:
        low = max(low, _raw(below, output))
    if above is not None:
        high = min(high, _raw(above, output))
    return low, high


def activation_range(node: Node, output: Tensor) -> Struct:
    """Return `struct range` of an int8 output with the node's fused activation."""
    low, high = activation_limits(node, node.options["fusedActivationFunction"], output)
    return Struct("range", (output.zero_point, low, high))


def _raw(real: float, tensor: Tensor) -> int:
    return tensor.zero_point + round_half_away(float(np.float32(real) / tensor.scale))


def output_size(padding: int, size: int, taps: int, stride: int, dilation: int = 1) -> int:
    """Return an axis of a convolution's or pool's output."""
    if padding == schema.Padding.SAME:
        return -(-size // stride)
    return (size + stride - ((taps - 1) * dilation + 1)) // stride


def pad_before(padding: int, size: int, taps: int, stride: int, dilation: int = 1) -> int:
    """Return how many taps of the first window lie before the input."""
    total = (
        (output_size(padding, size, taps, stride, dilation) - 1) * stride + (taps - 1) * dilation + 1 - size
    )
    return max(total, 0) // 2


def window_rows(source: Tensor, output: Tensor, stride: int, pad: int, taps: int) -> Rows:
    """Return how a kernel walks that moves a window over rows, either way.

    Args:
        source: What it reads, `(batches, height, width, channels)`.
        output: What it writes, row by row.
        stride: From one window to the one below, in rows.
        pad: The rows of the first window that lie before the input.
        taps: The rows from the first to the last of a window.
    """
    batches, height, width, channels = source.shape
    row_bytes = width * channels * source.item_bytes
    tops = np.arange(output.shape[1], dtype=np.int64) * stride - pad
    images = np.arange(batches, dtype=np.int64)[:, None] * height * row_bytes
    done = images + tops.clip(0, height) * row_bytes
    ends = images + (tops + taps).clip(0, height) * row_bytes
    return Rows(output.size_bytes // done.size, done.ravel(), ends.ravel())


def interleave(rows: NDArray[np.int8], block: int = 4) -> NDArray[np.int8]:
    """Return weights `(channels, taps)` as `[channels / block][taps][block]`, then those left over."""
    whole = len(rows) // block * block
    blocks = rows[:whole].reshape(whole // block, block, rows.shape[1]).transpose(0, 2, 1)
    return np.concatenate([blocks.ravel(), rows[whole:].ravel()])


def broadcast_shape(node: Node) -> Shape:
    """Return the shape of the output of an operator on two tensors.

    Raises:
        ConversionError: The shapes do not go together.
    """
    left, right = node.input(0).shape, node.input(1).shape
    try:
        return tuple(int(size) for size in np.broadcast_shapes(left, right))
    except ValueError as error:
        raise node.error("shapes that do not go together", received=f"{left} and {right}") from error


def broadcast_strides(node: Node, inputs: Sequence[Tensor]) -> dict[str, int]:
    """Return the sizes and strides of a kernel on two tensors, as few axes as there can be.

    Raises:
        ConversionError: More than four axes are left.
    """
    shape = broadcast_shape(node)
    strides = [_strides(tensor.shape, len(shape)) for tensor in inputs]
    sizes, (left, right) = merge_axes(shape, strides)
    if len(sizes) > _AXES:
        raise node.error(
            "shapes that need more than four axes", received=f"{inputs[0].shape}, {inputs[1].shape}"
        )
    fields = {f"size{axis}": size for axis, size in enumerate(sizes)}
    fields |= {f"left{axis}": stride for axis, stride in enumerate(left)}
    return fields | {f"right{axis}": stride for axis, stride in enumerate(right)}


def merge_axes(
    shape: Sequence[int], strides: Sequence[Sequence[int]], axes: int = _AXES
) -> tuple[list[int], list[list[int]]]:
    """Return sizes and strides with contiguous neighbouring axes made one, filled up to `axes`."""
    sizes: list[int] = []
    kept: list[list[int]] = [[] for _ in strides]
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        steps = [each[axis] for each in strides]
        if sizes and all(old[-1] == step * size for old, step in zip(kept, steps, strict=True)):
            sizes[-1] *= size
            for old, step in zip(kept, steps, strict=True):
                old[-1] = step
            continue
        sizes.append(size)
        for old, step in zip(kept, steps, strict=True):
            old.append(step)
    missing = max(axes - len(sizes), 0)
    return [1] * missing + sizes, [[0] * missing + old for old in kept]


def contiguous_strides(shape: Shape) -> tuple[int, ...]:
    """Return the strides of a tensor in elements."""
    return tuple(int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape)))


def _strides(shape: Shape, axes: int) -> tuple[int, ...]:
    padded = (1,) * (axes - len(shape)) + shape
    return tuple(
        0 if size == 1 else stride for size, stride in zip(padded, contiguous_strides(padded), strict=True)
    )


def elementwise_rows(node: Node, inputs: Sequence[Tensor]) -> tuple[Rows | None, ...]:
    """Return how the output may overlap each input of an operator on two tensors."""
    output = node.outputs[0]
    return tuple(
        Rows.in_step(output.size, tensor.item_bytes, output.item_bytes)
        if tensor.size == output.size
        else None
        for tensor in inputs
    )


def folded_integers(node: Node, position: int) -> NDArray[Any] | None:
    """Return an input that is a constant of integers that stand for themselves; None if it is not."""
    tensor = node.input(position)
    return tensor.data if tensor.dtype in {"int32", "int64"} else None


def lookup_table(results: Sequence[int], dtype: str, comment: str) -> Table:
    """Return what an operator gives for each byte of its input, byte 0 first.

    Args:
        results: The raw results for the raw inputs in rising order.
        dtype: The element type of the input.
        comment: For a reader.
    """
    values = np.asarray(results, np.int64)
    if dtype == "int8":
        values = np.roll(values, -128)
    return Table("results", (values & 0xFF).astype(np.uint8), comment)


def raw_values(dtype: str) -> range:
    """Return all raw values of an element type of 8 bits, in rising order."""
    low, high = _RANGES[dtype]
    return range(low, high + 1)


def limits_of(dtype: str) -> tuple[int, int]:
    """Return the least and the largest raw value of an element type."""
    return _RANGES[dtype]
