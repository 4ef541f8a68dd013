"""The proof that a plan overwrites nothing that is needed: its steps simulated, byte by byte.

It knows nothing of the planner, nor of what the lowerings promised it (`ir.Rows`): which rows a window needs
it counts from the sizes in the kernel's struct. Each byte of the arena has a holder: which tensor's byte it
is. What a kernel reads it must find as it was written, whatever the kernel has written before.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ....runtime.errors import ConversionError
from ..graph.ir import Step, Tensor
from .placing import ALIGNMENT
from .plan import Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NOBODY = -1
# Kernels that read element i and then write element i.
_ELEMENTWISE = {"add", "mul", "lookup", "softmax", "quantize_float", "dequantize"}
# Kernels that read all that an image's, or batch's, rows need before they write the next one's, by their
# fields.
_WINDOWS = {
    "conv_2d": "dilation_y",
    "depthwise_conv_2d": "dilation_y",
    "average_pool_2d": "",
    "max_pool_2d": "",
}
_ROWS = {
    "fully_connected": "batches",
    "fully_connected_uint8": "batches",
    "mean": "kept0",
    "reduce_max": "kept0",
}

Interval = tuple[int, int]


def check_plan(plan: Plan) -> None:
    """Check that every step finds its inputs as they were written, and stays within the arena.

    Raises:
        ConversionError: It does not; the message names the layer.
    """
    _Simulation(plan).run()


class _Simulation:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._holders: NDArray[np.int32] = np.full(plan.arena_bytes, _NOBODY, np.int32)
        self._offsets: NDArray[np.int64] = np.zeros(plan.arena_bytes, np.int64)
        self._numbers: dict[Tensor, int] = {}

    def run(self) -> None:
        for number, step in enumerate(self._plan.steps):
            begin, size = self._plan.scratch.get(number, (0, 0))
            self._holders[begin : begin + size] = _NOBODY
            for tensor in (*step.inputs, *step.outputs):
                self._check_place(step, tensor)
            if step.kernel in _ELEMENTWISE:
                self._elementwise(step)
            else:
                for written, read in _pieces(step):
                    self._write(step.outputs[0], written)
                    for tensor in step.inputs:
                        self._read(step, tensor, read or (0, tensor.size_bytes))

    def _elementwise(self, step: Step) -> None:
        """All reads before, and no write over what is read later."""
        output = step.outputs[0]
        for tensor in step.inputs:
            self._read(step, tensor, (0, tensor.size_bytes))
            if {self._plan.places[tensor].area, self._plan.places[output].area} != {"arena"}:
                continue
            begin = self._plan.places[tensor].offset
            addresses = self._plan.places[output].offset + np.arange(output.size_bytes)
            over = (addresses >= begin) & (addresses < begin + tensor.size_bytes)
            read_at = (addresses - begin) // tensor.item_bytes
            written_at = np.arange(output.size_bytes) // output.item_bytes
            repeated = tensor.size != output.size
            if np.any(over & ((read_at > written_at) | repeated)):
                raise _overwritten(step, tensor)
        self._write(output, (0, output.size_bytes))

    def _check_place(self, step: Step, tensor: Tensor) -> None:
        place = self._plan.places[tensor]
        if place.area == "arena" and (
            place.offset < 0
            or place.offset % ALIGNMENT
            or place.offset + tensor.size_bytes > self._plan.arena_bytes
        ):
            raise step.node.error("a tensor lies outside the arena", received=place.offset)

    def _write(self, tensor: Tensor, piece: Interval) -> None:
        place = self._plan.places[tensor]
        if place.area == "arena":
            where = slice(place.offset + piece[0], place.offset + piece[1])
            self._holders[where] = self._number(tensor)
            self._offsets[where] = np.arange(*piece)

    def _read(self, step: Step, tensor: Tensor, piece: Interval) -> None:
        place = self._plan.places[tensor]
        if place.area != "arena" or piece[0] >= piece[1]:
            return
        where = slice(place.offset + piece[0], place.offset + piece[1])
        held = self._holders[where] == self._number(tensor)
        if not np.all(held & (self._offsets[where] == np.arange(*piece))):
            raise _overwritten(step, tensor)

    def _number(self, tensor: Tensor) -> int:
        return self._numbers.setdefault(self._plan.roots[tensor], len(self._numbers))


def _pieces(step: Step) -> Iterator[tuple[Interval, Interval | None]]:
    """Yield what a step writes piece by piece, and what it may still read then; None for all inputs."""
    if step.kernel in _WINDOWS:
        yield from _windows(step)
    elif step.kernel in _ROWS:
        count = step.shape[_ROWS[step.kernel]]
        written, read = step.outputs[0].size_bytes // count, step.inputs[0].size_bytes // count
        for row in range(count):
            yield (row * written, (row + 1) * written), (row * read, (row + 1) * read)
    else:
        yield (0, step.outputs[0].size_bytes), None


def _windows(step: Step) -> Iterator[tuple[Interval, Interval]]:
    shape, source, output = step.shape, step.inputs[0], step.outputs[0]
    dilation = shape[_WINDOWS[step.kernel]] if _WINDOWS[step.kernel] else 1
    rows = shape["batches"] * shape["output_height"]
    written = output.size_bytes // rows
    read = source.size_bytes // (shape["batches"] * shape["input_height"])
    for row in reversed(range(rows)) if shape["backward"] else range(rows):
        image, y = divmod(row, shape["output_height"])
        taps = [y * shape["stride_y"] - shape["pad_y"] + tap * dilation for tap in range(shape["height"])]
        inside = [tap for tap in taps if 0 <= tap < shape["input_height"]]
        first = image * shape["input_height"] + min(inside, default=0)
        last = image * shape["input_height"] + max(inside, default=-1)
        yield (row * written, (row + 1) * written), (first * read, (last + 1) * read)


def _overwritten(step: Step, tensor: Tensor) -> ConversionError:
    return step.node.error("the plan overwrites an input that it still needs", received=tensor.name)
