import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.export.compiling import _commands, find_compiler

BUILD_AND_LOAD = """
import ctypes, sys
from edgemnist.export.compiling import compiled
from edgemnist.runtime.private_folder import private_folder
content = compiled("one", {"_host.c": b"int one(void) { return 1; }"})
with private_folder() as folder:
    (folder / "one.so").write_bytes(content)
    print(ctypes.CDLL(str(folder / "one.so")).one())
"""


@pytest.fixture
def compiler(tmp_path: Path) -> Path:
    """A compiler whose path has spaces."""
    path = tmp_path / "my tools" / "cc"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_cc_may_be_a_path_with_spaces(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", str(compiler))
    assert find_compiler() == (str(compiler),)


def test_cc_may_be_a_quoted_path_and_options(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", f'"{compiler}" -m64')
    assert find_compiler() == (str(compiler), "-m64")


def test_cc_may_be_a_launcher_a_compiler_and_options(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler.rename(compiler.with_name("ccache"))
    monkeypatch.setenv("PATH", str(compiler.parent))
    monkeypatch.setenv("CC", " ccache gcc -m64 ")
    assert find_compiler() == ("ccache", "gcc", "-m64")


def test_backslashes_are_part_of_a_path_on_windows() -> None:
    quoted = r'"C:\Program Files\LLVM\bin\clang.exe" -m64'
    assert list(_commands(quoted, windows=True))[1] == [r"C:\Program Files\LLVM\bin\clang.exe", "-m64"]
    assert list(_commands(r"C:\mingw\gcc.exe -m64", windows=True))[1] == [r"C:\mingw\gcc.exe", "-m64"]


def test_an_open_quote_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgemnist.runtime.errors import MissingCompilerError

    monkeypatch.setenv("CC", "'gcc")
    with pytest.raises(MissingCompilerError, match="'gcc"):
        find_compiler()


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt install gcc")
def test_a_library_is_built_and_loaded_where_the_temporary_folder_is_mounted_noexec(
    tmp_path: Path, noexec_temporary_folder: list[str]
) -> None:
    ended = subprocess.run(
        [*noexec_temporary_folder, sys.executable, "-P", "-c", BUILD_AND_LOAD],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "1\n"
