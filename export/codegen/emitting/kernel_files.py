"""The kernels' C: read from the files in `kernels`, with what they include, and their parameters."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r'^#include "(\w+)\.c"\n', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a kernel.

    Attributes:
        type: Its type in C, such as "const int8_t *".
        name: Its name.
    """

    type: str
    name: str

    @property
    def declaration(self) -> str:
        """The parameter as it is declared."""
        return f"{self.type}{self.name}" if self.type.endswith("*") else f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class KernelFile:
    """A file of `kernels`.

    Attributes:
        name: Its name without ".c".
        includes: The files that must stand before it.
        text: What it holds, without the includes.
    """

    name: str
    includes: tuple[str, ...]
    text: str


@cache
def read_kernel(name: str) -> KernelFile:
    """Return a file of `kernels`."""
    text = (files("edgemnist.export.codegen") / "kernels" / f"{name}.c").read_text(encoding="ascii")
    return KernelFile(name, tuple(_INCLUDE.findall(text)), _INCLUDE.sub("", text).strip("\n") + "\n")


def with_includes(name: str) -> tuple[str, ...]:
    """Return the names of a file and of all that it needs, in the order in which they stand."""
    found: dict[str, None] = {}
    for included in read_kernel(name).includes:
        found |= dict.fromkeys(with_includes(included))
    return (*found, name)


@cache
def parameters(name: str) -> tuple[Parameter, ...]:
    """Return the parameters of the kernel of a file, without its struct."""
    declared = re.search(rf"^KERNEL void {name}\(([^)]*)\)", read_kernel(name).text, re.MULTILINE)
    if declared is None:
        raise LookupError(f"kernels/{name}.c declares no kernel of its name")
    _, *others = " ".join(declared[1].split()).split(", ")
    return tuple(_parameter(text) for text in others)


@cache
def struct_fields(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the fields of the struct of the kernel of a file."""
    declared = re.search(rf"^KERNEL void {name}\(\s*const struct (\w+)", read_kernel(name).text, re.MULTILINE)
    if declared is None:
        raise LookupError(f"kernels/{name}.c declares no kernel of its name")
    for file in with_includes(name):
        body = re.search(
            rf"^struct {declared[1]} {{\n(.*?)^}};", read_kernel(file).text, re.MULTILINE | re.DOTALL
        )
        if body:
            plain = re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL)
            return declared[1], tuple(re.findall(r"(\w+)\s*[,;]", plain))
    raise LookupError(f"kernels/{name}.c declares no struct {declared[1]}")


def _parameter(text: str) -> Parameter:
    kind, name = re.fullmatch(r"(.*?[ *])(\w+)", text).groups()  # type: ignore[union-attr]
    return Parameter(kind.strip() if not kind.endswith("*") else kind, name)
