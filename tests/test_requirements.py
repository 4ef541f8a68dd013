"""What the locks in requirements/ install, and that the check of them finds what they leave open."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pip
import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "requirements"
CHECK = ROOT / "tests" / "lock_check.py"


def check(locks: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, CHECK, "--locks", locks], capture_output=True, text=True, check=False
    )


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[\S+\])?==(\S+)", (LOCKS / lock).read_text("utf-8"), re.MULTILINE))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LOCKS, tmp_path / "requirements"))


def change(lock: Path, pattern: str, replacement: str) -> None:
    changed, count = re.subn(pattern, replacement, lock.read_text("utf-8"), flags=re.MULTILINE)
    assert count == 1
    lock.write_text(changed, encoding="utf-8")


@pytest.mark.slow
def test_the_locks_hold_everything_that_is_asked_for():
    done = check(LOCKS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_a_lock_without_the_extras_that_packages_ask_for_is_found(copy: Path):
    change(copy / "dev.txt", r"^coverage\[toml\]", "coverage")
    done = check(copy)
    assert done.returncode == 1
    assert "dev.txt: pytest-cov asks for coverage[toml]" in done.stdout


@pytest.mark.slow
def test_a_lock_older_than_a_requirement_of_our_own_is_found(copy: Path):
    change(copy / "quickstart.txt", r"^keras==\S+", "keras==3.10.0")
    done = check(copy)
    assert done.returncode == 1
    assert "quickstart.txt: edgemnist asks for keras>=" in done.stdout


@pytest.mark.slow
def test_pip_fails_where_it_would_have_to_choose():
    script = runpy.run_path(str(CHECK))
    own_pip = Path(pip.__file__).parents[1]
    needed = ("pytest", "iniconfig", "packaging", "pluggy", "pygments")
    lock = [pin for pin in script["read_lock"](LOCKS / "dev.txt") if pin.name in needed]
    assert script["resolve"](own_pip, lock) is None
    failure = script["resolve"](own_pip, [pin for pin in lock if pin.name != "iniconfig"])
    assert "pinned with ==" in failure
    assert "iniconfig" in failure


def test_quickstart_brings_no_linter_type_checker_or_test_tool():
    tools = {
        "ruff",
        "mypy",
        "pytest",
        "pytest-cov",
        "pytest-timeout",
        "coverage",
        "build",
        "pyperf",
        "statsmodels",
    }
    assert tools <= set(pins("dev.txt"))
    assert not tools & set(pins("quickstart.txt"))


@pytest.mark.parametrize("smaller", ["base.txt", "quickstart.txt"])
def test_the_tools_are_added_without_changing_a_version(smaller: str):
    assert pins(smaller).items() <= pins("dev.txt").items()


def test_no_lock_names_an_index():
    for lock in LOCKS.iterdir():
        assert "://" not in lock.read_text("utf-8")
        assert "index" not in lock.read_text("utf-8")
