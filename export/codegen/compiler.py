"""The C compiler that is found here, and the shared library that it makes of an `int8.c` artifact."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ...runtime.engines.c_binding import SOURCE, binding_name
from ...runtime.engines.registry import LIBRARY_SUFFIX
from ...runtime.errors import ConversionError, MissingCompilerError
from ...runtime.files import sha256_of
from ...runtime.isolation.native_code import keep_build, kept_build, remember_build

_COMPILERS = ("cc", "gcc", "clang")
_FLAGS = ("-std=c99", "-O3", "-shared", "-fPIC")
_BINDING_FLAGS = ("-std=c11", "-O2", "-shared", "-fPIC")
_MAC_FLAGS = ("-undefined", "dynamic_lookup")  # Python's functions are in the program that loads it
_HOST = "_host.c"
_SHOWN = 500


def find_compiler() -> tuple[str, ...]:
    """Return the command of the C compiler: what the variable CC says, else the first that is installed.

    Raises:
        MissingCompilerError: There is none, or CC names none.
    """
    named = os.environ.get("CC", "").strip()
    for command in _commands(named, windows=os.name == "nt") if named else [[name] for name in _COMPILERS]:
        if command and shutil.which(command[0]):
            return tuple(command)
    raise MissingCompilerError(f"CC={named}" if named else f"none of {', '.join(_COMPILERS)}")


def _commands(named: str, *, windows: bool) -> Iterator[list[str]]:
    """Yield what CC may mean: one program, whose path may have spaces, or a program and its options.

    On Windows a backslash is part of a path, and only double quotes hold words together.
    """
    yield [named]
    with suppress(ValueError):  # a quote that is not closed
        words = shlex.split(named, posix=not windows)
        yield [word.strip('"') for word in words] if windows else words


def has_compiler() -> bool:
    """Return whether an `int8.c` artifact can be compiled here."""
    try:
        find_compiler()
    except MissingCompilerError:
        return False
    return True


def compiled(name: str, files: Mapping[str, bytes]) -> bytes:
    """Return the shared library of an artifact that is not on disk yet, and record that it was built here.

    Args:
        name: What its files are called, such as "mnist.int8".
        files: Their content, by what their names have after that.

    Raises:
        MissingCompilerError: There is no C compiler.
        ConversionError: It failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        for ending, content in files.items():
            Path(folder, f"{name}{ending}").write_bytes(content)
        library = Path(folder, f"{name}{LIBRARY_SUFFIX}")
        _compile(Path(folder, f"{name}{_HOST}"), library)
        content = library.read_bytes()
    remember_build(hashlib.sha256(content).hexdigest())
    build_binding()
    return content


def build_binding() -> bool:
    """Build what calls libraries quicker than ctypes does, unless it is there; return whether it is.

    It is not where Python's headers are missing or nothing can be kept.
    """
    name, headers = binding_name(), sysconfig.get_path("include")
    if name is None or not Path(headers, "Python.h").is_file():
        return False
    if kept_build(name) is None:
        flags = (*_BINDING_FLAGS, *(_MAC_FLAGS if sys.platform == "darwin" else ()), f"-I{headers}")
        with tempfile.TemporaryDirectory() as folder, suppress(ConversionError):
            made = Path(folder, name)
            _compile(SOURCE, made, flags)
            keep_build(name, made.read_bytes())
    return kept_build(name) is not None


@contextmanager
def libraries(path: Path, built: Path | None) -> Iterator[dict[Path, str | None]]:
    """Yield what can be run of an `int8.c` artifact: a library compiled anew, and one that was built before.

    Each comes with the sha256 that lets it be loaded: for one that was built before, its record does.

    Args:
        path: The C file, which the caller has generated.
        built: The library, if there is one.

    Raises:
        MissingCompilerError: There is no C compiler, and no library.
        ConversionError: The compiler failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, f"{path.stem}{LIBRARY_SUFFIX}")
        found: dict[Path, str | None] = {built: None} if built else {}
        try:
            _compile(path.with_name(path.stem + _HOST), made)
        except MissingCompilerError:
            if not found:
                raise
            yield found
        else:
            yield {made: sha256_of(made), **found}


def _compile(source: Path, library: Path, flags: Sequence[str] = _FLAGS) -> None:
    command = [*find_compiler(), *flags, "-o", library.name, str(source.absolute())]
    ended = subprocess.run(  # noqa: S603 - the compiler that the user named or installed
        command, cwd=library.parent, capture_output=True, text=True, errors="replace", check=False
    )
    if ended.returncode:
        raise ConversionError(
            f"{command[0]} cannot compile {source.name}", received=ended.stderr.strip()[-_SHOWN:]
        )
