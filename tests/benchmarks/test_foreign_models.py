"""Other people's models: float input, other axes, a fixed batch, logits, more than one input."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgemnist.benchmarks.runner.benchmark import run_benchmark
from edgemnist.benchmarks.runner.cases import cases_for
from edgemnist.benchmarks.runner.plan import Plan
from edgemnist.data.datasets import Split

PLAN = Plan(
    rounds=1, num_runs=20, min_secs=0, warmup_runs=2, batch_sizes=(1, 8), batch_secs=0, timeout_secs=60
)
CLASSES = 3


def linear_model(path, input_shape, dtype=TensorProto.FLOAT, extra_input=False):
    """Write a model whose logits are the sums of thirds of an image of 4 x 6 pixels."""
    weights = np.repeat(np.eye(CLASSES, dtype=np.float32), 2, axis=0)
    weights = np.tile(weights, (4, 1))
    nodes = [
        helper.make_node("Cast", ["x"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("x", dtype, input_shape)]
    if extra_input:
        inputs.append(helper.make_tensor_value_info("y", dtype, input_shape))
    graph = helper.make_graph(
        nodes,
        "linear",
        inputs,
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [input_shape[0], CLASSES])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([-1, 24]), "flat_shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def bench(path, split: Split):
    benchmark = run_benchmark(cases_for([path]), split, PLAN, path.parent)
    return benchmark.results.rows[0]


def expected_accuracy(split):
    return (split.inputs.reshape(40, 4, 3, 2).sum(axis=(1, 3)).argmax(axis=1) == split.labels).mean()


@pytest.mark.parametrize(
    "input_shape",
    [["N", 4, 6], ["N", 4, 6, 1], ["N", 1, 4, 6], ["N", 24]],
    ids=["grey", "channels last", "channels first", "flat"],
)
def test_a_float_model_of_any_axes_gets_pixels_as_it_wants_them(tmp_path, tiny_split, input_shape):
    row = bench(linear_model(tmp_path / "theirs.onnx", input_shape), tiny_split)
    assert row.reason == ""
    assert row.metrics.accuracy.accuracy == pytest.approx(expected_accuracy(tiny_split))


def test_a_model_for_one_image_at_a_time_is_measured_and_its_accuracy_is_of_all_images(tmp_path, tiny_split):
    row = bench(linear_model(tmp_path / "single.onnx", [1, 4, 6]), tiny_split)
    assert row.reason == ""
    assert [one.batch_size for one in row.metrics.throughput] == [1]
    assert sum(map(sum, row.metrics.accuracy.confusion)) == 40
    assert row.metrics.accuracy.accuracy == pytest.approx(expected_accuracy(tiny_split))


def test_a_model_for_a_fixed_batch_fails_with_the_reason(tmp_path, tiny_split):
    row = bench(linear_model(tmp_path / "eight.onnx", [8, 4, 6]), tiny_split)
    assert row.status == "failed"
    assert "exactly 8" in row.reason


def test_a_model_for_other_images_fails_with_both_shapes_and_the_way_out(tmp_path, tiny_split):
    row = bench(linear_model(tmp_path / "large.onnx", ["N", 8, 12]), tiny_split)
    assert row.status == "failed"
    assert (
        "the test images are no input of large.onnx; received images of 4 x 6; expected 8 x 12" in row.reason
    )
    assert "--data" in row.reason


def test_a_model_with_two_inputs_fails_with_the_reason(tmp_path, tiny_split):
    row = bench(linear_model(tmp_path / "two.onnx", ["N", 4, 6], extra_input=True), tiny_split)
    assert row.status == "failed"
    assert "2" in row.reason


def test_a_model_with_too_few_classes_fails_with_the_reason(tmp_path, tiny_split):
    labels = np.where(tiny_split.labels == 0, 9, tiny_split.labels).astype(np.uint8)
    row = bench(linear_model(tmp_path / "few.onnx", ["N", 4, 6]), Split(tiny_split.inputs, labels))
    assert row.status == "failed"
    assert "a label is not one of the classes" in row.reason
