"""Kernels for processors that have more than plain C: which there are, and which a layer takes.

Each module here is one variant: `VARIANT = Variant(name, guard, implementations)`. An implementation is the
file
`kernels/<kernel>_<variant>.c`, whose function of that name has the struct and the parameters of the plain
kernel, but for its tables, which it may lay out as it likes, and a last parameter `scratch` where it asks for
memory. It may have a struct of its own. It gives the same bytes, and walks as the plain kernel's `Rows` say.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..graph.ir import Step, Table

__all__ = ["HOST", "MICROCONTROLLER", "PLAIN", "Implementation", "Variant", "variant"]


def _same_shape(step: Step) -> Mapping[str, int]:
    return step.shape


def _same_tables(step: Step) -> tuple[Table, ...]:
    return step.tables


def _always(_: Step) -> bool:
    return True


def _no_scratch(_: Step) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Implementation:
    """A kernel for some processors.

    Attributes:
        tables: Returns the step's tables as this kernel wants them.
        supports: Returns whether it can do this step; the next variant, at last plain C, does it where not.
        shape: Returns the fields of its struct, where it has a struct of its own.
        scratch_bytes: Returns how much memory of the arena it needs while it runs; a multiple of 4.
    """

    tables: Callable[[Step], tuple[Table, ...]] = _same_tables
    supports: Callable[[Step], bool] = _always
    shape: Callable[[Step], Mapping[str, int]] = _same_shape
    scratch_bytes: Callable[[Step], int] = _no_scratch


@dataclass(frozen=True, slots=True)
class Variant:
    """Kernels for some processors.

    Attributes:
        name: What the kernels' files and functions end with; "" for plain C.
        guard: The preprocessor's condition for them.
        implementations: By the plain kernel's name.
        falls_to: The variant that does what this one has no kernel for; None for plain C.
        target: What the compiler's attribute `target` is given, in the library for this machine.
        check: An expression in C that is true where the processor can run it, there.
    """

    name: str
    guard: str = ""
    implementations: Mapping[str, Implementation] = field(default_factory=dict)
    falls_to: "Variant | None" = None
    target: str = ""
    check: str = "1"


PLAIN = Variant("")


def variant(name: str) -> Variant:
    """Return a variant by its name."""
    loaded: Variant = importlib.import_module(f"{__name__}.{name}").VARIANT
    return loaded


def _present(names: tuple[str, ...]) -> tuple[Variant, ...]:
    """Return those variants that there are, and plain C."""
    present = {module.name for module in pkgutil.iter_modules(__path__)}
    return (*(variant(name) for name in names if name in present), PLAIN)


MICROCONTROLLER: tuple[Variant, ...] = _present(("mve", "dsp"))
HOST: tuple[Variant, ...] = _present(("vnni", "avxvnni", "avx2", "neon"))
