"""Which files are measured on which engines."""

import shutil
from pathlib import Path

import pytest

from edgemnist.benchmarks.runner.cases import cases_for, cases_in
from edgemnist.runtime.engines import registry as engines
from edgemnist.runtime.errors import ArtifactError, ArtifactNotFoundError, OptionError


def test_a_folder_gives_a_target_for_each_model_keras_first(artifacts):
    cases = cases_in(artifacts)
    assert cases[0].engine == "keras"
    names = [case.name for case in cases]
    assert names[0] == "mnist.keras"
    assert {"mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite"} <= set(names)


def test_format_and_precision_come_from_the_manifest(artifacts):
    case = next(case for case in cases_in(artifacts) if case.name == "mnist.int8.tflite")
    assert (case.format, case.precision, case.size_bytes) == (
        "tflite",
        "int8",
        (artifacts / "mnist.int8.tflite").stat().st_size,
    )


def test_precision_comes_from_the_name_where_there_is_no_manifest(artifacts_copy):
    (artifacts_copy / "manifest.json").unlink()
    precisions = {case.name: case.precision for case in cases_in(artifacts_copy)}
    assert precisions["mnist.int8.tflite"] == "int8"
    assert precisions["mnist.keras"] == "float32"


def test_a_file_that_the_manifest_lists_and_is_gone_is_not_overlooked(artifacts_copy):
    (artifacts_copy / "mnist.int8.tflite").unlink()
    case = next(case for case in cases_in(artifacts_copy) if case.name == "mnist.int8.tflite")
    assert (case.size_bytes, case.sha256) == (0, "")


def test_hidden_and_foreign_files_are_passed_over(artifacts_copy):
    (artifacts_copy / ".tmp-x.onnx").write_bytes(b"half")
    (artifacts_copy / "notes.txt").write_text("notes")
    assert not {".tmp-x.onnx", "notes.txt"} & {case.name for case in cases_in(artifacts_copy)}


def test_an_engine_can_be_chosen(artifacts):
    assert {case.engine for case in cases_in(artifacts, engines=["litert"])} == {"litert"}


def test_an_engine_that_is_used_on_request_only_is_used_on_request(artifacts):
    (case,) = cases_for([artifacts / "mnist.int8.tflite"], engines=["tflite_micro"])
    assert case.engine == "tflite_micro"
    assert "tflite_micro" not in {case.engine for case in cases_in(artifacts)}
    assert all(case.format == "tflite" for case in cases_in(artifacts, engines=["tflite_micro"]))


def test_an_unknown_engine_lists_the_known_ones(artifacts):
    with pytest.raises(OptionError, match=r"'tensorrt'.*onnxruntime, litert, keras"):
        cases_in(artifacts, engines=["tensorrt"])


def test_an_engine_that_loads_none_of_the_files_is_an_error(artifacts):
    with pytest.raises(OptionError, match="nothing to measure"):
        cases_for([artifacts / "mnist.float32.onnx"], engines=["litert"])


def test_a_missing_engine_is_skipped_with_its_pip_line(artifacts, monkeypatch):
    monkeypatch.setattr(engines.EngineEntry, "available", property(lambda entry: entry.name != "litert"))
    (case,) = cases_for([artifacts / "mnist.int8.tflite"])
    assert "pip install 'edgemnist[litert]'" in case.skipped


def test_keras_is_skipped_for_the_reason_given(artifacts):
    keras = cases_in(artifacts, why_no_keras="--no-keras was given")[0]
    assert (keras.engine, keras.skipped) == ("keras", "--no-keras was given")


def test_a_missing_folder_and_an_empty_one_say_how_to_make_artifacts(tmp_path):
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(ArtifactNotFoundError, match="edgemnist export"):
            cases_in(folder)


def test_a_file_of_unknown_format_lists_the_known_ones(tmp_path):
    with pytest.raises(ArtifactError, match=r"'.pt'.*\.onnx, .*\.tflite, \.keras"):
        cases_for([tmp_path / "model.pt"])


def test_files_of_the_same_name_are_called_by_their_paths(artifacts, tmp_path):
    other = shutil.copy(artifacts / "mnist.int8.tflite", tmp_path)
    cases = cases_for([artifacts / "mnist.int8.tflite", Path(other), artifacts / "mnist.float32.onnx"])
    assert {case.name for case in cases} == {
        str(artifacts / "mnist.int8.tflite"),
        str(other),
        "mnist.float32.onnx",
    }
