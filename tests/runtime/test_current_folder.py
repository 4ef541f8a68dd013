"""No process that edgemnist starts imports anything from the current folder, which may be a stranger's."""

import subprocess
import sys
from pathlib import Path

import pytest

TRAPS = ("edgemnist", "numpy", "multiprocessing", "json", "onnxruntime")

WORKER = """
from pathlib import Path
import sys
from edgemnist.benchmarks.runner.processes import run_worker
from edgemnist.benchmarks.worker.task import Task
task = Task("missing.onnx", "", "onnxruntime", "missing.npy", 1, None, (), 1, 1, 0, 1, 0, 0, 0, 0)
print(run_worker(task, Path(sys.argv[1]), timeout_secs=60))
"""
HELPER = """
from edgemnist.export.training.helper_process import Helper
if __name__ == "__main__":
    with Helper("testing", print) as helper:
        try:
            helper.send("a message")
            helper.receive()
        except Exception as error:
            print(error)
"""
PROBE = """
import sys
sys.path.insert(0, "")  # as `python -c` and an interactive session have it
from edgemnist.runtime.engines.registry import EngineOptions
from edgemnist.runtime.isolation.probe import Probe, run_child
from edgemnist.runtime.engines.registry import ModelFile
from pathlib import Path
import edgemnist.runtime.isolation.probe_child
import os
os.chdir(sys.argv[2])
print(run_child(ModelFile(Path("x.onnx"), b"", "", "onnxruntime", EngineOptions()), Probe()))
"""


@pytest.mark.parametrize("program", [WORKER, HELPER, PROBE], ids=["worker", "helper", "probe"])
def test_nothing_is_imported_from_the_current_folder(tmp_path: Path, program: str) -> None:
    trapped = tmp_path / "strangers"
    sprung = tmp_path / "sprung"
    for name in TRAPS:
        package = trapped / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"open({str(sprung)!r}, 'a').write({name!r})", encoding="utf-8")
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(trapped)],
        cwd=tmp_path if program is PROBE else trapped,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    assert not sprung.exists(), sprung.read_text(encoding="utf-8")
