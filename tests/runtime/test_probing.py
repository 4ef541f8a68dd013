"""Files whose sha256 nobody has given: what they do, they do in a subprocess."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import helper, numpy_helper

from edgemnist.runtime import Probe, load_predictor
from edgemnist.runtime.errors import ArtifactError, EngineError, IntegrityError, OptionError
from edgemnist.runtime.files import sha256_of
from edgemnist.runtime.isolation import probe as probing

QUICK = Probe(cpu_seconds=1)


@pytest.fixture(autouse=True)
def nothing_was_tried_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_survivors", set())


@pytest.fixture
def lone_onnx(artifacts: Path, tmp_path: Path) -> Path:
    """An ONNX artifact without its manifest."""
    return Path(shutil.copy(artifacts / "mnist.float32.onnx", tmp_path))


@pytest.fixture
def no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """No subprocess can be started, so that what loads was not tried."""
    monkeypatch.setattr(sys, "executable", "")


def change_tflite(source: Path, target: Path, change: Callable[[schema.SubGraphT], None]) -> Path:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(source.read_bytes(), 0))
    change(model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(builder.Output())
    return target


def write_onnx(path: Path, nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> Path:
    """Write a model that has the artifact contract's input and output."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ["batch", 28, 28])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    path.write_bytes(model.SerializeToString())
    return path


ONE_ROW_PER_IMAGE = [
    helper.make_node("Cast", ["image"], ["floats"], to=onnx.TensorProto.FLOAT),
    helper.make_node("ReduceMean", ["floats"], ["means"], axes=[1, 2], keepdims=0),
    helper.make_node("Unsqueeze", ["means", "axis"], ["column"]),
    helper.make_node("Expand", ["column", "row"], ["rows"]),
]
ROW_CONSTANTS = {"axis": np.array([1]), "row": np.array([1, 10])}


def test_a_model_that_crashes_its_engine_is_refused(artifacts: Path, tmp_path: Path):
    def reshape_to_nothing(graph: schema.SubGraphT) -> None:
        reshape = next(operator for operator in graph.operators if len(operator.inputs) == 2)
        reshape.inputs = [reshape.inputs[0], -1]

    path = change_tflite(artifacts / "mnist.int8.tflite", tmp_path / "evil.tflite", reshape_to_nothing)
    with pytest.raises(ArtifactError, match=r"evil\.tflite crashes litert; received signal 11"):
        load_predictor(path)


def test_a_model_that_runs_for_ever_is_refused(tmp_path: Path):
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["go_on_out"]),
            helper.make_node("Identity", ["x"], ["x_out"]),
        ],
        "body",
        [
            value("round", onnx.TensorProto.INT64, []),
            value("go_on", onnx.TensorProto.BOOL, []),
            value("x", onnx.TensorProto.FLOAT, None),
        ],
        [value("go_on_out", onnx.TensorProto.BOOL, []), value("x_out", onnx.TensorProto.FLOAT, None)],
    )
    loop = helper.make_node("Loop", ["", "true", "rows"], ["probabilities"], body=body)
    constants = {**ROW_CONSTANTS, "true": np.array(True)}
    path = write_onnx(tmp_path / "endless.onnx", [*ONE_ROW_PER_IMAGE, loop], constants)
    with pytest.raises(ArtifactError, match=r"endless\.onnx did not load and predict in time"):
        load_predictor(path, probe=QUICK)


def test_a_model_that_takes_all_memory_is_refused(tmp_path: Path):
    nodes = [
        *ONE_ROW_PER_IMAGE,
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("Add", ["rows", "zero"], ["probabilities"]),
    ]
    constants = {**ROW_CONSTANTS, "size": np.array([100_000, 100_000])}
    with pytest.raises(ArtifactError, match=r"greedy\.onnx does not predict"):
        load_predictor(write_onnx(tmp_path / "greedy.onnx", nodes, constants), probe=QUICK)


def test_a_model_that_answers_nan_is_refused(tmp_path: Path):
    nodes = [*ONE_ROW_PER_IMAGE, helper.make_node("Add", ["rows", "nan"], ["probabilities"])]
    path = write_onnx(tmp_path / "nan.onnx", nodes, {**ROW_CONSTANTS, "nan": np.float32([np.nan])})
    with pytest.raises(ArtifactError, match="no finite output"):
        load_predictor(path)


def test_a_model_that_answers_nan_to_some_images_says_so_for_those(tmp_path: Path):
    nodes = [  # 1 / (mean - 7): infinite for an image of sevens, which no trial comes across
        *ONE_ROW_PER_IMAGE,
        helper.make_node("Sub", ["rows", "seven"], ["shifted"]),
        helper.make_node("Reciprocal", ["shifted"], ["probabilities"]),
    ]
    path = write_onnx(tmp_path / "some.onnx", nodes, {**ROW_CONSTANTS, "seven": np.float32([7])})
    predictor = load_predictor(path)
    assert np.isfinite(predictor.predict(np.zeros((2, 28, 28), np.uint8)).probabilities).all()
    for batch in (1, 3):
        with pytest.raises(EngineError, match="no finite output"):
            predictor.predict(np.full((batch, 28, 28), 7, np.uint8))


def test_a_model_with_another_output_than_it_declares_is_refused(tmp_path: Path):
    nodes = [*ONE_ROW_PER_IMAGE, helper.make_node("Concat", ["rows", "rows"], ["probabilities"], axis=0)]
    with pytest.raises(ArtifactError, match=r"received float32 \(2, 10\); expected float32 \(1, 10\)"):
        load_predictor(write_onnx(tmp_path / "double.onnx", nodes, ROW_CONSTANTS))


def test_a_file_is_tried_once_per_process(lone_onnx: Path, monkeypatch: pytest.MonkeyPatch, digit):
    load_predictor(lone_onnx)
    monkeypatch.setattr(sys, "executable", "")
    assert load_predictor(lone_onnx).predict(digit)[0].label == "7"


@pytest.mark.usefixtures("no_interpreter")
def test_what_the_manifest_records_is_not_tried(artifacts: Path, digit):
    assert load_predictor(artifacts / "mnist.float32.onnx").predict(digit)[0].label == "7"


@pytest.mark.usefixtures("no_interpreter")
def test_what_its_sha256_is_given_for_is_not_tried(lone_onnx: Path, digit):
    sha256 = sha256_of(lone_onnx)
    assert load_predictor(lone_onnx, sha256=sha256.upper()).predict(digit)[0].label == "7"


@pytest.mark.usefixtures("no_interpreter")
def test_nothing_is_tried_if_that_is_asked_for(artifacts: Path, tmp_path: Path, digit):
    lone = Path(shutil.copy(artifacts / "mnist.int8.tflite", tmp_path))
    assert load_predictor(lone, probe=Probe(when="never")).predict(digit)[0].label == "7"


@pytest.mark.usefixtures("no_interpreter")
def test_a_strangers_file_is_tried_in_spite_of_his_manifest(artifacts: Path):
    with pytest.raises(IntegrityError, match="cannot be tried first"):
        load_predictor(artifacts / "mnist.float32.tflite", probe=Probe(when="always"))


def test_another_file_than_the_one_asked_for_is_refused(lone_onnx: Path):
    with pytest.raises(IntegrityError, match=r"is not the file that was asked for; received sha256"):
        load_predictor(lone_onnx, sha256="0" * 64)


def test_a_frozen_application_is_told_what_to_ship(artifacts: Path, tmp_path: Path, monkeypatch):
    lone = Path(shutil.copy(artifacts / "mnist.float32.tflite", tmp_path / "frozen.tflite"))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(IntegrityError, match=r"Ship manifest\.json beside the file"):
        load_predictor(lone)


@pytest.mark.parametrize("executable", ["/nonexistent/python", "/bin/false"])
def test_an_interpreter_that_does_not_start_is_not_the_models_fault(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: str
):
    content = (artifacts / "mnist.float32.onnx").read_bytes()
    lone = tmp_path / "model.onnx"
    lone.write_bytes(content)
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(IntegrityError, match="the process that should try it did not start"):
        load_predictor(lone)


def test_the_former_name_of_an_occasion_warns_and_means_the_same():
    with pytest.warns(DeprecationWarning, match="unverified"):
        probe = Probe(when="unvouched")
    assert probe == Probe(when="unverified") == Probe()


@pytest.mark.parametrize("probe", [{"when": "sometimes"}, {"cpu_seconds": 0}, {"memory_bytes": 0}])
def test_a_senseless_probe_is_refused(probe: dict[str, object]):
    with pytest.raises(OptionError):
        Probe(**probe)
