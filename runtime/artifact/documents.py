"""The JSON documents of this project: each has a type, by which msgspec reads, checks and writes it.

A type is a `msgspec.Struct` with `frozen=True, forbid_unknown_fields=True`; what its fields' types cannot say
is in `Annotated[..., msgspec.Meta(...)]`, and what no type can in `__post_init__`, which raises `ValueError`.
"""

import inspect
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from ..errors import ArtifactError, EdgeMnistError
from ..files import read_json_bytes, write_text

T = TypeVar("T")


class _Versioned(msgspec.Struct):
    schema_version: Any = None


class DocumentType(msgspec.Struct, Generic[T], frozen=True):
    """A kind of document and its type.

    Attributes:
        name: What it is, such as "a manifest".
        struct: What it is decoded to.
        version: The newest schema version that is understood.
        fix: What to do where a document is damaged.
        error: What is raised then.
    """

    name: str
    struct: type[T]
    version: int
    fix: str
    error: type[EdgeMnistError] = ArtifactError

    def read(self, path: Path, *, inside: Path | None = None) -> T:
        """Read a document of limited size; `inside` is the folder that a link must not lead out of.

        Raises:
            FileNotFoundError: There is no such file.
            EdgeMnistError: As `decode` has it.
        """
        try:
            content = read_json_bytes(path, inside=inside)
        except FileNotFoundError:
            raise
        except (ValueError, OSError) as error:
            raise self.error(f"{path} cannot be read as JSON", received=error) from error
        return self.decode(content, path)

    def decode(self, content: bytes, path: Path) -> T:
        """Return a document as its type; `path` is for messages.

        Raises:
            EdgeMnistError: Of the class `error`: it is not JSON, not of the type, or of a newer edgemnist.
        """
        try:
            plain = _decoded(content)
            version = msgspec.convert(plain, _Versioned).schema_version
            if isinstance(version, int) and version > self.version:
                raise self.error(
                    f"{path} was written by a newer edgemnist",
                    received=f"schema version {version}",
                    expected=f"at most {self.version}",
                    fix="Upgrade with: pip install --upgrade edgemnist",
                )
            return msgspec.convert(plain, self.struct)
        except msgspec.ValidationError as error:
            raise self.error(f"{path} is not {self.name}", received=error, fix=self.fix) from error
        except (ValueError, RecursionError) as error:
            raise self.error(f"{path} cannot be read as JSON", received=error) from error

    def write(self, path: Path, document: T, *, indent: int | None = None) -> None:
        """Check a document by decoding what is about to be written, and write it whole or not at all."""
        text = encode(document, indent=indent)
        self.decode(text.encode(), path)
        write_text(path, text)


def encode(document: Any, *, indent: int | None = None) -> str:
    """Return Structs, dataclasses and numpy's scalars as JSON text, with a line break at its end."""
    from ..printable import json_text

    return json_text(msgspec.to_builtins(document, enc_hook=_plain), indent=indent) + "\n"


def schema(kind: DocumentType[Any]) -> str:
    """Return the JSON schema (draft 2020-12) of a kind of document as text: the file that is committed."""
    import json

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"edgemnist: {kind.name}"}
    document |= _dedented(msgspec.json.schema(kind.struct))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _dedented(value: Any) -> Any:
    """Return a schema with descriptions indented as Python 3.13 keeps docstrings, on every Python."""
    if isinstance(value, dict):
        return {
            key: inspect.cleandoc(item) if key == "description" and isinstance(item, str) else _dedented(item)
            for key, item in value.items()
        }
    return [_dedented(item) for item in value] if isinstance(value, list) else value


def _decoded(content: bytes) -> Any:
    """Return what JSON text stands for; ValueError if it is none."""
    try:
        return msgspec.json.decode(content)
    except (ValueError, RecursionError):
        # It also refuses the half characters of a path that is not UTF-8. Errors are told as Python has them.
        import json

        return json.loads(content, parse_constant=_refused)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _plain(value: Any) -> Any:
    """Return a numpy scalar as Python's number."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a document cannot hold a {type(value).__name__}")
