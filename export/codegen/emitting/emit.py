"""From a plan to the text of C: tables, one function for each kind of layer, and the calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import C_TYPES, Step, Struct, Table, Tensor, Value
from ..planning.plan import Plan
from ..variants import Implementation, Variant
from . import texts
from .kernel_files import Parameter, parameters, struct_fields, with_includes

_FNV_BASIS, _FNV_PRIME = 2166136261, 16777619


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A step as one variant does it.

    Attributes:
        step: The step.
        function: The kernel's function.
        shape: The fields of its struct.
        tables: Its tables.
        parameters: The function's parameters, without its struct.
    """

    step: Step
    function: str
    shape: Mapping[str, int]
    tables: tuple[Table, ...]
    parameters: tuple[Parameter, ...]


def choose(step: Step, variant: Variant) -> Chosen:
    """Return how a variant does a step."""
    name, found = _implementation(step, variant)
    function = f"{step.kernel}_{name}" if name else step.kernel
    return Chosen(step, function, found.shape(step), found.tables(step), parameters(function))


def scratch_bytes(step: Step, variants: Sequence[Variant]) -> int:
    """Return how much memory of the arena a step needs at most, whichever of the variants does it."""
    return max(_implementation(step, each)[1].scratch_bytes(step) for each in variants)


def _implementation(step: Step, variant: Variant) -> tuple[str, Implementation]:
    """Return the kernel with which a variant does a step, and the name of the variant that it is of."""
    trying: Variant | None = variant
    while trying is not None and trying.name:
        found = trying.implementations.get(step.kernel)
        if found is not None and found.supports(step):
            return trying.name, found
        trying = trying.falls_to
    return "", Implementation()


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A step's call in C.

    Attributes:
        number: The step's.
        comment: What it computes.
        text: The statement.
        result: The output's place, an expression in C.
        result_bytes: The output's size.
    """

    number: int
    comment: str
    text: str
    result: str
    result_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A model as one variant computes it, as pieces of C.

    Attributes:
        kernels: The names of the kernel files, in order.
        tables: The declarations of constant arrays, by name.
        values: What they hold, in the shapes that the operators gave them.
        functions: The definitions of the layers' functions, by name.
        calls: The calls, in order.
        checksum: The FNV-1a hash of all tables, 32 bits, taken over entries in place of bytes.
        hashed: The names of the tables, their types and numbers of entries, in the order in which they are
            hashed.
    """

    kernels: tuple[str, ...]
    tables: dict[str, str]
    values: dict[str, NDArray[np.generic]]
    functions: dict[str, str]
    calls: tuple[Call, ...]
    checksum: int
    hashed: tuple[tuple[str, str, int], ...]


@dataclass(slots=True)
class _Writer:
    """Writes a program piece by piece; equal tables and equal functions are written once."""

    plan: Plan
    variant: Variant
    prefix: str = ""
    tables: dict[str, str] = field(default_factory=dict)
    values: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    hashed: list[tuple[str, str, int]] = field(default_factory=list)
    checksum: int = _FNV_BASIS
    _names: dict[tuple[str, bytes], str] = field(default_factory=dict)
    _same: dict[str, str] = field(default_factory=dict)

    def table(self, name: str, values: NDArray[np.generic], comment: str) -> str:
        """Return the name of a constant array that holds these values, after declaring it."""
        key = (str(values.dtype), values.tobytes())
        if key not in self._names:
            self._names[key] = name
            note = f"/* {texts.comment(comment)} */\n" if comment else ""
            kind = C_TYPES[str(values.dtype)]
            entries = texts.entries(values)
            self.tables[name] = (
                f"{note}static const {kind} {name}[{values.size}] = {{\n{texts.rows(entries)}\n}};"
            )
            self.values[name] = values
            self.hashed.append((name, kind, values.size))
            for word in _words(values):
                self.checksum = (self.checksum ^ word) * _FNV_PRIME & 0xFFFFFFFF
        return self._names[key]

    def function(self, number: int, chosen: Chosen) -> str:
        """Return the name of the function of a layer, after defining it."""
        struct, fields = struct_fields(chosen.function)
        constants = ", ".join(f".{name} = {chosen.shape[name]}" for name in fields)
        arguments = ", ".join(["s", *(one.name for one in chosen.parameters)])
        declared = ", ".join(one.declaration for one in chosen.parameters)
        setting = f"    const struct {struct} s = {{ {constants} }};"
        body = f"({declared})\n{{\n{setting}\n\n    {chosen.function}({arguments});\n}}"
        if body not in self._same:
            name = f"{self.prefix}{chosen.step.kernel}_{number}"
            self._same[body] = name
            self.functions[name] = f"LAYER void {name}{body}"
        return self._same[body]

    def call(self, number: int, step: Step) -> Call:
        """Return the call of a step."""
        chosen = choose(step, self.variant)
        tensors = (*step.inputs, *step.outputs)
        given = [
            self.pointer(tensor, one)
            for tensor, one in zip(tensors, chosen.parameters[: len(tensors)], strict=True)
        ]
        given += [
            self.table(f"{self.prefix}layer_{number}_{table.name}", table.values, table.comment)
            for table in chosen.tables
        ]
        given += [_value(step.values[one.name], one) for one in chosen.parameters if one.name in step.values]
        if any(one.name == "scratch" for one in chosen.parameters):
            given.append(f"memory + {self.plan.scratch[number][0]}")
        result = self.pointer(step.outputs[0])
        return Call(
            number,
            _comment(step),
            f"{self.function(number, chosen)}({', '.join(given)});",
            result,
            step.outputs[0].size_bytes,
        )

    def pointer(self, tensor: Tensor, parameter: Parameter | None = None) -> str:
        """Return where a tensor lies, in C, as the type of a parameter."""
        text = self._place(tensor)
        own = "uint8_t" if self.plan.places[tensor].area == "arena" else C_TYPES[tensor.dtype]
        if parameter is None or own == parameter.type.removeprefix("const ").rstrip(" *"):
            return text
        return f"({parameter.type})({text})" if "+" in text else f"({parameter.type}){text}"

    def _place(self, tensor: Tensor) -> str:
        place = self.plan.places[tensor]
        if place.area == "arena":
            return f"memory + {place.offset}" if place.offset else "memory"
        if place.area == "table":
            constant = self.plan.constants[place.number]
            values = np.asarray(constant.data)
            return self.table(f"{self.prefix}constant_{place.number}", values, constant.name)
        ends = self.plan.graph.inputs if place.area == "input" else self.plan.graph.outputs
        return place.area if len(ends) == 1 else f"{place.area}_{place.number}"


def write_program(plan: Plan, variant: Variant, prefix: str = "") -> Program:
    """Return a plan in C as one variant computes it.

    Args:
        plan: The plan.
        variant: Whose kernels.
        prefix: What the names of tables and functions begin with.
    """
    writer = _Writer(plan, variant, prefix)
    calls = tuple(writer.call(number, step) for number, step in enumerate(plan.steps))
    kernels: dict[str, None] = {}
    for step in plan.steps:
        kernels |= dict.fromkeys(with_includes(choose(step, variant).function))
    return Program(
        tuple(kernels),
        writer.tables,
        writer.values,
        writer.functions,
        calls,
        writer.checksum,
        tuple(writer.hashed),
    )


def _value(value: Value, parameter: Parameter) -> str:
    if isinstance(value, Struct):
        return f"({parameter.type.removeprefix('const ')}){{ {', '.join(map(str, value.fields))} }}"
    return texts.number(value) if isinstance(value, float) else str(value)


def _words(values: NDArray[np.generic]) -> list[int]:
    """Return a table's entries as 32 bits each; those of 64 as two, the low ones first."""
    flat = values.ravel()
    whole = (flat.view(np.uint32) if values.dtype == np.float32 else flat).astype(np.int64)
    words = np.stack([whole, whole >> 32], axis=1) if values.dtype == np.int64 else whole
    found: list[int] = (words.ravel() & 0xFFFFFFFF).tolist()
    return found


def _comment(step: Step) -> str:
    shapes = [" x ".join(map(str, tensor.shape)) for tensor in (*step.inputs, *step.outputs)]
    layer = texts.comment(step.node.outputs[0].name)
    sources = ", ".join(shapes[:-1]) or "nothing"
    return f"{step.node.position}: {step.node.operator} {layer}: {sources} to {shapes[-1]}"
