"""The compiler of C to WebAssembly that is found here: the PyPI package `ziglang`, or clang with wasm-ld.

Nothing is fetched: both bring all that freestanding C needs. The same version of a compiler makes the same
bytes of the same C.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from ...runtime.engines.registry import ENGINES
from ...runtime.errors import ConversionError

_ZIG = "ziglang"
_CLANG, _LINKER = "clang", "wasm-ld"
_VERSION = re.compile(r"clang version (\S+)")
_FLAGS = (
    "-std=c99",
    "-O3",
    "-ffreestanding",
    "-fno-builtin",
    "-nostdlib",
    "-Wl,--no-entry",
    "-Wl,--strip-all",
    "-Wl,-z,stack-size=65536",
)
_TIMEOUT_SECS = 600
_INSTALL = "Install it with: pip install 'edgemnist[web]'"
_SHOWN = 500


@dataclass(frozen=True, slots=True)
class WebCompiler:
    """A compiler of C to WebAssembly.

    Attributes:
        name: What it is, with its version, as a manifest records it.
        command: What it is called with, without the instructions that it may use.
        vectors: The flag that lets it use SIMD128.
        plain: The flag that leaves it with the first version of WebAssembly.
    """

    name: str
    command: tuple[str, ...]
    vectors: str
    plain: str

    def compile(self, text: bytes, *, vectors: bool, beside: Mapping[str, bytes] | None = None) -> bytes:
        """Return the module of a C file.

        Args:
            text: The C.
            vectors: Whether it may use SIMD128.
            beside: The files that it includes, by their names.

        Raises:
            ConversionError: The compiler failed, or took too long.
        """
        flag = self.vectors if vectors else self.plain
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
            source = Path(folder, "edgemnist-model.c")
            for name, content in (beside or {}).items():
                Path(folder, name).write_bytes(content)
            source.write_bytes(text)
            command = [*self.command, flag, *_FLAGS, "-o", "model.wasm", source.name]
            try:
                ended = subprocess.run(  # noqa: S603 - the compiler that the user installed
                    command,
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    check=False,
                    timeout=_TIMEOUT_SECS,
                )
            except subprocess.TimeoutExpired as error:
                raise ConversionError(f"{self.name} does not end", received=error) from error
            if ended.returncode:
                raise ConversionError(
                    f"{self.name} cannot compile the model to WebAssembly",
                    received=ended.stderr.strip()[-_SHOWN:],
                )
            return Path(folder, "model.wasm").read_bytes()


def require_engine() -> None:
    """Check that what WebAssembly is proven with is installed; ConversionError if it is not."""
    if not ENGINES["wasmtime"].available:
        raise ConversionError(
            "no engine of WebAssembly was found, to prove it with",
            received="no package wasmtime",
            fix=_INSTALL,
        )


class MissingWebCompilerError(ConversionError):
    """A compiler of C to WebAssembly that is needed and not found."""

    def __init__(self) -> None:
        super().__init__(
            "no compiler of C to WebAssembly was found",
            received=f"neither the package {_ZIG} nor {_CLANG} with {_LINKER}",
            fix=_INSTALL,
        )


def find_web_compiler() -> WebCompiler:
    """Return the compiler that is installed, `ziglang` before clang.

    Raises:
        MissingWebCompilerError: There is none.
    """
    if importlib.util.find_spec(_ZIG) is not None:
        return WebCompiler(
            f"{_ZIG} {metadata.version(_ZIG)}",
            (sys.executable, "-m", _ZIG, "cc", "-target", "wasm32-freestanding", "-fno-sanitize=all"),
            "-mcpu=mvp+simd128",
            "-mcpu=mvp",
        )
    found = _clang()
    if found is None:
        raise MissingWebCompilerError
    return found


def has_web_compiler() -> bool:
    """Return whether C can be compiled to WebAssembly here."""
    return importlib.util.find_spec(_ZIG) is not None or _clang() is not None


@cache
def _clang() -> WebCompiler | None:
    clang = shutil.which(_CLANG)
    if clang is None:
        return None
    said = subprocess.run([clang, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = _VERSION.search(said)
    number = version[1] if version else "0"
    major = number.split(".")[0]
    # Debian's has the release in its name.
    linker = shutil.which(f"{_LINKER}-{major}") or shutil.which(_LINKER)
    if version is None or linker is None:
        return None
    command = (clang, "--target=wasm32", "-mcpu=mvp")
    return WebCompiler(f"{_CLANG} {number}", (*command, f"-fuse-ld={linker}"), "-msimd128", "-mno-simd128")
