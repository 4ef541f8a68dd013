"""What is shown while one waits, and that Ctrl-C says what is kept."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgemnist import __main__ as program
from edgemnist.cli import progress
from edgemnist.cli.guidance.interruption import an_export, saying_what_is_kept
from edgemnist.runtime.artifact.folder import commit, staging
from edgemnist.runtime.artifact.manifest import MANIFEST_NAME

LAUNCHER = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from edgemnist.__main__ import main; main()"
)

EXPORT = ("export", "--all", "--artifacts", ".")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that stands still until it is set forward."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def forward(secs: float) -> None:
        now[0] += secs

    return forward


def test_in_a_pipe_the_first_line_comes_at_once_and_the_others_tell_the_time_left(clock, capsys):
    with progress.progress("loading") as doing:
        assert capsys.readouterr().err == "loading\n"
        doing.expect({"a": 1.0, "b": 3.0, "c": 1.0})
        doing.step("making a", "a")
        clock(10)
        doing.step("making b", "b")
        assert capsys.readouterr().err == "making b, about 40 s left\n"
        clock(30)
        doing.step("making c", "c")
        assert capsys.readouterr().err == "making c, about 10 s left\n"


def test_hours_of_work_in_a_pipe_are_no_long_log(clock, capsys):
    with progress.rows_progress() as report:
        for done in range(3600):
            clock(10)
            report(done, 3600)
    lines = capsys.readouterr().err.splitlines()
    assert 20 < len(lines) < 100
    assert lines[-1].endswith("s left")


@pytest.mark.parametrize("said", ["", "Epoch 3 is kept."])
def test_an_interruption_that_says_nothing_itself_says_what_is_kept(said: str):
    with pytest.raises(KeyboardInterrupt) as interrupted, saying_what_is_kept("Nothing was written."):
        raise KeyboardInterrupt(*filter(None, [said]))
    assert str(interrupted.value) == (said or "Nothing was written.")


def test_an_interrupted_export_says_whether_its_artifacts_are_the_new_ones(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt, match="Nothing of this export is kept"), an_export(tmp_path):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt, match="The export was complete"):  # noqa: PT012, SIM117
        with an_export(tmp_path):
            with staging(tmp_path) as staged:
                (staged / MANIFEST_NAME).write_text("{}")
                commit(staged, tmp_path)
            raise KeyboardInterrupt


@contextmanager
def started(*arguments: object, folder: Path):
    """A command that can be interrupted as by Ctrl-C, with its messages in a pipe."""
    child = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, *map(str, arguments)],
        cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.fixture
def exported(artifacts: Path, tmp_path: Path) -> Path:
    for path in artifacts.iterdir():
        if path.is_file() and not path.name.startswith("bench."):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    shape = (1_000_000, 28, 28)  # of a file that takes no room, since nothing is written into it
    np.lib.format.open_memmap(tmp_path / "many.npy", mode="w+", dtype=np.uint8, shape=shape)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "begun", "kept"),
    [
        (
            ("export", "--all", "--artifacts", "."),
            "converting and proving keras",
            "Nothing of this export is kept",
        ),
        (("export", "--all", "--artifacts", "."), "loading TensorFlow", "Nothing of this export is kept"),
        (("bench", "--artifacts", "."), "measuring mnist", "No report was written"),
        (("verify", "."), "verifying", "Nothing was changed, and nothing is proven"),
        (
            ("predict", "--input", "many.npy", "--output", "s.parquet", "--artifacts", "."),
            "scoring",
            "s.parquet is as it was",
        ),
    ],
    ids=["export", "export, at its start", "bench", "verify", "predict"],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_what_is_kept_and_changes_nothing(
    exported: Path, arguments: tuple[str, ...], begun: str, kept: str, number: signal.Signals
):
    def contents() -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in exported.iterdir()}

    before = contents()
    with started(*arguments, folder=exported) as child:
        for line in child.stderr:
            if line.startswith(begun):
                child.send_signal(number)
                break
        _, rest = child.communicate()
    assert child.returncode == 130, rest
    assert f"Interrupted. {kept}" in rest
    assert "Traceback" not in rest
    assert contents() == before


@pytest.mark.slow
def test_a_terminal_shows_what_is_under_way_before_tensorflow_is_loaded(exported: Path):
    """Also that Ctrl-C, typed there, ends it as in a pipe."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(exported)
        os.execv(sys.executable, [sys.executable, "-c", LAUNCHER, "export", "--artifacts", "."])  # noqa: S606
    watchdog = threading.Timer(60, os.kill, (child, signal.SIGKILL))
    watchdog.start()
    shown, typed = "", False
    while True:
        try:
            text = os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:  # the terminal's other side is closed
            break
        if not text:
            break
        shown += text
        if not typed and re.search(r"loading TensorFlow.* \d+ s", shown):
            os.write(terminal, b"\x03")
            typed = True
    _, status = os.waitpid(child, 0)
    watchdog.cancel()
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130, shown
    assert "Nothing of this export is kept" in " ".join(shown.split())


def test_ctrl_c_before_a_command_begins_ends_like_any_other(monkeypatch: pytest.MonkeyPatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgemnist.cli.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 130
