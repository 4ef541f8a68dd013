import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from edgemnist.export.training.augmentation import augmented_sets
from edgemnist.export.training.helper_process import Helper
from edgemnist.export.training.recipe import EDGE
from edgemnist.runtime.errors import HelperError, OptionError


def multiplier(factor):
    return lambda number: number * factor


def large(_number):
    return np.zeros(100_000_000, np.uint8)


def preparing_large():
    return large


def break_down():
    raise ValueError("no such luck\nand more")


def refuse():
    raise OptionError("the recipe is wrong", fix="Take another.")


def test_helper_works_and_ends_when_the_block_does():
    with Helper("multiplying", multiplier, 3) as helper:
        helper.send(2)
        helper.send(5)
        assert (helper.receive(), helper.receive()) == (6, 15)
        process = helper._process
    assert not process.is_alive()


@pytest.mark.parametrize(
    ("work", "reason"),
    [(break_down, "ValueError: no such luck$"), (refuse, r"the recipe is wrong\. Take another\.$")],
)
def test_helper_that_fails_says_why(work, reason):
    with (
        Helper("trying", work) as helper,
        pytest.raises(HelperError, match="process for trying failed.*" + reason),
    ):
        helper.receive()


def test_helper_that_is_killed_is_one_clear_error():
    with Helper("multiplying", multiplier, 1) as helper:
        os.kill(helper._process.pid, signal.SIGKILL)
        with pytest.raises(
            HelperError, match=r"process for multiplying is gone; received it died of signal 9"
        ):
            helper.receive()


def test_helper_that_is_killed_while_it_answers_is_one_clear_error():
    with Helper("sending", preparing_large) as helper:
        helper.send(0)
        assert helper._connection.poll(60)  # it has begun to send, and waits for room in the pipe
        os.kill(helper._process.pid, signal.SIGKILL)
        with pytest.raises(HelperError, match=r"process for sending is gone; received it died of signal 9"):
            helper.receive()


def test_work_that_fails_says_why():
    with Helper("multiplying", multiplier, None) as helper:
        helper.send(2)
        with pytest.raises(HelperError, match="process for multiplying failed; received TypeError: unsupp"):
            helper.receive()


def test_helpers_do_not_outlive_a_killed_command(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, signal
            from edgemnist.export.training.helper_process import Helper
            from edgemnist.export.training.recipe import EDGE
            from edgemnist.export.training.augmentation import prepare_augmenting
            import numpy as np
            if __name__ == "__main__":
                images = np.zeros((9, 8, 8), np.uint8)
                helper = Helper("augmenting", prepare_augmenting, images, EDGE.augmentation, 0)
                helper.send(0)
                helper.receive()
                print(helper._process.pid, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            """
        )
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = Path(f"/proc/{int(done.stdout)}")
    deadline = time.monotonic() + 30
    while left.exists() and "(zombie)" not in (left / "status").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left.exists() or "(zombie)" in (left / "status").read_text()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 9, 8), dtype=np.uint8)


def taken(images, sets, helpers):
    with augmented_sets(images, EDGE.augmentation, sets, seed=3, helpers=helpers) as augmented:
        return list(augmented)


def test_sets_depend_on_seed_and_number_alone(images):
    one, two = taken(images, range(4), 1), taken(images, range(4), 2)
    for alone, shared in zip(one, two, strict=True):
        np.testing.assert_array_equal(alone, shared)
    np.testing.assert_array_equal(taken(images, range(2, 4), 1)[0], one[2])
    assert not np.array_equal(one[0], one[1])
