"""The registry: one module an operator, in folders by kind, with its shapes, checks and lowering to kernels.

A new operator is one new module in one of the folders that has `OPERATOR` or `OPERATORS`, its kernel in
`kernels` if no other will do, and its test. The table in the documentation is made of this registry.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..arithmetic.fixed_point import Match
from ..graph.ir import Lowered, Node, Shape

__all__ = ["OPERATORS", "Operator"]


@dataclass(frozen=True, slots=True)
class Operator:
    """What the generator knows of an operator.

    Attributes:
        name: The format's own name for it.
        shapes: Returns the shapes of the outputs.
        lower: Returns the calls of kernels, or an alias; raises `ConversionError` for what there is no C for.
            None for an operator of which there is only a fold.
        fold: Returns the outputs' values where they are known before anything runs; None where it cannot.
        element_types: What its activations may be.
        rounding: How it rounds, for the table in the documentation.
        notes: What a user should know, for the same table.
    """

    name: str
    shapes: Callable[[Node], tuple[Shape, ...]]
    lower: Callable[[Node, Match], Lowered] | None = None
    fold: Callable[[Node], tuple[NDArray[Any], ...] | None] | None = None
    element_types: tuple[str, ...] = ("int8",)
    rounding: str = "none"
    notes: str = ""


def _found() -> dict[str, Operator]:
    found: dict[str, Operator] = {}
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        if module.ispkg:
            continue
        loaded = importlib.import_module(module.name)
        for operator in getattr(loaded, "OPERATORS", ()) or (loaded.OPERATOR,):
            found[operator.name] = operator
    return dict(sorted(found.items()))


OPERATORS: dict[str, Operator] = _found()
