"""Quantizing a float TFLite file: ranges, layers that stay float, and the search for the fewest of them."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgemnist.export.convert.activation_ranges import Calibrator
from edgemnist.export.convert.mixed_precision import counterparts, fewest_float_layers
from edgemnist.export.convert.quantizer import Quantizer, QuantizerOptions, find_layers, quantize
from edgemnist.proof.layers import compare_layers
from edgemnist.proof.layers.activations import of_keras, of_tflite
from edgemnist.runtime.errors import ConversionError, OptionError
from edgemnist.runtime.signature import InputSpec

SHAPE = (10, 10, 2)
SPEC = InputSpec("features", SHAPE)


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(2).random((40, *SHAPE), np.float32)


@pytest.fixture(scope="module")
def keras_model():
    """A network whose second convolution has channels of very different sizes, and outliers."""
    import keras

    keras.utils.set_random_seed(11)
    image = keras.Input(SHAPE, name="photo")
    x = keras.layers.Conv2D(6, 3, use_bias=False, name="stem")(image)
    x = keras.layers.ReLU(name="stem_relu")(keras.layers.BatchNormalization(name="stem_norm")(x))
    x = keras.layers.Conv2D(6, 3, activation="relu", name="middle")(x)
    x = keras.layers.Conv2D(6, 1, activation="relu", name="late")(x)
    x = keras.layers.Flatten(name="flat")(x)
    model = keras.Model(image, keras.layers.Dense(4, activation="softmax", name="classes")(x), name="net")
    kernel, bias = model.get_layer("middle").get_weights()
    model.get_layer("middle").set_weights([kernel * 10.0 ** np.arange(-2, 1).repeat(2), bias])
    kernel, bias = model.get_layer("classes").get_weights()
    model.get_layer("classes").set_weights([kernel * 8, bias])
    return model


@pytest.fixture(scope="module")
def float_model(keras_model):
    from edgemnist.export.backend import tf

    return tf.lite.TFLiteConverter.from_keras_model(keras_model).convert()


@pytest.fixture(scope="module")
def batches(photos):
    return lambda: np.split(photos, 4)


def specs(content):
    interpreter = Interpreter(model_content=content)
    return interpreter.get_input_details()[0], interpreter.get_output_details()[0]


def scales_of(content):
    return {layer.name: layer.scale for layer in of_tflite("int8", content).layers}


def compared(float_model, content, photos):
    traces = (of_tflite("float", float_model), of_tflite("int8", content))
    return {row.first.label: row for row in compare_layers(*traces, photos, SPEC).layers}


def test_every_layer_is_an_integer_one_and_computes_what_the_float_one_does(float_model, batches, photos):
    content = quantize(float_model, batches)
    traced = of_tflite("int8", content)
    assert all(layer.scale for layer in traced.layers)
    assert {layer.weight_scales for layer in traced.layers if layer.kind == "CONV_2D"} == {6}
    rows = compared(float_model, content, photos)
    assert min(row.snr_db for row in rows.values()) > 20
    assert [detail["dtype"] for detail in specs(content)] == [np.int8, np.int8]


def test_the_scales_are_those_of_the_smallest_and_largest_values(float_model, batches, photos):
    traced = of_tflite("float", float_model)
    outputs = traced.values(photos)
    found = {layer.name: layer for layer in of_tflite("int8", quantize(float_model, batches)).layers}
    for layer, values in zip(traced.layers, outputs, strict=True):
        if layer.kind == "CONV_2D":
            expected = (max(0.0, values.max()) - min(0.0, values.min())) / 255
            assert found[layer.name].scale == pytest.approx(expected, rel=1e-3)


def test_pixels_are_steps_of_the_input_where_its_range_is_given(float_model, batches):
    options = QuantizerOptions(input_dtype="uint8", output_dtype="uint8", input_range=(0.0, 1.0))
    taken, given = specs(quantize(float_model, batches, options))
    assert taken["dtype"] == given["dtype"] == np.uint8
    assert taken["quantization"] == (pytest.approx(1 / 255), 0)


def test_one_scale_for_all_channels_loses_the_small_ones(float_model, batches, photos):
    whole = quantize(float_model, batches, QuantizerOptions(per_channel=False))
    each = quantize(float_model, batches)
    assert (
        compared(float_model, each, photos)["middle_1"].snr_db
        > compared(float_model, whole, photos)["middle_1"].snr_db
    )


def test_a_percentile_cuts_outliers_off():
    values = np.concatenate([np.random.default_rng(0).normal(0, 1, 100_000), [500.0]]).astype(np.float32)
    layer = _one_layer(values)
    (low, high), (full_low, full_high) = (
        Calibrator(name).ranges(layer, lambda: [np.zeros((1, 1), np.float32)])[0]
        for name in ("percentile", "minmax")
    )
    assert full_high == 500 and full_low == values.min()
    assert full_low <= low < -2 and 2 < high < 60


def test_the_range_of_least_error_is_the_best_of_those_tried():
    values = np.random.default_rng(1).laplace(0, 1, 50_000).astype(np.float32)
    layer = _one_layer(values)

    def error(limits):
        step = (limits[1] - limits[0]) / 255
        raw = np.clip(np.rint((values - limits[0]) / step), 0, 255)
        return float(((raw * step + limits[0] - values) ** 2).mean())

    def found(*method):
        return error(Calibrator(*method).ranges(layer, lambda: [np.zeros((1, 1), np.float32)])[0])

    assert found("mse") < found("minmax")
    assert found("mse") <= found("percentile", 99.0) * 1.02


def test_a_percentile_keeps_so_many_values_and_zero_is_always_in_the_range():
    values = np.arange(1.0, 10_001, dtype=np.float32)
    calibrator = Calibrator("percentile", 99.0)
    low, high = calibrator.ranges(_one_layer(values), lambda: [np.zeros((1, 1), np.float32)])[0]
    assert low == 0.0
    assert 0.985 < (values <= high).mean() < 0.995


def test_a_constant_output_has_a_range():
    layer = _one_layer(np.zeros(5, np.float32))
    for method in ("minmax", "percentile", "mse"):
        assert Calibrator(method).ranges(layer, lambda: [np.zeros((1, 1), np.float32)]) == [(0.0, 1.0)]


def _one_layer(values):
    class Layer:
        def values(self, _inputs):
            return [values[None]]

    return Layer()


def test_a_layer_that_is_kept_float_is_float(float_model, batches, photos):
    content = quantize(float_model, batches, QuantizerOptions(keep_float=("middle_1",)))
    scales = {(layer.label, layer.kind): layer.scale for layer in of_tflite("int8", content).layers}
    assert scales["middle_1", "CONV_2D"] == 0.0
    assert scales["late_1", "CONV_2D"] > 0
    kept, all_integer = (
        compared(float_model, each, photos) for each in (content, quantize(float_model, batches))
    )
    assert kept["middle_1"].snr_db >= all_integer["middle_1"].snr_db
    assert [detail["dtype"] for detail in specs(content)] == [np.int8, np.int8]


def test_layers_are_found_by_label_by_name_and_by_what_was_fused(float_model):
    traced = of_tflite("float", float_model)
    (layer,) = find_layers(traced, "late_1")
    assert find_layers(traced, layer.name) == [layer]
    assert [each.kind for each in find_layers(traced, "stem_relu_1")] == ["CONV_2D"]
    with pytest.raises(OptionError, match=r"no such layer to keep float; received 'nothing'.*late_1"):
        find_layers(traced, "nothing")


def test_keras_layers_become_the_operators_that_they_were_fused_into(
    keras_model, float_model, photos, tmp_path
):
    keras_model.save(tmp_path / "net.keras")
    model = of_keras("net.keras", (tmp_path / "net.keras").read_bytes())
    converted = of_tflite("float", float_model)
    names = counterparts(model, converted, photos[:4], SPEC)
    first, middle, _ = (layer.name for layer in converted.layers if layer.kind == "CONV_2D")
    assert names["stem"] == names["stem_norm"] == names["stem_relu"] == first
    assert names["middle"] == middle
    assert names["classes"] == converted.layers[-1].name


def _drop(float_model, photos):
    """Return what measures the signal that a model loses at its output, as an accuracy would."""
    reference = of_tflite("float", float_model).values(photos)[-1]

    def drop(content):
        found = of_tflite("int8", content).run(photos, SPEC)[-1]
        return float(abs(found - reference).mean())

    return drop


def test_the_search_keeps_no_layer_float_where_none_need_be(float_model, batches, photos):
    found = fewest_float_layers(
        Quantizer(float_model, batches, QuantizerOptions()), photos, lambda _: 0.0, 0.01
    )
    assert (found.keep_float, found.tried) == ((), 1)


def test_the_search_finds_the_one_layer_that_spoils_the_model(float_model, photos):
    quantizer = Quantizer(float_model, lambda: np.split(photos, 4), QuantizerOptions())
    (late,) = find_layers(quantizer.trace, "late_1")

    def drop(content):
        return 0.0 if scales_of(content)[late.name] == 0.0 else 0.5

    lines = []
    found = fewest_float_layers(quantizer, photos, drop, 0.01, report=lines.append)
    assert found.keep_float == (late.name,)
    assert found.accuracy_drop == 0.0
    assert found.tried == len(lines) <= 2 * len(quantizer.layers)
    assert of_tflite("found", found.content).layers


def test_the_search_drops_layers_that_turned_out_not_to_matter(float_model, batches, photos):
    quantizer = Quantizer(float_model, batches, QuantizerOptions())
    names = [layer.name for layer in quantizer.layers if layer.kind == "CONV_2D"][-2:]

    def drop(content):
        return 0.5 if any(scales_of(content)[name] for name in names) else 0.0

    assert list(fewest_float_layers(quantizer, photos, drop, 0.01).keep_float) == names


def test_fewer_layers_stay_float_the_more_may_be_lost(float_model, batches, photos):
    quantizer = Quantizer(float_model, batches, QuantizerOptions())
    drop = _drop(float_model, photos)
    whole, least = (
        drop(quantizer.quantize()),
        drop(quantizer.quantize([each.name for each in quantizer.layers])),
    )
    limit = (whole + least) / 2
    strict = fewest_float_layers(quantizer, photos, drop, limit)
    assert strict.accuracy_drop <= limit < whole
    assert len(strict.keep_float) >= 1
    assert fewest_float_layers(quantizer, photos, drop, whole).keep_float == ()


def test_a_loss_that_no_layer_causes_is_told(float_model, batches, photos):
    quantizer = Quantizer(float_model, batches, QuantizerOptions())
    with pytest.raises(ConversionError, match=r"not kept even with every layer in float; received 0\.5"):
        fewest_float_layers(quantizer, photos, lambda _: 0.5, 0.01)


def test_what_is_not_float_or_not_finite_is_told(float_model, batches, photos):
    with pytest.raises(ConversionError, match="the model to be quantized is not float"):
        quantize(quantize(float_model, batches), batches)
    with pytest.raises(ConversionError, match="no inputs"):
        quantize(float_model, list)
    with pytest.raises(ConversionError, match="not finite"):
        quantize(float_model, lambda: [photos * np.float32(np.nan)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Calibrator("entropy"),
            "unknown calibration method; received 'entropy'; expected one of minmax",
        ),
        (lambda: Calibrator("percentile", 40), "the percentile is out of range"),
        (lambda: QuantizerOptions(input_dtype="int4"), "unsupported input or output type"),
    ],
)
def test_options_out_of_range_are_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()
