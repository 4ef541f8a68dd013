"""`edgemnist.toml`: a project's own model, data and limits, as the defaults of every command's options."""

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..runtime.errors import OptionError
from ..runtime.files import read_limited

FILE = Path("edgemnist.toml")
_MAX_BYTES = 1 << 20

Numbers = float | tuple[float, ...]
Share = Annotated[float, Meta(ge=0, le=1)]


class Input(Struct, frozen=True):
    """The table `[input]`: what the model takes; as the options of these names."""

    kind: str | UnsetType = UNSET
    scale: Numbers | UnsetType = UNSET
    offset: Numbers | UnsetType = UNSET


class Limits(Struct, frozen=True):
    """The table `[tolerances]`: how far artifacts may differ from the model; as the options of that name."""

    min_agreement: Share | UnsetType = UNSET
    max_accuracy_drop: Share | UnsetType = UNSET
    atol: Annotated[float, Meta(ge=0)] | UnsetType = UNSET


class Project(Struct, frozen=True):
    """The keys of the file; each is the option of that name, and paths are relative to the file.

    Attributes:
        model: The Keras model to export.
        data: The data set.
        labels: A file of class names, or the names themselves.
        artifacts: The folder of the artifacts.
        formats: What `export` makes where no `--format` is given.
        input: What the model takes.
        tolerances: How far artifacts may differ from the model.
    """

    model: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    labels: str | UnsetType = UNSET
    artifacts: str | UnsetType = UNSET
    formats: tuple[str, ...] | UnsetType = UNSET
    input: Input = Input()
    tolerances: Limits = Limits()


def read_defaults(path: Path = FILE) -> dict[str, Any]:
    """Return the values of options that a project's file sets, by the names of the parameters.

    Raises:
        OptionError: The file is no TOML, has an unknown key, or a value of the wrong type.
    """
    try:
        content = read_limited(path, _MAX_BYTES)
    except FileNotFoundError:
        return {}
    try:
        document = tomllib.loads(content.decode())
    except ValueError as error:
        raise OptionError(f"{path} is no TOML file", received=error) from error
    _require_known(path, document, Project)
    for table in ("input", "tolerances"):
        if isinstance(document.get(table), dict):
            _require_known(path, document[table], {"input": Input, "tolerances": Limits}[table], table)
    try:
        project = msgspec.convert(document, Project)
    except msgspec.ValidationError as error:
        raise OptionError(f"{path} has a value of the wrong type", received=error) from error
    values: dict[str, Any] = msgspec.to_builtins(project)
    values |= values.pop("input") | values.pop("tolerances")
    if "kind" in values:
        values["input_kind"] = values.pop("kind")
    for name in ("scale", "offset"):
        if name in values:
            numbers = values[name]
            values[name] = (
                ",".join(map(repr, numbers)) if isinstance(numbers, (list, tuple)) else repr(numbers)
            )
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
