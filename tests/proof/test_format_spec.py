"""The format spec, against structures that violate it in one way each."""

from dataclasses import replace

import pytest

from edgemnist.proof.format_spec import FormatSpec
from edgemnist.proof.inspect.structure import GraphTensor, Operator, Structure
from edgemnist.runtime.tensors import TensorSpec

IMAGE = TensorSpec("image", "uint8", (None, 28, 28))
PROBABILITIES = TensorSpec("probabilities", "float32", (None, 10))
WEIGHTS = GraphTensor("w", "float32", (784, 10), 31360)
GOOD = Structure(
    inputs=(IMAGE,),
    outputs=(PROBABILITIES,),
    tensors=(WEIGHTS, GraphTensor("b", "float32", (10,), 40)),
    operators=(Operator("Gemm"), Operator("Softmax")),
    versions={"opset": 13},
    oldest_runtime="ONNX Runtime 1.6",
    dynamic_axes=("batch", "batch"),
)
SPEC = FormatSpec("float32", "ONNX Runtime 1.14")


def test_a_good_file_has_no_violations():
    assert SPEC.violations(GOOD) == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"inputs": (IMAGE, IMAGE)}, "its input is not one tensor with a dynamic batch"),
        (
            {"inputs": (replace(IMAGE, shape=(1, 28, 28)),)},
            "its input is not one tensor with a dynamic batch",
        ),
        (
            {"outputs": (replace(PROBABILITIES, shape=(1, 10)),)},
            "its output is not one tensor with a dynamic",
        ),
        ({"inputs": (replace(IMAGE, dtype="float32"),)}, "its input is float32, not uint8"),
        ({"inputs": (replace(IMAGE, name="x"),)}, "its input is called 'x', not 'image'"),
        ({"outputs": (replace(PROBABILITIES, name="y"),)}, "its output is called 'y', not 'probabilities'"),
        ({"outputs": (replace(PROBABILITIES, dtype="float16"),)}, "its output is float16, not float32"),
        ({"inputs": (replace(IMAGE, scale=1 / 200),)}, "its input is not raw pixels"),
        ({"tensors": ()}, "its weights are not in the file"),
        ({"tensors": (replace(WEIGHTS, dtype="int8"),)}, "the weights w are int8, not float32"),
        ({"operators": (Operator("FlexErf", builtin=False),)}, "operator FlexErf is not a standard one"),
        ({"operators": (Operator("VAR_HANDLE"),)}, "its weights are variables that nothing sets"),
        ({"dynamic_axes": ("unk__20",)}, "its dynamic axes are called unk__20, not batch"),
        ({"oldest_runtime": "ONNX Runtime 1.15"}, "it needs ONNX Runtime 1.15, newer than ONNX Runtime 1.14"),
        ({"oldest_runtime": "ONNX Runtime newer than 1.18"}, "it needs ONNX Runtime newer than 1.18, newer"),
    ],
)
def test_each_violation_is_a_sentence(change, sentence):
    (found,) = SPEC.violations(replace(GOOD, **change))
    assert found.startswith(sentence)


def test_a_float_tensor_inside_a_full_integer_file_is_named():
    spec = FormatSpec("int8", None, ("uint8",), ("uint8",), tensors=("uint8", "int8", "int32"))
    outputs = (replace(PROBABILITIES, dtype="uint8", scale=1 / 256),)
    tensors = (replace(WEIGHTS, dtype="int8"), GraphTensor("hidden", "float32", (None, 128)))
    assert spec.violations(replace(GOOD, outputs=outputs, tensors=tensors)) == ("tensor hidden is float32",)


@pytest.mark.parametrize(("zero_point", "passes"), [(-128, True), (0, False)])
def test_signed_input_must_be_pixels_minus_128(zero_point, passes):
    spec = FormatSpec("float32", None, inputs=("int8",))
    signed = replace(IMAGE, dtype="int8", scale=1 / 255, zero_point=zero_point)
    assert (spec.violations(replace(GOOD, inputs=(signed,))) == ()) is passes


def test_the_source_model_may_have_other_names_and_floats():
    source = replace(GOOD, inputs=(TensorSpec("input_layer", "float32", (None, 28, 28)),))
    assert FormatSpec("float32", None, ("float32",), contract=False).violations(source) == ()
