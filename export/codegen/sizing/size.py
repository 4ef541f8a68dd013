"""What a network takes on a microcontroller, layer by layer: flash and RAM."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ....runtime.errors import ConversionError
from ..artifact import make_c
from ..emitting.emit import Program, write_program
from ..emitting.writing import read_plan
from ..planning.plan import Plan
from ..variants import MICROCONTROLLER

if TYPE_CHECKING:
    from ..graph.ir import Tensor

_NAME = "model"
_SHOWN = 300
_NM_FIELDS = 4


@dataclass(frozen=True, slots=True)
class LayerSize:
    """What a layer takes.

    Attributes:
        number: Its place among the calls.
        operator: The format's own name for it.
        name: What the file calls its output.
        output: The shape of its output.
        weight_bytes: Its tables; one that several layers share is counted where it comes first.
        code_bytes: Its function; one that several layers share is counted where it comes first. None where
            nothing compiled it.
        ram_bytes: How far the arena is in use while it runs.
    """

    number: int
    operator: str
    name: str
    output: tuple[int, ...]
    weight_bytes: int
    code_bytes: int | None
    ram_bytes: int

    @property
    def flash_bytes(self) -> int:
        """Weights and code, as far as it is known."""
        return self.weight_bytes + (self.code_bytes or 0)


@dataclass(frozen=True, slots=True)
class Block:
    """A tensor's place in the arena while it lives.

    Attributes:
        name: What the file calls it.
        begin: Its first byte.
        size_bytes: Its size.
        first: The call that writes it.
        last: The last call that reads it.
    """

    name: str
    begin: int
    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What a network takes.

    Attributes:
        layers: Layer by layer.
        blocks: The arena's tensors.
        arena_bytes: The arena.
        end_bytes: The model's inputs and outputs, which the caller keeps.
        weight_bytes: All tables.
        code_bytes: All code; None where nothing compiled it.
    """

    layers: tuple[LayerSize, ...]
    blocks: tuple[Block, ...]
    arena_bytes: int
    end_bytes: int
    weight_bytes: int
    code_bytes: int | None

    @property
    def flash_bytes(self) -> int:
        """Weights and code, as far as it is known."""
        return self.weight_bytes + (self.code_bytes or 0)

    @property
    def ram_bytes(self) -> int:
        """The arena, inputs and outputs; the stack, some hundred bytes, is not in it."""
        return self.arena_bytes + self.end_bytes

    def excess(self, flash_bytes: int | None, ram_bytes: int | None) -> list[str]:
        """Return a sentence for each limit that is exceeded, with the layer that takes most."""
        found = []
        if flash_bytes is not None and self.flash_bytes > flash_bytes:
            worst = max(self.layers, key=lambda layer: layer.flash_bytes)
            found.append(
                f"it takes {self.flash_bytes:,} bytes of flash and there are {flash_bytes:,}: most are those"
                f" of {worst.operator} {worst.name!r} (layer {worst.number}), {worst.flash_bytes:,}"
            )
        if ram_bytes is not None and self.ram_bytes > ram_bytes:
            worst = max(self.layers, key=lambda layer: layer.ram_bytes)
            found.append(
                f"it takes {self.ram_bytes:,} bytes of RAM and there are {ram_bytes:,}: most is in use at"
                f" {worst.operator} {worst.name!r} (layer {worst.number}), {worst.ram_bytes:,}"
            )
        return found


def measure(content: bytes, compiler: Sequence[str] = (), nm: str = "nm") -> ModelSize:
    """Return what a full-integer TFLite file takes as C.

    Args:
        content: The file.
        compiler: The compiler of the microcontroller and its options; nothing is compiled without it.
        nm: The tool that lists the symbols of what it makes.

    Raises:
        ArtifactError: It is no TFLite file.
        ConversionError: There is no C for it, or the compiler failed.
    """
    plan = read_plan(content)
    program = write_program(plan, MICROCONTROLLER[-1])
    code = _code(content, compiler, nm) if compiler else None
    blocks = _blocks(plan)
    tables = {name: size * _item_bytes(kind) for name, kind, size in program.hashed}
    return ModelSize(
        layers=_layers(plan, program, tables, blocks, code),
        blocks=blocks,
        arena_bytes=plan.arena_bytes,
        end_bytes=sum(tensor.size_bytes for tensor in (*plan.graph.inputs, *plan.graph.outputs)),
        weight_bytes=sum(tables.values()),
        code_bytes=None if code is None else sum(code.values()),
    )


def _item_bytes(kind: str) -> int:
    return int("".join(character for character in kind if character.isdigit()) or "32") // 8


def _layers(
    plan: Plan,
    program: Program,
    tables: Mapping[str, int],
    blocks: tuple[Block, ...],
    code: Mapping[str, int] | None,
) -> tuple[LayerSize, ...]:
    seen: set[str] = set()
    layers = []
    for number, (step, call) in enumerate(zip(plan.steps, program.calls, strict=True)):
        function = call.text.partition("(")[0]
        mine = [name for name in tables if name in _words(call.text) and name not in seen]
        fresh = function not in seen
        seen |= {function, *mine}
        scratch = sum(plan.scratch.get(number, (0, 0)))
        used = [one.begin + one.size_bytes for one in blocks if one.first <= number <= one.last]
        layers.append(
            LayerSize(
                number,
                step.node.operator,
                step.node.outputs[0].name,
                step.outputs[0].shape,
                sum(tables[name] for name in mine),
                None if code is None else code.get(function, 0) if fresh else 0,
                max([*used, scratch], default=0),
            )
        )
    return tuple(layers)


def _words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())


def _blocks(plan: Plan) -> tuple[Block, ...]:
    lives: dict[Tensor, list[int]] = {}
    for number, step in enumerate(plan.steps):
        for tensor in (*step.inputs, *step.outputs):
            if plan.places[tensor].area == "arena":
                lives.setdefault(plan.roots[tensor], []).append(number)
    return tuple(
        Block(tensor.name, plan.places[tensor].offset, tensor.size_bytes, min(calls), max(calls))
        for tensor, calls in lives.items()
    )


def _code(content: bytes, compiler: Sequence[str], nm: str) -> dict[str, int]:
    """Return the bytes of each function of the model, compiled."""
    generated = make_c(content, _NAME)
    with tempfile.TemporaryDirectory() as folder:
        source = generated.write(Path(folder))
        made = Path(folder, "model.o")
        _run([*compiler, "-std=c99", "-ffreestanding", "-c", str(source), "-o", str(made)])
        lines = [line.split() for line in _run([nm, "-S", str(made)]).splitlines()]
    sizes: dict[str, int] = {}
    for _, size, kind, symbol in (one for one in lines if len(one) == _NM_FIELDS):
        name = symbol.partition(".")[0]  # gcc calls a function that it has specialized `name.constprop.0`
        if kind in "tT" and not name.endswith(("_checksum", "_classify", "_probabilities")):
            sizes[name] = sizes.get(name, 0) + int(size, 16)
    return sizes


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(  # noqa: S603 - a compiler, on what was generated here
        command, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise ConversionError(f"{command[0]} failed", received=done.stderr.strip()[-_SHOWN:])
    return done.stdout
