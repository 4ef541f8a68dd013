"""Which inputs a benchmark feeds: those given, those on record, MNIST for digits, or random ones."""

import hashlib
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgemnist.benchmarks.runner import collect as collecting
from edgemnist.benchmarks.runner.benchmark import run_benchmark
from edgemnist.benchmarks.runner.cases import cases_for
from edgemnist.benchmarks.runner.inputs import RANDOM_INPUTS, find_inputs
from edgemnist.benchmarks.runner.plan import Plan
from edgemnist.benchmarks.runner.processes import WorkerResult
from edgemnist.benchmarks.worker import measure as worker
from edgemnist.data.datasets import Split, load_split
from edgemnist.runtime.artifact.manifest import (
    DataRecord,
    Manifest,
    ModelRecord,
    ReferenceRecord,
    write_manifest,
)
from edgemnist.runtime.artifact.metadata import Metadata
from edgemnist.runtime.errors import DatasetError
from edgemnist.runtime.signature import InputSpec, ModelSignature, OutputSpec
from edgemnist.runtime.tensors import TensorSpec

PLAN = Plan(rounds=1, num_runs=10, min_secs=0, warmup_runs=1, batch_sizes=(1,), batch_secs=0, timeout_secs=60)
TABLE = (5,)
CLASSIFIER = ModelSignature(InputSpec("features", TABLE), OutputSpec("classes", (3,), ("a", "b", "c")))
REGRESSION = ModelSignature(InputSpec("features", TABLE), OutputSpec("values", (3,), (), "none"))


def weights(size: int, outputs: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(size, outputs)).astype(np.float32)


def linear(path: Path, shape: tuple[int, ...], outputs: int, signature: ModelSignature | None = None) -> Path:
    """Write a model that multiplies an input with `weights`; its file tells the signature that is given."""
    size = int(np.prod(shape))
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["y"]),
        ],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", outputs])],
        [numpy_helper.from_array(weights(size, outputs), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    if signature is not None:
        ends = TensorSpec("x", "float32", (None, *shape)), TensorSpec("y", "float32", (None, outputs))
        labels = signature.output.labels
        told = Metadata("net", "float32", labels, *ends, "ab" * 32, {}, signature)
        helper.set_model_props(model, told.to_metadata())
    onnx.save(model, path)
    return path


def table(path: Path, *, targets: bool = False) -> Path:
    """Write a data set of 60 rows; of each its class is the largest of what `linear` answers."""
    rows = np.random.default_rng(1).normal(size=(60, *TABLE)).astype(np.float32)
    answers = rows @ weights(5, 3)
    truth = answers + np.float32(0.01) if targets else answers.argmax(axis=1)
    np.savez(path, x_train=rows[:40], y_train=truth[:40], x_test=rows[40:], y_test=truth[40:])
    return path


def measured(path: Path, split: Split):
    (row,) = run_benchmark(cases_for([path]), split, PLAN, path.parent).results.rows
    return row


def on_record(folder: Path, data: Path, signature: ModelSignature) -> None:
    """Write a manifest that says on which data set a folder's model was proved."""
    test = load_split(data, "test")
    write_manifest(
        folder,
        Manifest(
            ModelRecord("net", "net.onnx", "ab" * 32),
            load_split(data, "train").hashes("train") | test.hashes("test"),
            ReferenceRecord("reference.npz", "cd" * 32),
            {},
            (),
            1,
            DataRecord(str(data)),
            signature,
        ),
    )


def test_a_file_without_data_gets_random_images_and_that_is_said(tmp_path):
    path = linear(tmp_path / "theirs.onnx", (8, 9, 3), 4)
    found, again = (find_inputs(tmp_path, [path], None) for _ in range(2))
    assert found.split.inputs.shape == (RANDOM_INPUTS, 8, 9, 3)
    assert found.split.inputs.dtype == np.uint8
    assert np.array_equal(found.split.inputs, again.split.inputs)
    assert found.split.labels is None
    assert "random ones that fit theirs.onnx" in found.notes[0]
    assert found.signature is None


def test_random_features_are_as_the_file_says(tmp_path):
    path = linear(tmp_path / "told.onnx", TABLE, 3, CLASSIFIER)
    found = find_inputs(tmp_path, [path], None)
    assert found.split.inputs.dtype == np.float32
    assert found.split.inputs.shape == (RANDOM_INPUTS, *TABLE)
    assert found.signature == CLASSIFIER


def test_the_file_that_tells_its_contract_counts_before_one_that_does_not(tmp_path):
    silent, told = linear(tmp_path / "a.onnx", TABLE, 3), linear(tmp_path / "b.onnx", TABLE, 3, REGRESSION)
    assert find_inputs(tmp_path, [silent, told], None).signature == REGRESSION


def test_what_no_engine_reads_is_left_to_its_row(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    path = linear(tmp_path / "told.onnx", TABLE, 3, CLASSIFIER)
    assert find_inputs(tmp_path, [tmp_path / "broken.onnx", path], None).signature == CLASSIFIER


def test_a_model_of_digits_is_fed_mnist(tmp_path):
    path = linear(tmp_path / "digits.onnx", (28, 28), 10)
    found = find_inputs(tmp_path, [path], None)
    assert len(found.split) == 10_000
    assert found.notes == ()


def test_a_model_of_other_classes_in_images_of_that_size_is_not(tmp_path):
    clothes = tuple(f"garment {number}" for number in range(10))
    signature = ModelSignature(InputSpec("image", (28, 28)), OutputSpec("classes", (10,), clothes))
    path = linear(tmp_path / "clothes.onnx", (28, 28), 10, signature)
    assert len(find_inputs(tmp_path, [path], None).split) == RANDOM_INPUTS


def test_the_recorded_data_set_is_used_without_being_named(tmp_path):
    data = table(tmp_path / "mine.npz")
    linear(tmp_path / "net.onnx", TABLE, 3, CLASSIFIER)
    on_record(tmp_path, data, CLASSIFIER)
    found = find_inputs(tmp_path, (), None)
    assert np.array_equal(found.split.inputs, load_split(data, "test").inputs)
    assert found.signature == CLASSIFIER
    assert found.notes == ()


def test_a_recorded_data_set_that_has_changed_is_refused(tmp_path):
    data = table(tmp_path / "mine.npz")
    on_record(tmp_path, data, CLASSIFIER)
    with np.load(data) as arrays:
        changed = dict(arrays)
    changed["x_test"][0, 0] += 1
    np.savez(data, **changed)
    with pytest.raises(DatasetError, match=r"test features .* are not the recorded ones.*--data"):
        find_inputs(tmp_path, (), None)


def test_a_recorded_data_set_that_is_gone_is_named(tmp_path):
    data = table(tmp_path / "mine.npz")
    on_record(tmp_path, data, CLASSIFIER)
    data.rename(tmp_path / "elsewhere.npz")
    with pytest.raises(DatasetError, match=r"mine\.npz is not on this machine.*--data"):
        find_inputs(tmp_path, (), None)
    assert len(find_inputs(tmp_path, (), tmp_path / "elsewhere.npz").split) == 20


def test_targets_are_read_where_the_file_says_that_it_gives_values(tmp_path):
    data = table(tmp_path / "mine.npz", targets=True)
    path = linear(tmp_path / "told.onnx", TABLE, 3, REGRESSION)
    found = find_inputs(tmp_path, [path], data)
    row = measured(path, found.split)
    assert row.reason == ""
    assert row.metrics.accuracy is None
    assert 0.99 < row.metrics.r2 < 1


def test_a_table_is_fed_to_a_float_file_that_says_nothing_as_it_is(tmp_path):
    path = linear(tmp_path / "silent.onnx", TABLE, 3)
    row = measured(path, find_inputs(tmp_path, [path], table(tmp_path / "mine.npz")).split)
    assert row.reason == ""
    assert row.metrics.accuracy.accuracy == 1


def test_a_table_is_not_fed_to_a_model_that_says_it_takes_images(tmp_path):
    images = ModelSignature(InputSpec("image", (1, 5)), CLASSIFIER.output)
    path = linear(tmp_path / "images.onnx", (1, 5), 3, images)
    row = measured(path, load_split(table(tmp_path / "mine.npz"), "test"))
    assert row.status == "failed"
    assert "images.onnx takes images" in row.reason


def test_the_signature_comes_back_from_the_process_that_measured(tmp_path):
    path = linear(tmp_path / "told.onnx", TABLE, 3, REGRESSION)
    split = load_split(table(tmp_path / "mine.npz"), "test")
    document = run_benchmark(cases_for([path]), split, PLAN, path.parent).document()
    assert msgspec.convert(document["signature"], ModelSignature) == REGRESSION
    assert document["rows"][0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_of_inputs_that_are_too_large_some_are_timed_and_all_are_answered(tmp_path, monkeypatch):
    path = linear(tmp_path / "told.onnx", TABLE, 3, REGRESSION)
    split = load_split(table(tmp_path / "mine.npz"), "test")
    np.save(tmp_path / "inputs.npy", split.inputs)
    room = 7 * split.inputs[0].nbytes
    monkeypatch.setattr(worker, "MAX_INPUT_BYTES", room)
    monkeypatch.setattr(collecting, "MAX_INPUT_BYTES", room)
    tasks = []

    def note(task, *_arguments, **_options):
        tasks.append(task)
        return WorkerResult("skipped", "")

    monkeypatch.setattr(collecting, "run_worker", note)
    collecting.collect(cases_for([path]), split, PLAN)
    assert tasks[0].batch_sizes == (1, 7)
    task = replace(tasks[0], inputs=str(tmp_path / "inputs.npy"), cpus=None)
    _, arrays, _ = worker.measure(task, 0, 0)
    assert arrays["outputs"] == pytest.approx(split.inputs @ weights(5, 3), abs=1e-5)
    assert len(arrays["batch_7_ns"]) >= 1
