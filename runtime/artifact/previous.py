"""The folder `previous`: what the last export displaced, and every model file that was ever replaced.

Derived files can be made again, so they stay until a later export displaces others. A model file may be the
only copy of a training: it gets a name with a part of its hash, and no command removes it.
"""

import os
import shutil
from pathlib import Path

from ..errors import ManifestError, OutputError
from ..files import replacing, sha256_of
from .manifest import MANIFEST_NAME, read_manifest

PREVIOUS = "previous"
_MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")
_HASH_DIGITS = 12


def is_model(path: Path) -> bool:
    """Whether a file's name is that of a source model, which nothing else can be made of again."""
    return path.suffix.lower() in _MODEL_SUFFIXES


def same_content(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes."""
    return one.stat().st_size == other.stat().st_size and sha256_of(one) == sha256_of(other)


def keep_model(path: Path) -> Path | None:
    """Copy a model that is about to be replaced to `previous`; return the copy, None if there is no model."""
    if not path.is_file():
        return None
    kept = _folder(path.parent) / _kept_name(path)
    if not (kept.is_file() and same_content(path, kept)):
        with replacing(kept) as temporary:
            shutil.copyfile(path, temporary)
    return kept


def displace(path: Path, displaced: Path) -> None:
    """Put a file that the new set replaces, and the manifest that records it, into the folder `displaced`.

    The file itself stays, so that it is there until the new one takes its place.
    """
    displaced.mkdir(exist_ok=True)
    manifest = path.with_name(MANIFEST_NAME)
    if manifest.is_file():
        _copy(manifest, displaced / MANIFEST_NAME)
    _copy(path, displaced / (_kept_name(path) if is_model(path) else path.name))


def archive(displaced: Path, folder: Path) -> None:
    """Let what was displaced take the place of what an earlier export displaced.

    Can be interrupted anywhere and called again: what is recorded goes first, the record last. OutputError if
    something else than a folder is in the way.
    """
    if not displaced.is_dir():
        return
    previous = _folder(folder)
    previous.mkdir(exist_ok=True)
    record = displaced / MANIFEST_NAME
    if record.exists():
        _clear(previous)
    for path in sorted(displaced.iterdir()):
        if path.name.startswith("."):  # an unfinished copy
            path.unlink()
        elif path != record:
            path.replace(previous / path.name)
            path.unlink(missing_ok=True)  # a rename between two names of one file does nothing
    if record.exists():
        record.replace(previous / MANIFEST_NAME)
    displaced.rmdir()


def _clear(previous: Path) -> None:
    """Remove the files that the record there names, but for models; a user's own files are not in it."""
    try:
        names = read_manifest(previous).files
    except ManifestError:
        return
    for name in names:
        if not is_model(Path(name)):
            (previous / name).unlink(missing_ok=True)
    (previous / MANIFEST_NAME).unlink()


def _folder(folder: Path) -> Path:
    previous = folder / PREVIOUS
    if previous.is_symlink() or (previous.exists() and not previous.is_dir()):
        raise OutputError(
            f"{previous} is no folder",
            expected="a folder for what an export or a training replaces",
            fix="Move it away, and run the command again.",
        )
    return previous


def _kept_name(path: Path) -> str:
    return f"{path.stem}.{sha256_of(path)[:_HASH_DIGITS]}{path.suffix}"


def _copy(path: Path, target: Path) -> None:
    """Give a file a second name, as a whole or not at all, unless an interrupted attempt did so."""
    if target.exists():
        return
    try:
        os.link(path, target)
    except OSError:  # file systems without hard links
        unfinished = target.with_name(f".{target.name}")
        shutil.copyfile(path, unfinished)
        unfinished.replace(target)
