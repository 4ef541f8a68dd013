"""A sweep file: each list in it is a dimension, and the points are the combinations."""

import difflib
import itertools
import math
import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..runtime.errors import OptionError
from ..runtime.files import read_limited
from .options import Export, Point, Training

_MAX_BYTES = 1 << 20
_TABLES: Mapping[str, type[msgspec.Struct]] = {"train": Training, "export": Export}
_LISTS_OF_NUMBERS = ("scale", "offset")  # one number a channel: a list of lists has several of them


@dataclass(frozen=True, slots=True)
class Space:
    """All points of a sweep.

    Attributes:
        dimensions: The values of each option that has any, by its name such as "train.seed".
    """

    dimensions: Mapping[str, tuple[Any, ...]]

    def __len__(self) -> int:
        return math.prod(len(values) for values in self.dimensions.values())

    def grid(self) -> Iterator[Point]:
        """Yield every point; the last dimension changes fastest."""
        for values in itertools.product(*self.dimensions.values()):
            yield self.point(dict(zip(self.dimensions, values, strict=True)))

    def sample(self, count: int, seed: int) -> Iterator[Point]:
        """Yield some points, drawn without repetition, in the order of the grid; all if there are fewer."""
        drawn = random.Random(seed).sample(range(len(self)), min(count, len(self)))  # noqa: S311 - no secret
        for number in sorted(drawn):
            chosen = {}
            for name, values in reversed(tuple(self.dimensions.items())):
                number, place = divmod(number, len(values))  # noqa: PLW2901 - its digits, from the last
                chosen[name] = values[place]
            yield self.point(chosen)

    def point(self, chosen: Mapping[str, Any]) -> Point:
        """Return the point with these values.

        Raises:
            OptionError: A value is not allowed, or values contradict each other.
        """
        tables: dict[str, dict[str, Any]] = {name: {} for name in _TABLES}
        for name, value in chosen.items():
            table, _, option = name.partition(".")
            tables[table][option] = value
        export = Export(**tables["export"]).checked()
        if export.model is not None:
            return Point(None, export)
        training = Training(**tables["train"])
        training.found_recipe()
        return Point(training, export)


def read_space(path: Path) -> Space:
    """Read a sweep file; paths in it are relative to it.

    Raises:
        OptionError: It cannot be read, is no TOML, or has an unknown key or a value that is not allowed.
    """
    try:
        document = tomllib.loads(read_limited(path, _MAX_BYTES).decode())
    except FileNotFoundError as error:
        raise OptionError(
            f"no such file: {path}", expected="a .toml file with the points to compute"
        ) from error
    except (OSError, ValueError) as error:
        raise OptionError(f"{path} is no TOML file", received=error) from error
    _require_known(f"{path} has an unknown table", document, _TABLES)
    dimensions: dict[str, tuple[Any, ...]] = {}
    for table, kind in _TABLES.items():
        options = document.get(table, {})
        if not isinstance(options, dict):
            raise OptionError(f"{path}: {table} is no table", received=options, expected=f"[{table}]")
        _require_known(f"{path} has an unknown key in [{table}]", options, kind.__struct_fields__)
        for option, value in options.items():
            name = f"{table}.{option}"
            values: list[Any] = [_converted(path, name, kind, each) for each in _listed(path, name, value)]
            if option in ("model", "labels"):
                values = [str((path.parent / each).resolve()) for each in values]
            dimensions[name] = tuple(dict.fromkeys(values))
    if "export.model" in dimensions and any(name.startswith("train.") for name in dimensions):
        raise OptionError(
            f"{path} names models and trains some",
            received="model in [export] beside the table [train]",
            fix="Remove one of them.",
        )
    space = Space(dimensions)
    first = {name: known[0] for name, known in dimensions.items()}
    for name, known in dimensions.items():  # every value once, so that no sweep fails after hours
        for value in known:
            space.point(first | {name: value})
    return space


def _listed(path: Path, name: str, value: Any) -> Sequence[Any]:
    plain = name.partition(".")[2] in _LISTS_OF_NUMBERS
    if isinstance(value, list) and not (plain and not any(isinstance(each, list) for each in value)):
        if not value:
            raise OptionError(f"{path}: {name} has no values", received="[]", expected="at least one")
        return value
    return [tuple(value) if isinstance(value, list) else value]


def _converted(path: Path, name: str, kind: type[msgspec.Struct], value: Any) -> Any:
    option = name.partition(".")[2]
    try:
        return getattr(msgspec.convert({option: value}, kind), option)
    except msgspec.ValidationError as error:
        raise OptionError(f"{path}: {name} has a value that is not allowed", received=error) from error


def _require_known(
    problem: str, document: Mapping[str, Any], known: Sequence[str] | Mapping[str, Any]
) -> None:
    for key in document:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise OptionError(
                problem,
                received=key,
                expected=f"one of {', '.join(known)}",
                fix=f"Did you mean {near[0]}?" if near else None,
            )
