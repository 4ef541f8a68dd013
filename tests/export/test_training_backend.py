import os
import subprocess
import sys

import pytest

from edgemnist.export.backend import _without_startup_notes

START = "import edgemnist.export.backend as backend; backend.tf.constant(1)"


@pytest.mark.slow
def test_tensorflow_starts_without_noise():
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_what_is_not_a_startup_note_still_reaches_stderr(capfd):
    with _without_startup_notes():
        os.write(2, b"I0000 00:00:1 a note\nsomething is wrong\n")
    assert capfd.readouterr().err == "something is wrong\n"


def test_missing_tensorflow_names_the_extra(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('blocked', name='tensorflow')")
    (tmp_path / "keras.py").write_text("")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, check=False, env=environment
    )
    assert "pip install 'edgemnist[export]'" in done.stderr
