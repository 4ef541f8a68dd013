"""The intermediate representation: tensors, nodes and a graph, as plain immutable values.

`importing` makes them of a file, `normalize` of each other, and an operator's lowering makes `Step`s of
nodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....runtime.errors import ConversionError
from .rows import Rows

Shape = tuple[int, ...]

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor with its shape and what its integers stand for.

    Attributes:
        name: Its name in the file.
        dtype: The numpy name of its element type.
        shape: All axes, with the batch.
        scales: The quantization steps: none, one, or one for each channel; float32.
        zero_points: As many raw values that stand for 0; int64.
        axis: The axis that several scales belong to.
        data: A constant's values; None for a tensor that is computed.
    """

    name: str
    dtype: str
    shape: Shape
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int = 0
    data: NDArray[Any] | None = None

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def item_bytes(self) -> int:
        """The size of one element."""
        return np.dtype(self.dtype).itemsize

    @property
    def size_bytes(self) -> int:
        """The size of all elements."""
        return self.size * self.item_bytes

    @property
    def scale(self) -> np.float32:
        """The quantization step of a tensor that has one."""
        step: np.float32 = self._single(self.scales)
        return step

    @property
    def zero_point(self) -> int:
        """The raw value that stands for 0, of a tensor that has one."""
        return int(self._single(self.zero_points))

    def _single(self, values: NDArray[Any]) -> Any:
        if len(values) != 1:
            raise ConversionError(
                f"the tensor {self.name} is not quantized per tensor", received=f"{len(values)} scales"
            )
        return values[0]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operator of the graph.

    Attributes:
        operator: The format's own name for it, such as "CONV_2D".
        inputs: Its inputs; None where an optional one is left out.
        outputs: Its outputs.
        options: The schema's options by name.
        position: Its place in the file's list of operators.
    """

    operator: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any]
    position: int

    @property
    def layer(self) -> str:
        """What errors and comments call it."""
        name = self.outputs[0].name if self.outputs else ""
        return f"{self.operator} {name!r} (operator {self.position})"

    def has_input(self, index: int) -> bool:
        """Return whether an optional input is there."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def input(self, index: int) -> Tensor:
        """Return an input that must be there.

        Raises:
            ConversionError: It is left out.
        """
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise self.error("an input is missing", received=f"no input {index}")
        return tensor

    def constant(self, index: int) -> NDArray[Any]:
        """Return the values of an input that must be a constant.

        Raises:
            ConversionError: It is left out, or computed at run time.
        """
        data = self.input(index).data
        if data is None:
            raise self.error(
                "an input that must be a constant is computed at run time", received=self.input(index).name
            )
        return data

    def error(
        self, problem: str, *, received: object = None, expected: object = None, fix: str | None = None
    ) -> ConversionError:
        """Return an error that names this layer."""
        return ConversionError(f"{self.layer}: {problem}", received=received, expected=expected, fix=fix)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A model.

    Attributes:
        inputs: What it is called with.
        outputs: What it returns.
        nodes: Its operators, each after those whose outputs it needs.
        metadata: The texts that the file carries.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A constant array in C.

    Attributes:
        name: What it holds, such as "weights"; part of its name in C.
        values: Its entries, in the order and of the type in which they are written.
        comment: What a reader should know.
    """

    name: str
    values: NDArray[Any]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct that a kernel receives by value.

    Attributes:
        name: Its name in C.
        fields: Its fields' values, in order.
    """

    name: str
    fields: tuple[int, ...]


Value = int | float | Struct


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One call of a kernel.

    The kernel's parameters are its struct, the inputs, the outputs, the tables and the values, in this order.

    Attributes:
        node: The layer it belongs to.
        kernel: The kernel's function, in a file of that name in `kernels`.
        shape: What is known when the C is compiled: the fields of the kernel's struct.
        inputs: Activations and constants that it reads.
        outputs: Activations that it writes.
        tables: Constant arrays made for it.
        values: What it receives at run time, by the names of its parameters.
        rows: For each input, how the output may overlap it; None, or nothing, where it may not.
    """

    node: Node
    kernel: str
    shape: Mapping[str, int]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tables: tuple[Table, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    rows: tuple[Rows | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Alias:
    """An operator that moves no byte: its output is its input.

    Attributes:
        node: The layer.
        source: The tensor that is there.
        output: Another name and shape of it.
    """

    node: Node
    source: Tensor
    output: Tensor


Lowered = Sequence[Step | Alias]
