"""The example of a model of one's own: the five commands of its page, as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_model"


@pytest.mark.slow
def test_the_five_commands_of_the_page_lead_to_a_proven_int8_file(tmp_path):
    folder = Path(shutil.copytree(EXAMPLE, tmp_path / "own_model"))
    commands = re.search(r"```\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)[1].splitlines()
    assert len(commands) == 5
    programs = {"python": [sys.executable], "edgemnist": [sys.executable, "-m", "edgemnist"]}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    outputs = []
    for command in commands:
        program, *arguments = command.split()
        done = subprocess.run(
            [*programs[program], *arguments],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        outputs.append(done.stdout + done.stderr)
    assert "shapes.int8.tflite" in outputs[2]
    assert re.search(r"shapes\.keras has (9\d|100)\.\d\d% of the 300 test labels right", outputs[2])
    assert "shapes.int8.tflite     passed" in outputs[3]
    circles = [line for line in outputs[4].splitlines() if ".png: circle (" in line]
    assert len(circles) > 85
