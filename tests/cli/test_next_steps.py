"""`edgemnist` alone says what to do next in the folder it is run in."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.cli.guidance.nearest import nearest_file
from edgemnist.cli.guidance.next_steps import next_steps

ARTIFACTS = Path("artifacts")


def commands(folder: Path, model: str | None = None, artifacts: Path = ARTIFACTS) -> list[str]:
    return [step.command for step in next_steps(folder, model, artifacts)]


@pytest.fixture
def exported(artifacts: Path, tmp_path: Path) -> Path:
    shutil.copytree(artifacts, tmp_path / "artifacts")
    for name in ("bench.json", "bench.md", "bench.html"):
        (tmp_path / "artifacts" / name).unlink(missing_ok=True)
    return tmp_path


def test_an_empty_folder_begins_with_the_reference_network(tmp_path: Path):
    assert commands(tmp_path)[0] == "edgemnist export --int8"


def test_a_keras_file_and_data_in_the_folder_are_named(tmp_path: Path):
    (tmp_path / "my model.keras").touch()
    (tmp_path / "my.npz").touch()
    assert commands(tmp_path)[0] == "edgemnist export --int8 --model 'my model.keras' --data my.npz"


def test_a_trained_model_is_exported(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mnist.keras").touch()
    assert commands(tmp_path, artifacts=Path("out")) == ["edgemnist export --int8 --artifacts out"]


def test_an_interrupted_training_is_resumed(tmp_path: Path):
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "mnist.checkpoint.npz").touch()
    assert commands(tmp_path)[0] == "edgemnist train --resume"


def test_what_nothing_works_without_is_installed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert commands(tmp_path)[:2] == ["pip install 'edgemnist[export]'", "edgemnist export --int8"]


def test_the_model_of_a_project_is_exported(tmp_path: Path):
    assert commands(tmp_path, model="mine.keras") == ["edgemnist export --int8"]


def test_exported_artifacts_are_measured(exported: Path):
    assert commands(exported)[0] == "edgemnist bench"


def test_a_model_trained_since_is_exported_again(exported: Path):
    model = next((exported / "artifacts").glob("*.keras"))
    model.write_bytes(model.read_bytes() + b"\0")
    (step,) = next_steps(exported, None, ARTIFACTS)
    assert step.command.startswith("edgemnist export --artifacts")
    assert "trained again" in step.why


def test_an_artifact_that_is_gone_is_exported_again(exported: Path):
    gone = next((exported / "artifacts").glob("*.float32.onnx"))
    gone.unlink()
    (step,) = next_steps(exported, None, ARTIFACTS)
    assert "--format float32.onnx" in step.command
    assert gone.name in step.why


def test_a_damaged_benchmark_is_made_again(exported: Path):
    (exported / "artifacts" / "bench.json").write_text(json.dumps({"schema_version": 1}))
    assert commands(exported)[0] == "edgemnist bench"


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgemnist", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def test_without_arguments_the_next_step_and_the_way_to_help_are_printed(tmp_path: Path):
    done = run_in(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "edgemnist export --int8" in done.stdout
    assert "edgemnist --help" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_file_that_is_not_there_brings_the_nearest_one(tmp_path: Path):
    (tmp_path / "mnist.int8.tflite").touch()
    done = run_in(tmp_path, "inspect", "mnist.int8.tflit")
    assert done.returncode == 1
    assert "Did you mean mnist.int8.tflite?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "suggested"),
    [
        (("train", "--recipe", "edgy"), "Did you mean edge?"),
        (("train", "--network", "cn"), "Did you mean cnn?"),
        (("bench", "a.onnx", "--target", "cortex-m44"), "Did you mean cortex-m4?"),
        (("size", "a.tflite", "--target", "cortex-m44"), "Did you mean cortex-m4?"),
        (("bench", "a.onnx", "--engine", "litertt"), "Did you mean litert?"),
        (("verify", "artifact"), "no such folder: artifact. Did you mean artifacts?"),
        (("inspect", "artifacts/a.tflit"), "Did you mean artifacts/a.tflite?"),
        (("sweep", "swep.toml"), "Did you mean sweep.toml?"),
        (("export", "--formt", "c"), "--format"),
        (("exprt",), "Did you mean 'export'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_brings_the_nearest_value_option_command_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run, arguments: tuple[str, ...], suggested: str
):
    (tmp_path / "artifacts").mkdir()
    for name in ("artifacts/a.tflite", "a.onnx", "a.tflite", "sweep.toml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    code, _, message = run(*arguments)
    assert code in {1, 2}
    assert suggested in message


def test_nothing_is_suggested_for_a_file_that_is_there_or_unlike_all_others(tmp_path: Path):
    there = tmp_path / "a.onnx"
    there.touch()
    assert nearest_file(f"damaged: {there}", [str(there)]) == ""
    assert nearest_file(f"no such file: {tmp_path / 'zzzzzz'}", [str(tmp_path / "zzzzzz")]) == ""


@pytest.mark.slow
def test_an_unknown_format_brings_the_nearest_one(tmp_path: Path):
    done = run_in(tmp_path, "export", "--format", "int8.onxx")
    assert done.returncode == 1
    assert "Did you mean int8.onnx?" in done.stderr
