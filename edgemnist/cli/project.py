"""`edgemnist.toml`: a project's own model, data and limits, as the defaults of every command's options."""

import difflib
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..runtime.errors import OptionError
from ..runtime.files import read_limited
from ..runtime.signature import InputKind, OutputKind

_MAX_BYTES = 1 << 20

Numbers = float | tuple[float, ...]
Share = Annotated[float, Meta(ge=0, le=1)]
NotNegative = Annotated[float, Meta(ge=0)]


class Input(Struct, frozen=True):
    """The table `[input]`: what the model takes; as the options of these names."""

    kind: InputKind | UnsetType = UNSET
    scale: Numbers | UnsetType = UNSET
    offset: Numbers | UnsetType = UNSET


class Output(Struct, frozen=True):
    """The table `[output]`: what the model gives."""

    kind: OutputKind | UnsetType = UNSET


class Limits(Struct, frozen=True):
    """The table `[tolerances]`: how far artifacts may differ from the model; options of these names."""

    min_agreement: Share | UnsetType = UNSET
    max_accuracy_drop: Share | UnsetType = UNSET
    atol: NotNegative | UnsetType = UNSET
    max_error: NotNegative | UnsetType = UNSET


_TABLES: dict[str, type[Struct]] = {"input": Input, "output": Output, "tolerances": Limits}
# Other commands have options of these names that mean something else.
_READ_ONLY_BY = {
    "model": ("export",),
    "formats": ("export",),
    **dict.fromkeys(Limits.__struct_fields__, ("export", "verify")),
}


class Project(Struct, frozen=True):
    """The keys of the file; each is the option of that name, and paths are relative to the file.

    Attributes:
        model: The Keras model to export.
        data: The data set.
        resize: Whether pictures of the data set are resized to the model's input.
        labels: A file of class names, or a list of the names themselves.
        artifacts: The folder of the artifacts.
        formats: What `export` makes where no `--format` is given.
        input: What the model takes.
        output: What it gives.
        tolerances: How far artifacts may differ from the model.
    """

    model: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    resize: bool | UnsetType = UNSET
    labels: str | tuple[str, ...] | UnsetType = UNSET
    artifacts: str | UnsetType = UNSET
    formats: tuple[str, ...] | UnsetType = UNSET
    input: Input = Input()
    output: Output = Output()
    tolerances: Limits = Limits()


def read_defaults(command: str, options: Collection[str], path: Path) -> dict[str, Any]:
    """Return the values that a project's file sets of a command's options, by the names of its parameters.

    Args:
        command: The command's name.
        options: The names of all its parameters.
        path: The file; if it is not there, nothing is set.

    Raises:
        OptionError: The file cannot be read, is no TOML, has an unknown key, or a value of the wrong type.
    """
    try:
        content = read_limited(path, _MAX_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OptionError(f"{path} cannot be read", received=error.strerror or error) from error
    try:
        document = tomllib.loads(content.decode())
    except ValueError as error:
        raise OptionError(f"{path} is no TOML file", received=error) from error
    values = _flat(_checked(path, document))
    return {
        name: value
        for name, value in values.items()
        if name in options and command in _READ_ONLY_BY.get(name, (command,))
    }


def _checked(path: Path, document: dict[str, Any]) -> Project:
    _require_known(path, document, Project)
    for table, kind in _TABLES.items():
        if isinstance(document.get(table), dict):
            _require_known(path, document[table], kind, table)
    try:
        return msgspec.convert(document, Project)
    except msgspec.ValidationError as error:
        raise OptionError(f"{path} has a value that is not allowed", received=error) from error


def _flat(project: Project) -> dict[str, Any]:
    """Return the values as options have them on the command line."""
    values: dict[str, Any] = msgspec.to_builtins(project)
    values |= values.pop("tolerances")
    for table in ("input", "output"):
        values |= {
            f"{table}_kind" if key == "kind" else key: value for key, value in values.pop(table).items()
        }
    for name in {"scale", "offset"} & values.keys():
        numbers = values[name]
        values[name] = ",".join(map(repr, numbers if isinstance(numbers, (list, tuple)) else [numbers]))
    return values


def _require_known(path: Path, document: dict[str, Any], kind: type[Struct], table: str = "") -> None:
    known = kind.__struct_fields__
    for key in document:
        if key not in known:
            raise OptionError(
                f"{path} has an unknown key" + (f" in [{table}]" if table else ""),
                received=key,
                expected=f"one of {', '.join(known)}",
                fix=_suggestion(key, known),
            )


def _suggestion(key: str, known: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(key, known, 1)
    return f"Did you mean {near[0]}?" if near else None
