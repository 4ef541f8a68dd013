"""What the readers find in real files, and what they say to files that are none."""

import onnx
import pytest
from onnx import TensorProto, helper

from edgemnist.proof.inspect.structure import read_structure
from edgemnist.runtime.errors import ArtifactError, ArtifactNotFoundError


def test_an_int8_tflite_shows_its_scales_and_sizes(artifacts):
    structure = read_structure(artifacts / "mnist.int8.tflite")
    first = next(tensor for tensor in structure.tensors if tensor.shape == (128, 784))
    assert (first.dtype, len(first.scales), first.size_bytes) == ("int8", 128, 128 * 784)
    assert first.is_weight
    assert structure.inputs[0].scale == pytest.approx(1 / 255)
    assert structure.operators[2].name == "FULLY_CONNECTED"
    assert first.name in structure.operators[2].inputs


@pytest.mark.parametrize(
    ("file", "runtime"),
    [
        ("mnist.float32.tflite", "TensorFlow Lite 2.7.0"),
        ("mnist.dynamic.tflite", "TensorFlow Lite 2.7.0"),
        ("mnist.int16x8.tflite", "TensorFlow Lite 2.7.0"),
        ("mnist.int8.tflite", "TensorFlow Lite 2.10.0"),
        ("mnist.float32.onnx", "ONNX Runtime 1.6"),
        ("mnist.float16.onnx", "ONNX Runtime 1.6"),
        ("mnist.int8.onnx", "ONNX Runtime 1.7"),
        ("mnist.float32.ort", "ONNX Runtime 1.16"),
    ],
)
def test_the_oldest_runtime_is_the_one_that_was_found_to_run_it(artifacts, file, runtime):
    """As benchmarks/studies/systems/oldest_runtime.py found with whole test sets in real old releases."""
    assert read_structure(artifacts / file).oldest_runtime == runtime


def test_an_onnx_file_shows_shapes_and_scales_between_its_operators(artifacts):
    structure = read_structure(artifacts / "mnist.int8.onnx")
    tensors = {tensor.name: tensor for tensor in structure.tensors}
    gemm = next(operator for operator in structure.operators if operator.name == "Gemm")
    assert tensors[gemm.outputs[0]].shape == (None, 128)
    weights = next(tensor for tensor in structure.tensors if tensor.shape == (784, 128) and tensor.size_bytes)
    assert len(weights.scales) == len(weights.zero_points) == 128
    assert structure.dynamic_axes == ("batch", "batch")


def test_an_ort_file_lists_its_operators_in_the_order_of_work(artifacts):
    structure = read_structure(artifacts / "mnist.int8.ort")
    names = [operator.name for operator in structure.operators]
    assert names == ["Reshape", "com.microsoft.QGemm", "com.microsoft.QGemm", "Softmax"]
    assert structure.versions["ort_format"] == 6
    assert structure.dynamic_axes == ("batch", "batch")


def test_a_keras_file_shows_its_layers(artifacts):
    structure = read_structure(artifacts / "mnist.keras")
    assert [operator.name for operator in structure.operators] == ["Flatten", "Dense", "Dense"]
    assert sum(tensor.size_bytes for tensor in structure.tensors) == 4 * 101_770


def test_an_operator_of_a_foreign_domain_is_no_standard_one(tmp_path):
    node = helper.make_node("Magic", ["image"], ["y"], domain="com.example")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("image", "y")]
    graph = helper.make_graph([node], "g", values[:1], values[1:])
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), tmp_path / "m.onnx")
    structure = read_structure(tmp_path / "m.onnx")
    assert not structure.operators[0].builtin
    assert structure.dynamic_axes == ("n", "n")


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", ".ort", ".keras"])
@pytest.mark.parametrize("content", [b"x", b"\0\0\0\0TFL3" + bytes(8), b"%PDF-1.7" * 50])
def test_a_file_that_is_no_model_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="m"):
        read_structure(path)


def test_a_missing_file_and_a_foreign_suffix_are_told_apart(tmp_path):
    with pytest.raises(ArtifactNotFoundError, match=r"absent\.onnx"):
        read_structure(tmp_path / "absent.onnx")
    with pytest.raises(ArtifactError, match=r"the suffix '\.pt'; expected one of \.tflite, "):
        read_structure(tmp_path / "m.pt")
