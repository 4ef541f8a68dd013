"""The results folder: every answer under the hash of its question, every file under that of its content.

`files/<sha256>.int8.tflite`, `trained/<key>.json`, `points/<key>.json` and so on: each is written once and
whole, so that a sweep that was killed goes on where it was, and two of them may share a folder.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from ..runtime.artifact.documents import encode
from ..runtime.artifact.manifest import FileName, ParityRecord, Sha256
from ..runtime.errors import IntegrityError, MissingExtraError, OptionError, OutputError, first_line
from ..runtime.files import MAX_MODEL_BYTES, read_limited, require_writable, write_bytes, writing

T = TypeVar("T")
_FILES = "files"


class TrainedRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A training that is done: the sha256 of the model's file, and how good it was."""

    model: Sha256
    parameters: int
    val_accuracy: float


class PointRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A point that is done.

    Attributes:
        files: The sha256 of each file, the artifact first; none where the proof failed.
        failures: A sentence for each check that failed.
        size_bytes: Of the artifact.
        parity: How it compares with the Keras model.
    """

    files: dict[FileName, Sha256]
    failures: tuple[str, ...]
    size_bytes: int | None
    parity: ParityRecord | None

    @property
    def artifact(self) -> str:
        """The artifact's file name, or "" where there is none."""
        return next(iter(self.files), "")


class Storage(Protocol):
    """Where results are: files by relative names with slashes, each written whole or not at all."""

    def read(self, name: str) -> bytes:
        """Return a file's content; FileNotFoundError if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file; OutputError if that cannot be done."""

    def remove(self, name: str) -> None:
        """Remove a file; OutputError if that cannot be done."""

    def names(self) -> set[str]:
        """Return the names of all files."""


class FolderStorage:
    """Results in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if need be.

        Raises:
            OutputError: Nothing can be written there.
        """
        require_writable(folder)
        self._folder = folder

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return read_limited(self._folder / name, MAX_MODEL_BYTES)

    def write(self, name: str, content: bytes) -> None:
        """Write a file."""
        write_bytes(self._folder / name, content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with writing(str(self._folder / name)):
            (self._folder / name).unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Return the names of all files."""
        return {path.relative_to(self._folder).as_posix() for path in self._folder.glob("*/*")}


class UrlStorage:
    """Results at a URL that fsspec knows, such as s3://bucket/sweep."""

    def __init__(self, url: str) -> None:
        """Find the file system.

        Raises:
            MissingExtraError: fsspec is not installed.
            OptionError: fsspec knows no such URL, or lacks the package for it.
        """
        try:
            import fsspec
        except ImportError as error:
            raise MissingExtraError("fsspec", "cluster", "An output that is a URL") from error
        try:
            self._system, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError, OSError) as error:
            raise OptionError("no place for results", received=f"{url} ({first_line(error)})") from error

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return bytes(self._system.cat_file(f"{self._root}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        """Write a file; object stores show one only when it is whole."""
        path = f"{self._root}/{name}"
        with writing(path):
            self._system.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            self._system.pipe_file(path, content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with writing(f"{self._root}/{name}"):
            self._system.rm_file(f"{self._root}/{name}")

    def names(self) -> set[str]:
        """Return the names of all files."""
        try:
            found = self._system.find(self._root)
        except FileNotFoundError:
            return set()
        root = self._root.strip("/") + "/"
        return {path.strip("/").removeprefix(root) for path in found}


def open_storage(place: str) -> Storage:
    """Return the storage at a path or a URL; errors as of the two kinds."""
    return UrlStorage(place) if "://" in place else FolderStorage(Path(place))


class Results:
    """All answers of a results folder. What cannot be read, or misses a file, counts as not there."""

    def __init__(self, storage: Storage) -> None:
        """Read what is there.

        Raises:
            OutputError: The place cannot be read.
        """
        self._storage = storage
        self._written: set[str] = set()
        try:
            self._names = storage.names()
        except OSError as error:
            raise OutputError("the results cannot be read", received=error) from error

    def find(self, kind: str, key: str, struct: type[T]) -> T | None:
        """Return the record of that kind and key, or None if there is none."""
        name = f"{kind}/{key}.json"
        if name not in self._names:
            return None
        try:
            found = msgspec.json.decode(self._storage.read(name), type=struct)
        except (OSError, msgspec.MsgspecError, ValueError):
            return None
        return found if all(self._has(file, sha256) for file, sha256 in _files_in(found).items()) else None

    def keep(self, kind: str, key: str, record: Any) -> None:
        """Write a record, after the files that it names."""
        self.write(f"{kind}/{key}.json", encode(record).encode())

    def keep_files(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Write files under the hashes of their contents, and return these by file name.

        One that was there before is written all the same: where a URL leads, a writer that was killed may
        have left half of it.
        """
        kept = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        for name, sha256 in kept.items():
            if _place(name, sha256) not in self._written:
                self.write(_place(name, sha256), files[name])
        return kept

    def read_file(self, name: str, sha256: str) -> bytes:
        """Return the content of a file.

        Raises:
            IntegrityError: It is another one by now, or gone.
        """
        try:
            content = self._storage.read(_place(name, sha256))
        except OSError as error:
            raise IntegrityError(f"{_place(name, sha256)} cannot be read", received=error) from error
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            raise IntegrityError(
                f"{_place(name, sha256)} is another file by now",
                received=f"sha256 {found}",
                fix="Remove it and start the sweep again, which computes it anew.",
            )
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file of any name; OutputError if that cannot be done."""
        self._storage.write(name, content)
        self._names.add(name)
        self._written.add(name)

    def replace_folder(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Let a folder of plain names have these files and no others."""
        for name, content in files.items():
            self.write(f"{folder}/{name}", content)
        wanted = {f"{folder}/{name}" for name in files}
        for old in [name for name in self._names if name.startswith(f"{folder}/") and name not in wanted]:
            self._storage.remove(old)
            self._names.discard(old)

    def _has(self, name: str, sha256: str) -> bool:
        return _place(name, sha256) in self._names


def _place(name: str, sha256: str) -> str:
    """Return where a file is: its name says what it is from its first dot on."""
    _, dot, kind = PurePosixPath(name).name.partition(".")
    return f"{_FILES}/{sha256}{dot}{kind}"


def _files_in(record: object) -> Mapping[str, str]:
    if isinstance(record, PointRecord):
        return record.files
    return {"model.keras": record.model} if isinstance(record, TrainedRecord) else {}
