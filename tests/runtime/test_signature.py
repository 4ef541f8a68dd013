"""The signature: raw items to what an engine gets, and what is assumed of a file that has none."""

import msgspec
import numpy as np
import pytest

from edgemnist.runtime import load_predictor
from edgemnist.runtime.assumed_signature import assumed_signature
from edgemnist.runtime.errors import ArtifactError, OptionError
from edgemnist.runtime.signature import InputSpec, ModelSignature, OutputSpec
from edgemnist.runtime.tensors import TensorSpec

PROBABILITIES = TensorSpec("probabilities", "float32", (None, 3))


def test_a_pixel_times_one_255th_is_the_float32_nearest_to_pixel_over_255():
    spec = InputSpec("image", (4, 4), (1 / 255,))
    pixels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(spec.scaled(pixels), (pixels / 255).astype(np.float32))


def test_raw_pixels_go_in_as_they_are_where_one_step_is_one_pixel():
    spec = InputSpec("image", (4, 4, 3), (2 / 255,), (-1.0,))
    assert spec.pixel_table(TensorSpec("image", "uint8", (None, 4, 4, 3), 2 / 255, 128)) is not None
    assert spec.pixel_table(TensorSpec("image", "uint8", (None, 4, 4, 3))) is None
    plain = InputSpec("image", (4, 4, 3))
    assert plain.pixel_table(TensorSpec("image", "uint8", (None, 4, 4, 3), 1.0, 0)) is None


def test_pixels_for_a_signed_input_are_shifted():
    table = InputSpec("image", (2, 2)).pixel_table(TensorSpec("image", "int8", (None, 2, 2), 1.0, -128))
    assert table is not None
    assert table.dtype == np.int8
    assert np.array_equal(table, np.arange(-128, 128))


def test_each_channel_has_its_own_scale():
    spec = InputSpec("image", (2, 2, 3), (1.0, 2.0, 4.0), (0.0, -1.0, 10.0))
    image = np.full((1, 2, 2, 3), 10, np.uint8)
    assert spec.scaled(image)[0, 0, 0].tolist() == [10.0, 19.0, 50.0]
    encoded = spec.encode(image, TensorSpec("x", "float32", (None, 2, 2, 3)))
    assert encoded[0, 1, 1].tolist() == [10.0, 19.0, 50.0]


def test_a_predictor_computes_the_table_of_its_pixels_once(artifacts, digit, monkeypatch):
    predictor = load_predictor(artifacts / "mnist.keras")
    expected = predictor.predict(digit).probabilities
    monkeypatch.setattr(InputSpec, "pixel_table", None)
    np.testing.assert_array_equal(predictor.predict(digit).probabilities, expected)


def test_an_input_that_takes_no_numbers_is_refused_before_any_item_comes():
    with pytest.raises(ArtifactError, match="'x' cannot take real numbers; received int64"):
        InputSpec("features", (4,)).encoder(TensorSpec("x", "int64", (None, 4)))


def test_features_are_rounded_and_clipped_where_the_tensor_is_quantized():
    spec = InputSpec("features", (4,))
    tensor = TensorSpec("features", "int8", (None, 4), 0.5, -10)
    encoded = spec.encode(np.array([[0.0, 0.26, 1000.0, -1000.0]], np.float32), tensor)
    assert encoded.dtype == np.int8
    assert encoded.tolist() == [[-10, -9, 127, -128]]


def test_unscaled_features_are_not_copied_for_a_float_input():
    features = np.zeros((2, 4), np.float32)
    assert InputSpec("features", (4,)).encode(features, TensorSpec("x", "float32", (None, 4))) is features


@pytest.mark.parametrize(
    "tensor", [TensorSpec("x", "float32", (None, 5)), TensorSpec("x", "int8", (None, 5), 0.1, 3)]
)
def test_drawn_features_are_what_the_tensor_can_hold(tensor):
    spec = InputSpec("features", (5,), (2.0,), (1.0,))
    drawn = spec.draw(50, tensor, np.random.default_rng(0))
    assert drawn.shape == (50, 5)
    assert drawn.dtype == np.float32
    if tensor.quantized:
        steps = spec.encode(drawn, tensor).astype(int)
        assert steps.min() < -100
        assert steps.max() > 100


def test_drawn_images_are_raw_pixels():
    drawn = InputSpec("image", (3, 3, 3)).draw(20, PROBABILITIES, np.random.default_rng(0))
    assert (drawn.dtype, drawn.shape) == (np.uint8, (20, 3, 3, 3))
    assert drawn.max() > 250


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda: InputSpec("image", ()), "axes"),
        (lambda: InputSpec("image", (2, 2, 3), (1.0, 2.0)), "3, one for each entry"),
        (lambda: InputSpec("image", (2, 2), (float("nan"),)), "finite"),
        (lambda: InputSpec("features", (2,), (0.0,)), "erases"),
        (lambda: OutputSpec("classes", (3,), ("a", "b")), "expected 3 labels"),
        (lambda: OutputSpec("classes", (1,), ("a",), "sigmoid"), "expected 2 labels"),
        (lambda: OutputSpec("values", (3,), ("a", "b", "c"), "none"), "no labels"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(wrong, named):
    with pytest.raises(OptionError, match=named):
        wrong()


def test_one_sigmoid_output_has_two_classes():
    spec = OutputSpec("classes", (1,), ("no", "yes"), "sigmoid")
    assert spec.is_binary
    assert spec.classes == 2


def test_it_survives_json():
    signature = ModelSignature(
        InputSpec("image", (8, 8, 3), (0.1, 0.2, 1 / 3), (0.0,)), OutputSpec("values", (2, 5), (), "none")
    )
    assert msgspec.json.decode(msgspec.json.encode(signature), type=ModelSignature) == signature


@pytest.mark.parametrize(
    ("tensor", "kind", "scale", "offset"),
    [
        (TensorSpec("x", "float32", (None, 8, 8)), "image", 1 / 255, 0.0),
        (TensorSpec("x", "uint8", (None, 8, 8)), "image", 1 / 255, 0.0),
        (TensorSpec("x", "int8", (1, 8, 8, 3), 1 / 255, -128), "image", 1 / 255, 0.0),
        (TensorSpec("x", "int8", (1, 8, 8, 3), 1.0, -128), "image", 1.0, 0.0),
        (TensorSpec("x", "int8", (1, 8, 8, 3), 2 / 255, -1), "image", 2 / 255, -1.0),
        (TensorSpec("x", "int8", (1, 49, 10, 1), 0.58, 83), "features", 1.0, 0.0),
    ],
)
def test_a_file_without_a_signature_is_read_by_its_ranges(tensor, kind, scale, offset):
    found = assumed_signature("some.tflite", tensor, PROBABILITIES)
    assert (found.input.kind, found.input.scale, found.input.offset) == (kind, (scale,), (offset,))
    assert found.input.shape == tensor.shape[1:]
    assert found.output.labels == ("0", "1", "2")


def test_one_number_is_a_value():
    found = assumed_signature("a.onnx", PROBABILITIES, TensorSpec("y", "float32", (None, 1)))
    assert (found.output.kind, found.output.shape) == ("values", (1,))


def test_an_output_of_several_axes_is_values():
    found = assumed_signature("a.onnx", PROBABILITIES, TensorSpec("y", "float32", (None, 4, 4)))
    assert (found.output.kind, found.output.shape) == ("values", (4, 4))


def test_a_second_dynamic_axis_is_refused():
    with pytest.raises(ArtifactError, match=r"a\.onnx does not keep the artifact contract"):
        assumed_signature("a.onnx", TensorSpec("x", "float32", (None, None, 3)), PROBABILITIES)
