import json
import shutil
from pathlib import Path

import pytest

from edgemnist.runtime import load_predictor, read_manifest
from edgemnist.runtime.engines import registry as engines
from edgemnist.runtime.errors import (
    ArtifactError,
    ArtifactNotFoundError,
    IntegrityError,
    ManifestError,
    MissingExtraError,
    OptionError,
    OutputError,
)
from edgemnist.runtime.files import sha256_of

FILES = ("mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite", "mnist.keras")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ArtifactNotFoundError, match=r"no such file: .*absent\.onnx.*edgemnist export"):
        load_predictor(tmp_path / "absent.onnx")


def test_a_missing_file_is_a_file_not_found_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        load_predictor(tmp_path / "absent.onnx")


def test_an_unknown_suffix_lists_the_known_ones(tmp_path: Path):
    (tmp_path / "model.pt").write_bytes(b"x")
    with pytest.raises(ArtifactError, match=r"received the suffix '\.pt'; expected one of \.onnx"):
        load_predictor(tmp_path / "model.pt")


def test_an_unknown_engine_lists_the_known_ones(artifacts: Path):
    with pytest.raises(OptionError, match="received 'torch'; expected one of onnxruntime, litert, keras, "):
        load_predictor(artifacts / "mnist.float32.onnx", engine="torch")


@pytest.mark.parametrize("threads", [0, -1])
def test_a_thread_count_below_one_is_refused(artifacts: Path, threads: int):
    with pytest.raises(OptionError, match=f"received {threads}"):
        load_predictor(artifacts / "mnist.float32.onnx", num_threads=threads)


def test_a_folder_is_not_a_model(tmp_path: Path):
    (tmp_path / "mnist.onnx").mkdir()
    with pytest.raises(ArtifactError, match="received a folder"):
        load_predictor(tmp_path / "mnist.onnx")


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).touch()
    with pytest.raises(ArtifactError, match="received an empty file"):
        load_predictor(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(artifacts: Path, tmp_path: Path, name: str, share: float):
    content = (artifacts / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ArtifactError, match=name):
        load_predictor(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_a_foreign_file_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"%PDF-1.7 this is no model at all" * 40)
    with pytest.raises(ArtifactError, match=name):
        load_predictor(tmp_path / name)


def test_a_file_that_is_not_the_manifests_is_refused(artifacts_copy: Path):
    path = artifacts_copy / "mnist.float32.onnx"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(IntegrityError, match="is not the file that its manifest records; received sha256"):
        load_predictor(path)


def test_class_names_come_from_the_manifest(artifacts_copy: Path):
    path = artifacts_copy / "manifest.json"
    document = json.loads(path.read_text())
    for record in document["artifacts"]:
        record["labels"] = [f"digit {index}" for index in range(10)]
        record["signature"]["output"]["labels"] = record["labels"]
    path.write_text(json.dumps(document))
    assert load_predictor(artifacts_copy / "mnist.int8.tflite").class_names[3] == "digit 3"


def test_a_manifest_that_contradicts_itself_on_class_names_is_refused(artifacts_copy: Path):
    path = artifacts_copy / "manifest.json"
    document = json.loads(path.read_text())
    document["artifacts"][0]["labels"] = ["x"] * 10
    path.write_text(json.dumps(document))
    with pytest.raises(ManifestError, match="other labels than its signature"):
        load_predictor(artifacts_copy / "mnist.int8.tflite")


def test_a_missing_engine_names_the_extra_to_install(artifacts: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgemnist\[litert\]'"):
        load_predictor(artifacts / "mnist.int8.tflite")


def test_a_manifest_of_a_newer_version_is_refused(artifacts_copy: Path):
    path = artifacts_copy / "manifest.json"
    document = json.loads(path.read_text())
    document["schema_version"] += 1
    path.write_text(json.dumps(document))
    with pytest.raises(ManifestError, match=r"newer edgemnist.*pip install --upgrade edgemnist"):
        read_manifest(artifacts_copy)


@pytest.mark.parametrize("file", ["../evil.onnx", "/etc/passwd", "a/b.onnx", "..", "a\\b"])
def test_a_path_in_a_manifest_cannot_leave_its_folder(artifacts_copy: Path, file: str):
    path = artifacts_copy / "manifest.json"
    document = json.loads(path.read_text())
    document["artifacts"][0]["file"] = file
    path.write_text(json.dumps(document))
    with pytest.raises(ManifestError, match="is not a manifest"):
        read_manifest(artifacts_copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 1}', '{"schema_version": "1"}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: str):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_a_missing_manifest_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(ManifestError, match="edgemnist export --int8"):
        read_manifest(tmp_path)


@pytest.fixture
def killed_export(artifacts_copy: Path) -> Path:
    """A folder whose export was killed between two files: the first is new, its record is old."""
    committed = artifacts_copy / ".edgemnist-committed"
    committed.mkdir()
    document = json.loads((artifacts_copy / "manifest.json").read_text())
    for record in document["artifacts"]:
        for name, other in (
            ("mnist.int8.onnx", "mnist.float32.onnx"),
            ("mnist.int8.ort", "mnist.float32.ort"),
        ):
            if record["file"] == name:
                shutil.copy(artifacts_copy / other, committed / name)
                record["sha256"] = sha256_of(committed / name)
    (committed / "manifest.json").write_text(json.dumps(document))
    (committed / "mnist.int8.onnx").replace(artifacts_copy / "mnist.int8.onnx")
    return artifacts_copy


@pytest.mark.parametrize("name", ["mnist.int8.onnx", "mnist.float32.onnx"])
def test_a_predictor_finishes_an_export_that_was_killed_where_it_matters(killed_export: Path, name: str):
    new = (killed_export / "mnist.float32.onnx").read_bytes()
    assert load_predictor(killed_export / name)._source.content == new
    if name == "mnist.int8.onnx":
        assert not list(killed_export.glob(".edgemnist*"))


def test_a_killed_export_that_cannot_be_finished_is_one_error(killed_export: Path, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match=r"cannot write to .*Permission denied"):
        load_predictor(killed_export / "mnist.int8.onnx")


def test_a_model_that_was_trained_again_is_refused_unless_the_manifest_does_not_count(artifacts_copy: Path):
    shutil.copy(artifacts_copy / "mnist.float32.onnx", artifacts_copy / "mnist.int8.onnx")
    with pytest.raises(IntegrityError, match="export them again, as after another training"):
        load_predictor(artifacts_copy / "mnist.int8.onnx")
    assert load_predictor(artifacts_copy / "mnist.int8.onnx", manifest=False)._checked
