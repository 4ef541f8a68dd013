"""What the variants for x86 share: which steps their kernels can do, and how tables are laid out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.fixed_point import Rounding
from ..graph.ir import Step, Struct, Table
from ..lowering.sums import bias_of, reach_of
from ._addition import linear_table
from ._layout import filled_size, filter_rows, offset_of
from ._products import Products, products_of

_MAX_SUM = 2**30  # so that a rounding that is added to a scaled sum cannot overflow
_ALIGNMENT = 4
_VECTORS = 8  # of a block of FULLY_CONNECTED
FOUR = 4  # bytes of a dot product
MORE = 128  # the first factor of a dot product has no sign: inputs with one go in plus this


def conv_rows(step: Step, together: int) -> NDArray[np.int8]:
    """Return the weights of CONV_2D as `(channels, taps)`, each run filled up to a multiple of `together`.

    A run is what lies together in a row of a window: all of it, or one pixel where the window is dilated.
    """
    weights = np.asarray(step.node.input(1).data)
    channels, height, width, depth = weights.shape
    runs = 1 if step.shape["dilation_x"] == 1 else width
    whole = filled(weights.reshape(channels, height, runs, width * depth // runs), 3, together)
    return whole.reshape(channels, -1).astype(np.int8)


def weights(
    step: Step, rows: NDArray[np.integer[Any]], lanes: int, together: int, dtype: str = "int8"
) -> Table:
    """Return `(channels, taps)` weights as `[channels / lanes][taps / together][lanes][together]`."""
    whole = filled(filled(rows, 1, together), 0, lanes).astype(dtype)
    blocks = whole.reshape(-1, lanes, whole.shape[1] // together, together).transpose(0, 2, 1, 3)
    return Table("weights", blocks.ravel(), step.tables[0].comment)


def products(step: Step) -> Products:
    """Return how one product rounds the sums of a step of which `products_of` has found it."""
    found = products_of(step)
    if found is None:
        raise ValueError(f"{step.node.layer}: no product rounds its sums")
    return found


def after_products(
    step: Step, bias: NDArray[np.int64], lanes: int, factors: Sequence[NDArray[np.integer[Any]]]
) -> Table:
    """Return what follows the sums, as `[channels / lanes][4 + factors][lanes]`.

    Args:
        step: The layer.
        bias: The bias, with what the kernel adds to its inputs folded in.
        lanes: The channels of a vector.
        factors: What sums are multiplied by, in 32 bits.
    """
    by = products(step)
    columns = (bias + by.lift, by.rest, by.lift, by.bits, *factors)
    words = [filled(column, 0, lanes).astype(np.int32).reshape(-1, lanes) for column in columns]
    return Table("after", np.stack(words, axis=1).ravel())


def products_shape(step: Step) -> Mapping[str, int]:
    """Return the fields of `struct convolution_x86`."""
    return {**step.shape, "by_sign": int(products(step).by_sign)}


def conv_shape(step: Step) -> Mapping[str, int]:
    """Return the same, all pixels in one row where each is computed from one pixel of the input."""
    shape = dict(products_shape(step))
    ones = {shape[name] for name in ("height", "width", "stride_y", "stride_x")}
    if ones == {1} and shape["input_width"] == shape["output_width"]:
        for end in ("input", "output"):
            shape[f"{end}_width"] *= shape[f"{end}_height"]
            shape[f"{end}_height"] = 1
    return shape


def bias_of_bytes(step: Step) -> NDArray[np.int64]:
    """Return the bias where inputs go in as bytes without a sign, with what they are plus folded in."""
    more = 0 if step.inputs[0].dtype == "uint8" else MORE
    folded: NDArray[np.int64] = step.tables[1].values + (offset_of(step) - more) * filter_rows(step).sum(
        axis=1
    )
    return folded


def fully_connected_tables(step: Step, bias: NDArray[np.int64], lanes: int) -> tuple[Table, ...]:
    """Return the weights as `[outputs / lanes / 8][inputs / 4][8][lanes][4]`, and what follows sums."""
    whole = filled(filled(filter_rows(step), 1, FOUR), 0, lanes).astype(np.int8)
    vectors = whole.reshape(-1, lanes, whole.shape[1] // FOUR, FOUR).transpose(2, 0, 1, 3)
    blocks = [vectors[:, first : first + _VECTORS] for first in range(0, vectors.shape[1], _VECTORS)]
    weights = np.concatenate([block.ravel() for block in blocks])
    return (Table("weights", weights, step.tables[0].comment), *after_sums(step, bias, lanes))


def fours_bytes(step: Step) -> int:
    """Return the size of the inputs of FULLY_CONNECTED in fours, and of their places."""
    return 2 * filled_size(step.shape["inputs"], FOUR) // FOUR * 4


def after_sums(step: Step, bias: NDArray[np.int64], lanes: int) -> tuple[Table, ...]:
    """Return bias, multiplier and bits to shift right by, filled up to whole vectors."""
    _, _, multiplier, exponent = step.tables
    return (
        Table("bias", filled(bias.astype(np.int32), 0, lanes)),
        Table("multiplier", filled(multiplier.values, 0, lanes)),
        Table("bits", filled(-exponent.values.astype(np.int32), 0, lanes)),
    )


def filled(values: NDArray[Any], axis: int, multiple: int) -> NDArray[Any]:
    """Return an array with zeros at the end of an axis, so that its size is a multiple."""
    missing = -values.shape[axis] % multiple
    return np.pad(values, [(0, missing if each == axis else 0) for each in range(values.ndim)])


def whole_bytes(sizes: Sequence[int]) -> int:
    """Return a sum of sizes as the arena counts."""
    return -(-sum(sizes) // _ALIGNMENT) * _ALIGNMENT


def bordered_height(step: Step) -> int:
    """Return the number of rows of the input with its border."""
    return _bordered(step, "height", "y")


def bordered_size(step: Step) -> int:
    """Return the number of elements of the input with its border."""
    return bordered_height(step) * _bordered(step, "width", "x") * step.shape["input_channels"]


def _bordered(step: Step, size: str, axis: str) -> int:
    shape = step.shape
    first_of_last = (shape[f"output_{size}"] - 1) * shape[f"stride_{axis}"]
    return first_of_last + (shape[size] - 1) * shape[f"dilation_{axis}"] + 1


def does_conv(step: Step) -> bool:
    """Return whether a kernel can do this CONV_2D."""
    return step.shape["groups"] == 1 and step.shape["rounding"] == Rounding.TWICE and _has_small_sums(step)


def does_depthwise(step: Step) -> bool:
    """Return whether a kernel can do this DEPTHWISE_CONV_2D."""
    one_filter = step.shape["input_channels"] == step.shape["output_channels"]
    return one_filter and step.shape["rounding"] == Rounding.TWICE and _has_small_sums(step)


def does_products_conv(step: Step) -> bool:
    """Return whether a kernel can do this CONV_2D by one product for each sum."""
    return does_conv(step) and products_of(step) is not None


def does_products_depthwise(step: Step) -> bool:
    """Return whether a kernel can do this DEPTHWISE_CONV_2D by one product for each sum."""
    return does_depthwise(step) and products_of(step) is not None


def does_fully_connected(step: Step) -> bool:
    """Return whether a kernel can do this FULLY_CONNECTED."""
    below_one = bool((step.tables[3].values <= 0).all())  # the exponents: no scaled sum overflows
    return below_one and step.shape["rounding"] != Rounding.TWICE_ANY and _has_small_sums(step)


def does_add(step: Step) -> bool:
    """Return whether a kernel can do this ADD or SUB."""
    shape = step.shape
    structs = [value for value in step.values.values() if isinstance(value, Struct)]
    return (
        shape["size0"] == shape["size1"] == shape["size2"] == 1
        and shape["left3"] == shape["right3"] == 1
        and shape["output_rounding"] == Rounding.TWICE
        and all(struct.fields[2] <= 0 for struct in structs if struct.name == "addend")
    )


def does_linear_add(step: Step) -> bool:
    """Return whether a kernel can do this ADD or SUB as a linear function."""
    return does_add(step) and linear_table(step) is not None


def add_tables(step: Step) -> tuple[Table, ...]:
    """Return the linear function of a step of which `does_linear_add` has found it."""
    found = linear_table(step)
    return () if found is None else (found,)


def _has_small_sums(step: Step) -> bool:
    channels = len(step.tables[1].values)
    bias = np.maximum(abs(bias_of(step.node, channels)), abs(step.tables[1].values.astype(np.int64)))
    return int(reach_of(step.node, filter_rows(step), bias).max(initial=0)) < _MAX_SUM
