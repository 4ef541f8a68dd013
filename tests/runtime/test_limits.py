"""The limits of a probe where an administrator has set lower ones, and the permissions of written files."""

import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgemnist.runtime.files import write_text

LIMIT = """
import resource, sys
from edgemnist.runtime.isolation.probe_child import _limit
kind = getattr(resource, sys.argv[1])
resource.setrlimit(kind, (int(sys.argv[2]), int(sys.argv[3])))
_limit(10, 1 << 30)
print(*resource.getrlimit(kind))
"""


def _limited(name: str, soft: int, hard: int) -> tuple[int, int]:
    """Return what a probe's limits become in a process that has limits and may not raise them."""
    unprivileged = ["unshare", "--map-root-user"] if os.geteuid() == 0 else []
    ended = subprocess.run(
        [*unprivileged, sys.executable, "-P", "-c", LIMIT, name, str(soft), str(hard)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.stderr.startswith("unshare:"):
        pytest.skip("root may always raise limits, and unshare cannot take that away here")
    assert ended.returncode == 0, ended.stderr
    low, high = map(int, ended.stdout.split())
    return low, high


def test_lower_hard_limits_stay() -> None:
    assert _limited("RLIMIT_CPU", 5, 6) == (5, 6)
    assert _limited("RLIMIT_AS", 1 << 29, 1 << 29) == (1 << 29, 1 << 29)


def test_a_lower_soft_limit_stays() -> None:
    soft, hard = _limited("RLIMIT_CPU", 5, 100)
    assert soft == 5
    assert 10 < hard < 20


def test_higher_limits_are_lowered() -> None:
    soft, hard = _limited("RLIMIT_CPU", 1000, resource.RLIM_INFINITY)
    assert 10 < soft < 20
    assert hard == soft + 1


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o027])
def test_a_file_gets_the_permissions_that_the_umask_leaves(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "file.txt", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o666 & ~mask


def test_other_threads_files_are_never_open_to_everybody(tmp_path: Path) -> None:
    """To read the umask one had to set it, to 0, for a moment."""
    seen: set[int] = set()
    finished = threading.Event()

    def create() -> None:
        number = 0
        while not finished.is_set():
            number += 1
            path = tmp_path / f"other-{number % 50}"
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
            seen.add(stat.S_IMODE(path.stat().st_mode))
            path.unlink()

    def forbidden(mask: int) -> int:
        raise AssertionError(f"umask({mask:#o}) is the whole process's")

    before = os.umask(0o077)
    system, os.umask = os.umask, forbidden
    thread = threading.Thread(target=create)
    thread.start()
    try:
        for _ in range(200):
            write_text(tmp_path / "file.txt", "text")
    finally:
        finished.set()
        thread.join()
        os.umask = system
        os.umask(before)
    assert seen == {0o600}
