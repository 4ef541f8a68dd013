"""The plain script: numpy and onnxruntime, and nothing of this project."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.runtime import load_predictor


@pytest.mark.parametrize("name", ["mnist.float32.onnx", "mnist.int8.onnx"])
def test_the_script_gives_the_predictors_answers(examples: Path, artifacts: Path, tmp_path, test_split, name):
    images = test_split.inputs[:50]
    np.save(tmp_path / "images.npy", images)
    done = subprocess.run(
        [sys.executable, examples / "script/classify.py", artifacts / name, tmp_path / "images.npy"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = [
        f"{prediction.label} {prediction.confidence:.4f}"
        for prediction in load_predictor(artifacts / name).predict(images)
    ]
    assert done.stdout.splitlines() == expected


def test_the_script_imports_numpy_and_onnxruntime_alone(examples: Path):
    tree = ast.parse((examples / "script/classify.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported - set(sys.stdlib_module_names) == {"numpy", "onnxruntime"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
