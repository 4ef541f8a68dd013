from pathlib import Path

import pytest

from edgemnist.export.codegen.compiler import _commands, find_compiler


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
