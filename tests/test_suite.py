"""What the tests' own conftest.py does: share between workers, deal out, and say what to install."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = """
import pytest

@pytest.mark.parametrize("packages", ["qemu-user gcc", "--no-install-recommends gcc libc6-dev"])
def test_of_a_compiler(packages):
    pytest.skip(f"it is not found. On Debian: apt-get install {packages}")

def test_of_windows():
    pytest.skip("this is no Windows")
"""
SHARING = """
import os
import pytest

@pytest.mark.parametrize("number", range(6))
def test_folder(made_once, number):
    def make(folder):
        (folder / "of").write_text(str(os.getpid()))
    folder = made_once("thing", make)
    print("made by", (folder / "of").read_text(), "in", folder)
"""


@pytest.fixture
def run(tmp_path: Path):
    """Return a function that runs a file of tests in a process of its own, with the real conftest.py."""

    def run(text: str, *options: object) -> list[str]:
        (tmp_path / "pytest.ini").touch()
        (tmp_path / "tests").mkdir(exist_ok=True)
        shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path / "tests")
        (tmp_path / "tests" / "test_it.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "tests", "-p", "no:cacheprovider", *map(str, options)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.slow
def test_one_line_says_what_to_install_for_skipped_tests(run):
    lines = run(SKIPPING)
    assert (
        "2 tests need programs that are not installed. On Debian:"
        " apt-get install --no-install-recommends gcc libc6-dev qemu-user"
    ) in lines
    assert [line for line in lines if "Windows" in line] == ["1 skipped: this is no Windows"]


@pytest.mark.slow
def test_workers_share_what_one_of_them_made(run):
    lines = run(SHARING, "-n", 2, "--dist", "each", "-rP")
    made = [line for line in lines if line.startswith("made by ")]
    assert len(made) == 2 * 6
    assert len(set(made)) == 1


@pytest.mark.slow
def test_a_folder_given_is_used_again(run, tmp_path: Path):
    shared = tmp_path / "shared"
    first, second = (
        [line for line in run(SHARING, "--shared", shared, "-rP") if line.startswith("made by ")]
        for _ in range(2)
    )
    assert first == second
    assert f"in {shared / 'thing'}" in first[0]
