"""The runtime is embedded in applications: it must work where TensorFlow does not exist."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist import runtime
from edgemnist.runtime.artifact.manifest import read_manifest

BLOCKED = """
import importlib.abc, sys

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ImportError(f"{{name}} is blocked in this process", name=name)

sys.meta_path.insert(0, Block())
"""


def run_without(blocked: set[str], code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    script = BLOCKED.format(blocked=blocked) + code
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_runtime_predicts_where_tensorflow_is_blocked(artifacts: Path):
    code = """
import numpy as np
from edgemnist.runtime import load_predictor
for path in sys.argv[1:]:
    print(load_predictor(path).predict(np.zeros((28, 28), np.uint8)).probabilities.shape)
"""
    files = [
        artifacts / "mnist.float32.onnx",
        artifacts / "mnist.float32.tflite",
        artifacts / "mnist.int8.tflite",
    ]
    done = run_without({"tensorflow", "keras", "tf2onnx", "typer", "rich"}, code, *files)
    assert done.stdout == "(1, 10)\n" * 3, done.stderr


def test_a_cold_start_imports_only_what_the_first_prediction_needs(artifacts: Path):
    code = """
import numpy as np
loaded = set(sys.modules)
from edgemnist.runtime import load_predictor
load_predictor(sys.argv[1]).predict(np.zeros((28, 28), np.uint8))[0].label
late = {"numpy.random", "zipfile", "json", "ai_edge_litert.schema_py_generated", "platformdirs", "subprocess"}
print(sorted(late & set(sys.modules) - loaded))
"""
    done = run_without({"tensorflow"}, code, artifacts / "mnist.int8.tflite")
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_help_answers_where_every_heavy_package_is_blocked():
    heavy = {"tensorflow", "keras", "onnxruntime", "numpy", "ai_edge_litert", "scipy", "matplotlib"}
    code = "sys.argv = ['edgemnist', '--help']\nfrom edgemnist.cli import main\nmain()"
    done = run_without(heavy, code)
    assert done.returncode == 0, done.stderr
    assert "export" in done.stdout


def test_the_runtime_imports_no_other_room():
    code = """
import importlib, pkgutil
import edgemnist.runtime
for module in pkgutil.walk_packages(edgemnist.runtime.__path__, "edgemnist.runtime."):
    if module.name.rpartition(".")[2] not in ("keras", "keras_loading", "tflite_micro"):
        importlib.import_module(module.name)
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("edgemnist.")}
print(sorted(rooms), len([name for name in sys.modules if name.startswith("edgemnist.runtime.")]) > 25)
"""
    done = run_without({"tensorflow", "keras", "typer", "rich"}, code)
    assert done.stdout == "['runtime'] True\n", done.stdout + done.stderr


def test_the_runtimes_source_names_no_other_room():
    """Imports inside functions too, which no run of a few calls would make."""
    folder = Path(runtime.__file__).parent
    rooms = {
        ".".join((["edgemnist", "runtime", *path.relative_to(folder).parts])[: -node.level])
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    }
    assert rooms
    assert all(room.startswith("edgemnist.runtime") for room in rooms), rooms


@pytest.mark.slow
def test_verify_proves_every_artifact_where_tensorflow_is_blocked(artifacts: Path):
    code = "sys.argv[0] = 'edgemnist'\nfrom edgemnist.cli import main\nmain()"
    done = run_without({"tensorflow", "keras", "tf2onnx"}, code, "verify", artifacts)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    run = [record for record in read_manifest(artifacts).artifacts if record.format != "keras"]
    assert len([line for line in lines if "passed  accuracy" in line]) == len(run) >= 11
    assert "mnist.keras           passed  hash only, since TensorFlow is not installed" in lines


def test_the_formats_are_listed_where_tensorflow_is_blocked():
    code = "sys.argv[0] = 'edgemnist'\nfrom edgemnist.cli import main\nmain()"
    done = run_without({"tensorflow", "keras", "tf2onnx", "onnx", "ai_edge_litert"}, code, "formats")
    assert done.returncode == 0, done.stderr
    assert "int8.tflite" in done.stdout
