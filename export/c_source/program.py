"""Tables and steps in C, which the operators add to one after the other and the templates write down."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import ConversionError
from .graph import Node, Tensor

# What is added to a tensor's values to hold them as bytes.
_OFFSETS = {"uint8": 0, "int8": 128}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A constant array.

    Attributes:
        name: Its name in C.
        dtype: The numpy name of its element type.
        values: `(n,)` or `(rows, columns)`.
        comment: What it is and where it comes from.
    """

    name: str
    dtype: str
    values: NDArray[Any]
    comment: str


@dataclass(frozen=True, slots=True)
class Value:
    """What a tensor is in C: an array of `uint8_t`.

    An int8 is held plus 128, so that there is one kind of value, and bytes that began as pixels stay as they
    are.

    Attributes:
        name: The array's name in C.
        size: Its number of elements.
        scale: The quantization step.
        zero: The byte that stands for 0.
        origin: The tensor's name in the TFLite file.
    """

    name: str
    size: int
    scale: np.float32
    zero: int
    origin: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one operator does at run time.

    Attributes:
        operator: Its name in the TFLite file; the template of its statement is called so in lower case.
        takes: Its input.
        gives: Its output.
        facts: What else its template needs.
        tables: The names of its constant arrays.
    """

    operator: str
    takes: Value
    gives: Value
    facts: dict[str, Any]
    tables: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Program:
    """The C of a graph, as far as it has been walked.

    Attributes:
        tables: The constant arrays.
        steps: What happens at run time, in order.
        operators: The name of every operator, those that need no step too.
    """

    tables: list[Table] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)
    _values: dict[Tensor, Value] = field(default_factory=dict)

    def value(self, tensor: Tensor | None) -> Value:
        """Return what a tensor is in C that is the input or that a step has made.

        Raises:
            ConversionError: There is no such array.
        """
        if tensor not in self._values:
            raise ConversionError(
                "an operator takes what none before it gives", received=getattr(tensor, "name", None)
            )
        return self._values[tensor]

    def new_value(self, tensor: Tensor, name: str) -> Value:
        """Give a tensor an array.

        Raises:
            ConversionError: Its values have no 8 bits, or not one scale.
        """
        self._values[tensor] = Value(name, tensor.size, tensor.scale, zero_byte(tensor), tensor.name)
        return self._values[tensor]

    def alias(self, tensor: Tensor, value: Value) -> None:
        """Let a tensor be the array that another one is."""
        self._values[tensor] = value

    def add_step(self, node: Node, **facts: Any) -> Step:
        """Add what an operator does at run time, from its first input to a new array."""
        takes = self.value(node.inputs[0])
        gives = self.new_value(node.output, f"layer_{len(self.steps) + 1}")
        self.steps.append(Step(node.name, takes, gives, facts))
        return self.steps[-1]

    def add_table(self, step: Step, kind: str, dtype: str, values: Any, comment: str) -> None:
        """Add a constant array of a step."""
        name = f"{step.gives.name}_{kind}"
        self.tables.append(Table(name, dtype, np.asarray(values, dtype), comment))
        step.tables.append(name)


def zero_byte(tensor: Tensor) -> int:
    """Return the byte that stands for 0 in a tensor.

    Raises:
        ConversionError: Its values have no 8 bits.
    """
    if tensor.dtype not in _OFFSETS:
        raise ConversionError(
            f"there is no C for the tensor {tensor.name}", received=tensor.dtype, expected="int8 or uint8"
        )
    return tensor.zero_point + _OFFSETS[tensor.dtype]
