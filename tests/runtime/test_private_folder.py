import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edgemnist.runtime.errors import EngineError
from edgemnist.runtime.isolation.native_code import private_folder

NO_OTHER_PLACE = """
import edgemnist.runtime.isolation.native_code
edgemnist.runtime.isolation.native_code._OTHER_PLACES = ()
"""
SHOW_FOLDER = """
from edgemnist.runtime.isolation.native_code import private_folder
with private_folder() as folder:
    print(folder)
"""


def test_only_its_user_may_enter_it_and_it_is_removed() -> None:
    with private_folder() as folder:
        assert not list(folder.iterdir())
        if os.name == "posix":
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "program").touch()
    assert not folder.exists()


def test_without_any_place_the_error_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "gone"
    monkeypatch.setattr(tempfile, "tempdir", str(missing))
    monkeypatch.setattr("edgemnist.runtime.isolation.native_code._OTHER_PLACES", ())
    with pytest.raises(EngineError, match="TMPDIR") as caught, private_folder():
        pass
    assert str(missing) in str(caught.value)


def test_another_place_is_taken_where_the_temporary_folder_is_mounted_noexec(
    tmp_path: Path, noexec_temporary_folder: list[str]
) -> None:
    ended = _python(noexec_temporary_folder, SHOW_FOLDER, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert tmp_path not in Path(ended.stdout.strip()).parents


def test_where_every_place_is_mounted_noexec_one_error_says_so(
    tmp_path: Path, noexec_temporary_folder: list[str]
) -> None:
    ended = _python(noexec_temporary_folder, NO_OTHER_PLACE + SHOW_FOLDER, tmp_path)
    assert ended.returncode == 1
    assert f"noexec: {tmp_path}" in ended.stderr


def _python(prefix: list[str], program: str, temporary: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*prefix, sys.executable, "-c", program],
        env=os.environ | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
