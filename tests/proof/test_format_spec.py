"""The format spec, against structures that violate it in one way each."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from edgemnist.proof.format_spec import FormatSpec
from edgemnist.proof.inspect.structure import GraphTensor, Operator, Structure
from edgemnist.runtime.signature import InputSpec, ModelSignature, OutputSpec
from edgemnist.runtime.tensors import TensorSpec

IMAGE = TensorSpec("image", "uint8", (None, 28, 28))
PROBABILITIES = TensorSpec("probabilities", "float32", (None, 10))
SIGNATURE = ModelSignature(
    InputSpec("image", (28, 28)), OutputSpec("classes", (10,), tuple(map(str, range(10))))
)
WEIGHTS = GraphTensor("w", "float32", (784, 10), 31360)
GOOD = Structure(
    inputs=(IMAGE,),
    outputs=(PROBABILITIES,),
    tensors=(WEIGHTS, GraphTensor("b", "float32", (10,), 40)),
    operators=(Operator("Gemm", True, ("image", "w", "b"), ("logits",)), Operator("Softmax")),
    versions={"opset": 13},
    oldest_runtime="ONNX Runtime 1.6",
    dynamic_axes=("batch", "batch"),
)
SPEC = FormatSpec("float32")


def violations(spec: FormatSpec, signature: ModelSignature = SIGNATURE, **changes: object) -> tuple[str, ...]:
    return spec.violations(replace(GOOD, **changes), signature)


def test_a_good_file_has_no_violations():
    assert violations(SPEC) == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"inputs": (IMAGE, IMAGE)}, "its input is not one tensor with a dynamic batch"),
        (
            {"inputs": (changed(IMAGE, shape=(1, 28, 28)),)},
            "its input is not one tensor with a dynamic batch",
        ),
        (
            {"outputs": (changed(PROBABILITIES, shape=(1, 10)),)},
            "its output is not one tensor with a dynamic",
        ),
        ({"inputs": (changed(IMAGE, dtype="float32"),)}, "its input is float32, not uint8"),
        ({"inputs": (changed(IMAGE, name="x"),)}, "its input is called 'x', not 'image'"),
        ({"outputs": (changed(PROBABILITIES, name="y"),)}, "its output is called 'y', not 'probabilities'"),
        ({"outputs": (changed(PROBABILITIES, dtype="float16"),)}, "its output is float16, not float32"),
        ({"inputs": (changed(IMAGE, scale=1 / 200),)}, "its input is not raw pixels"),
        ({"tensors": ()}, "its weights are not in the file"),
        ({"tensors": (replace(WEIGHTS, dtype="int8"),)}, "the weights w are int8, not float32"),
        (
            {"operators": (*GOOD.operators, Operator("FlexErf", builtin=False))},
            "operator FlexErf is not a standard one",
        ),
        (
            {"operators": (*GOOD.operators, Operator("VAR_HANDLE"))},
            "its weights are variables that nothing sets",
        ),
        ({"dynamic_axes": ("unk__20",)}, "its dynamic axes are called unk__20, not batch"),
    ],
)
def test_each_violation_is_a_sentence(change, sentence):
    (found,) = violations(SPEC, **change)
    assert found.startswith(sentence)


INTEGERS = FormatSpec("int8", full_integer=True)
WHOLE = {
    "outputs": (changed(PROBABILITIES, dtype="uint8", scale=1 / 256),),
    "tensors": (replace(WEIGHTS, dtype="int8"),),
}


def test_a_float_tensor_inside_a_full_integer_file_is_named():
    assert violations(INTEGERS, **WHOLE) == ()
    hidden = GraphTensor("hidden", "float32", (None, 128))
    found = violations(INTEGERS, **{**WHOLE, "tensors": (*WHOLE["tensors"], hidden)})
    assert found == ("tensor hidden is float32",)


@pytest.mark.parametrize(("zero_point", "passes"), [(-128, True), (0, False)])
def test_signed_input_must_be_pixels_minus_128(zero_point, passes):
    scaled = changed(SIGNATURE, input=InputSpec("image", (28, 28), (1 / 255,)))
    signed = changed(IMAGE, dtype="int8", scale=1 / 255, zero_point=zero_point)
    assert (violations(INTEGERS, scaled, **{**WHOLE, "inputs": (signed,)}) == ()) is passes


def test_the_source_model_may_have_other_names_and_floats():
    named = (TensorSpec("input_layer", "float32", (None, 28, 28)),)
    assert violations(FormatSpec("float32", contract=False), inputs=named) == ()


def test_a_fixed_batch_is_right_only_where_it_was_asked_for():
    fixed = replace(
        GOOD,
        inputs=(changed(IMAGE, shape=(1, 28, 28)),),
        outputs=(changed(PROBABILITIES, shape=(1, 10)),),
        dynamic_axes=(),
    )
    assert len(SPEC.violations(fixed, SIGNATURE)) == 2
    assert SPEC.violations(fixed, SIGNATURE, batch=1) == ()


def test_dynamic_range_leaves_small_weights_as_floats():
    dynamic = FormatSpec("int8", small_weights="float32")
    small = replace(WEIGHTS, shape=(100, 10), size_bytes=4000)
    assert violations(dynamic, tensors=(small,)) == ()
    assert violations(dynamic, tensors=(WEIGHTS,)) == ("the weights w are float32, not int8",)


def test_paddings_and_shapes_are_no_weights():
    paddings = GraphTensor("paddings", "int32", (4, 2), 32)
    padding = Operator("PAD", True, ("image", "paddings"), ("padded",))
    assert violations(SPEC, tensors=(WEIGHTS, paddings), operators=(padding, *GOOD.operators)) == ()


def test_weights_are_found_behind_what_widens_them():
    half = FormatSpec("float16")
    stored = GraphTensor("half", "float16", (784, 10), 15680)
    widening = Operator("DEQUANTIZE", True, ("half",), ("w",))
    tensors = (stored, replace(WEIGHTS, size_bytes=0))
    assert violations(half, tensors=tensors, operators=(widening, *GOOD.operators)) == ()
    assert violations(SPEC, tensors=tensors, operators=(widening, *GOOD.operators)) == (
        "the weights half are float16, not float32",
    )


def test_features_are_floats_but_in_full_integer_files():
    features = TensorSpec("features", "float32", (None, 13))
    signature = changed(SIGNATURE, input=InputSpec("features", (13,)))
    assert violations(SPEC, signature, inputs=(features,)) == ()
    quantized = changed(features, dtype="int8", scale=0.1, zero_point=3)
    assert violations(INTEGERS, signature, **{**WHOLE, "inputs": (quantized,)}) == ()
    assert violations(SPEC, signature, inputs=(quantized,)) == ("its input is int8, not float32",)
