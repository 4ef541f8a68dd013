import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgemnist.benchmarks.devices.ssh import session
from edgemnist.runtime.errors import EngineError, OptionError

from .conftest import cut_connections

pytestmark = pytest.mark.slow  # each starts a real sshd


def gone(folder: Path, secs: float = 20.0) -> bool:
    """Wait until a folder is empty."""
    end = time.monotonic() + secs
    while time.monotonic() < end and any(folder.iterdir()):
        time.sleep(0.05)
    return not any(folder.iterdir())


def test_files_go_there_and_come_back_and_nothing_stays(device, tmp_path):
    sent, back = tmp_path / "with space:colon.txt", tmp_path / "back.txt"
    sent.write_text("hello")
    with session(device.name) as there:
        there.send([sent], "in")
        assert there.run("cat in/*", "read it") == "hello"
        assert device.left()
        there.run("cp in/* out.txt", "copy it")
        there.fetch("out.txt", back)
    assert back.read_text() == "hello"
    assert gone(device.temporary)


def test_a_command_that_fails_is_one_clear_error_and_nothing_stays(device):
    with (
        pytest.raises(EngineError, match=r"board: could not count; received .*no such thing"),
        session(device.name) as there,
    ):
        there.run("echo no such thing >&2; exit 3", "count")
    assert gone(device.temporary)


def test_a_connection_that_is_lost_is_an_error_and_the_device_clears_up(device):
    with session(device.name) as there:
        assert device.left()
        cut_connections(device)
        with pytest.raises(EngineError, match="no connection, or it was lost"):
            there.run("true", "go on")
    assert gone(device.temporary)


def test_a_benchmark_that_is_killed_here_leaves_nothing_there(device):
    script = (
        "import sys; from edgemnist.benchmarks.devices.ssh import session\n"
        f"with session({device.name!r}) as there:\n"
        " print('ready', flush=True); there.run('sleep 60', 'wait')"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    assert device.left()
    process.kill()
    process.communicate()
    assert gone(device.temporary)


@pytest.mark.usefixtures("device")
def test_a_device_that_is_not_there_is_one_clear_error():
    with pytest.raises(EngineError, match=r"127[.]0[.]0[.]1:1: no connection"), session("127.0.0.1:1"):
        pass


@pytest.mark.parametrize("name", ["", "-oProxyCommand=sh", "a b", "pi@host:", "pi@host:x", "ssh://"])
def test_what_is_no_name_of_a_device_is_refused(name):
    with pytest.raises(OptionError, match="no name of a device"), session(name):
        pass
