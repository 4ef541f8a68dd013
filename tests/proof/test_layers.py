"""Where two forms of a model part: layers are paired by what they compute, and the spoiled one is named."""

import json

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from edgemnist.cli import app
from edgemnist.export.convert.tflite_file import pack
from edgemnist.proof.layers import (
    LayerDifference,
    LayerReport,
    compare_layers,
    first_spoiled_layer,
    input_of,
    kept_db,
    random_items,
    read_trace,
)
from edgemnist.proof.layers.activations import LayerOutput, Trace, open_trace
from edgemnist.proof.layers.alignment import Watched, align, as_shaped
from edgemnist.runtime.artifact.tflite_file import unpack
from edgemnist.runtime.errors import ArtifactError
from edgemnist.runtime.process import quiet
from edgemnist.runtime.signature import InputSpec, ModelSignature, OutputSpec
from edgemnist.runtime.tensors import TensorSpec

SHAPE = (12, 12, 3)
SPEC = InputSpec("features", SHAPE)


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(1).random((24, *SHAPE), np.float32)


@pytest.fixture(scope="module")
def forms(tmp_path_factory, photos):
    """A small residual network, untrained, as `net.keras`, `net.float32.tflite` and `net.int8.tflite`."""
    import keras

    from edgemnist.export.backend import tf

    keras.utils.set_random_seed(5)
    image = keras.Input(SHAPE, name="photo")
    x = keras.layers.Conv2D(8, 3, padding="same", name="stem")(image)
    x = stem = keras.layers.ReLU(name="stem_relu")(keras.layers.BatchNormalization(name="stem_norm")(x))
    x = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = keras.layers.Conv2D(8, 1, name="point")(x)
    x = keras.layers.Add(name="sum")([x, keras.layers.Conv2D(8, 1, name="shortcut")(stem)])
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, keras.layers.Dense(4, activation="softmax", name="classes")(x), name="net")
    folder = tmp_path_factory.mktemp("forms")
    model.save(folder / "net.keras")
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (folder / "net.float32.tflite").write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([photo[None]] for photo in photos)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with quiet():  # it warns that no statistics are given, which the samples replace
        (folder / "net.int8.tflite").write_bytes(converter.convert())
    return folder


def trace(path):
    return open_trace(path, path.read_bytes())


def wrecked(path, target, name):
    """Write a TFLite file in which the weights of the operator that writes a tensor are in reverse order."""
    model = unpack(path.read_bytes(), schema)
    graph = model.subgraphs[0]
    (node,) = [node for node in graph.operators if graph.tensors[node.outputs[0]].name.decode() == name]
    buffer = model.buffers[graph.tensors[node.inputs[1]].buffer]
    buffer.data = np.asarray(buffer.data)[::-1].copy()
    target.write_bytes(pack(model))
    return target


EXPECTED = {
    "stem_relu": "CONV_2D",
    "depthwise": "DEPTHWISE_CONV_2D",
    "point": "CONV_2D",
    "shortcut": "CONV_2D",
    "sum": "ADD",
    "pool": "MEAN",
    "classes": "SOFTMAX",
}


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_layers_are_paired_though_converters_fuse_and_reorder_them(forms, photos, precision):
    report = compare_layers(
        trace(forms / "net.keras"), trace(forms / f"net.{precision}.tflite"), photos, SPEC
    )
    assert {row.first.name: row.second.kind for row in report.layers} == EXPECTED
    assert {layer.name for layer in report.alone[0]} == {"stem", "stem_norm"}
    worst = min(row.snr_db for row in report.layers)
    assert worst > 100 if precision == "float32" else 20 < worst < 60
    assert report.samples == 24


def test_equal_models_differ_nowhere_and_none_of_their_layers_is_named(forms, photos):
    twice = trace(forms / "net.keras"), trace(forms / "net.keras")
    report = compare_layers(*twice, photos, SPEC)
    assert {(row.first.name, row.snr_db, row.max_abs_difference) for row in report.layers} == {
        (row.second.name, np.inf, 0.0) for row in report.layers
    }
    assert len(report.layers) == 9
    assert first_spoiled_layer(report) is None


@pytest.mark.parametrize("layer", ["stem_relu", "depthwise", "point", "shortcut"])
def test_the_layer_whose_weights_were_wrecked_is_the_first_one_named(forms, photos, tmp_path, layer):
    right = forms / "net.int8.tflite"
    pairs = compare_layers(trace(forms / "net.keras"), trace(right), photos, SPEC).layers
    (name,) = [row.second.name for row in pairs if row.first.name == layer]
    path = wrecked(right, tmp_path / "wrecked.tflite", name)
    report = compare_layers(trace(forms / "net.keras"), trace(path), photos, SPEC)
    found = first_spoiled_layer(report)
    assert found.layer.first.name == layer
    assert found.layer.snr_db < 10 < found.before_db
    assert f"--keep-float {found.layer.first.name}" in found.remedies[-1]
    assert str(found).startswith(f"the first layer that spoils it is {found.layer.first.name}")


def test_the_measures_are_those_of_their_definitions(forms, photos):
    a, b = trace(forms / "net.float32.tflite"), trace(forms / "net.int8.tflite")
    report = compare_layers(a, b, photos, SPEC)
    row = next(row for row in report.layers if row.second.kind == "ADD")
    index = [layer.name for layer in a.layers].index(row.first.name)
    other = [layer.name for layer in b.layers].index(row.second.name)
    x = a.run(photos, SPEC)[index].astype(np.float64)
    y = b.run(photos, SPEC)[other].astype(np.float64)
    assert row.snr_db == pytest.approx(10 * np.log10((x**2).sum() / ((x - y) ** 2).sum()))
    assert row.cosine == pytest.approx((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))
    assert row.max_abs_difference == pytest.approx(abs(x - y).max())
    assert row.shape == (12, 12, 8)


def onnx_of(forms, path):
    """The first layers of the network as ONNX has them: channels first, nodes of other names."""
    import keras

    model = keras.saving.load_model(forms / "net.keras")
    kernel, bias = model.get_layer("stem").get_weights()
    point, point_bias = model.get_layer("point").get_weights()
    depth, depth_bias = model.get_layer("depthwise").get_weights()
    norm = [np.asarray(each) for each in model.get_layer("stem_norm").get_weights()]
    weights = {
        "w0": kernel.transpose(3, 2, 0, 1),
        "b0": bias,
        **dict(zip("gbmv", norm, strict=True)),
        "w1": depth.transpose(2, 3, 0, 1),
        "b1": depth_bias,
        "w2": point.transpose(3, 2, 0, 1),
        "b2": point_bias,
    }
    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["a"], **pads),
        helper.make_node("BatchNormalization", ["a", "g", "b", "m", "v"], ["n"], epsilon=1e-3),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Conv", ["r", "w1", "b1"], ["d"], group=8, **pads),
        helper.make_node("Relu", ["d"], ["s"]),
        helper.make_node("Conv", ["s", "w2", "b2"], ["p"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 12, 12])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 8, 12, 12])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", 13)
    path.write_bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
    return path


def test_onnx_with_channels_first_is_paired_with_keras(forms, photos, tmp_path):
    report = compare_layers(
        trace(forms / "net.keras"), trace(onnx_of(forms, tmp_path / "net.onnx")), photos, SPEC
    )
    pairs = {row.first.name: row.second.name for row in report.layers}
    assert pairs == {"stem": "a", "stem_norm": "n", "stem_relu": "r", "depthwise": "s", "point": "p"}
    assert min(row.snr_db for row in report.layers) > 100


def test_nested_models_are_watched_inside(tmp_path):
    import keras

    inner = keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(2, 3, name="deep")], name="inner")
    image = keras.Input(SHAPE)
    keras.Model(image, keras.layers.Flatten(name="flat")(inner(image))).save(tmp_path / "nested.keras")
    watched = trace(tmp_path / "nested.keras")
    assert [layer.name for layer in watched.layers] == ["deep", "flat"]
    assert watched.parents == ((), (0,))


def test_what_softmax_does_not_tell_apart_loses_nothing():
    def row(kind, snr_db):
        return LayerDifference(
            LayerOutput(kind, kind), LayerOutput(kind, kind), (4,), snr_db, 1.0, 0, 1, 1, 0
        )

    rows = row("Conv2D", 30.0), row("Dense", 4.0), row("Softmax", 35.0)
    report = LayerReport(("a", "b"), rows, ((), ()), 1)
    assert kept_db(report) == [30.0, 35.0, 35.0]
    assert first_spoiled_layer(report).layer.first.name == "Conv2D"
    lost = LayerReport(("a", "b"), (rows[0], rows[1]), ((), ()), 1)
    assert first_spoiled_layer(lost).layer.first.name == "Dense"


def test_no_pair_contradicts_the_order_of_the_network():
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=(2, 5)).astype(np.float32) for _ in range(3))
    chain = ((), (0,), (1,))
    first = Watched(["a", "b", "c"], chain, [a, b, c])
    reordered = Watched(["x", "y", "z"], chain, [c + 0.01, a, b])
    assert align(first, reordered) == [(0, 1), (1, 2)]
    branches = Watched(["x", "y", "z"], ((), (), ()), [c + 0.01, a, b])
    assert align(first, branches) == [(0, 1), (1, 2), (2, 0)]


def test_axes_are_reordered_only_if_the_shapes_allow_it():
    values = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(as_shaped(values.transpose(0, 3, 1, 2), values), values)
    np.testing.assert_array_equal(as_shaped(values.reshape(1, 2, 3, 1, 4), values), values)
    assert as_shaped(values.reshape(1, 24), values) is None


def _taking(tensor, signature=None):
    """A model of which only the input matters: it returns what it takes."""
    output = TensorSpec("y", "float32", (None, 2))
    return Trace("file", tensor, output, signature, (), (), lambda batch: [batch])


@pytest.mark.parametrize(
    ("tensor", "given"),
    [
        (TensorSpec("x", "float32", (None, 2)), [0.2, 1.0]),
        (TensorSpec("x", "uint8", (None, 2)), [51, 255]),
        (TensorSpec("x", "int8", (None, 1, 2), 1 / 255, -128), [[-77, 127]]),
    ],
)
def test_every_model_is_given_the_same_item_as_it_takes_it(tensor, given):
    (found,) = _taking(tensor).run(np.array([[51, 255]], np.uint8), InputSpec("image", (2,), (1 / 255,)))
    assert found.dtype == tensor.dtype
    np.testing.assert_allclose(found, [given], rtol=1e-6)


def test_what_an_item_is_comes_from_the_file_then_from_a_quantized_range():
    floats = _taking(TensorSpec("x", "float32", (None, 4, 4, 3)))
    bright = _taking(TensorSpec("x", "int8", (None, 4, 4, 3), 1.0, -128))
    odd = _taking(TensorSpec("x", "int8", (None, 4, 4, 3), 0.3, 7))
    assert input_of(floats, bright) == InputSpec("image", (4, 4, 3), (1.0,))
    assert input_of(bright, floats) == InputSpec("image", (4, 4, 3), (1.0,))
    assert input_of(floats, odd) == InputSpec("features", (4, 4, 3))
    assert input_of(floats, floats).scale == (1 / 255,)
    told = InputSpec("image", (4, 4, 3), (0.1, 0.2, 0.3))
    signature = ModelSignature(told, OutputSpec("values", (2,), (), "none"))
    speaking = _taking(floats.input, signature)
    assert input_of(speaking, speaking) == told
    assert input_of(bright, speaking).scale == (1.0,)  # for the one that does not say
    (given,) = speaking.run(np.ones((1, 4, 4, 3), np.uint8), InputSpec("image", (4, 4, 3)))
    np.testing.assert_allclose(given[0, 0, 0], [0.1, 0.2, 0.3], rtol=1e-6)


def test_random_items_are_the_same_for_the_same_seed_and_within_the_range():
    floats = _taking(TensorSpec("x", "float32", (None, 3)))
    narrow = _taking(TensorSpec("x", "int8", (None, 3), 0.01, 0))
    spec = input_of(floats, narrow)
    drawn = random_items(floats, narrow, spec, 500, 0)
    assert abs(drawn).max() <= 1.28
    np.testing.assert_array_equal(drawn, random_items(floats, narrow, spec, 500, 0))


def test_two_models_that_have_nothing_in_common_are_told(forms, tmp_path):
    import keras

    keras.Sequential([keras.Input(SHAPE), keras.layers.ZeroPadding2D(2)]).save(tmp_path / "other.keras")
    with pytest.raises(ArtifactError, match=r"no layer of other\.keras computes what one of net\.keras does"):
        compare_layers(
            trace(forms / "net.keras"), trace(tmp_path / "other.keras"), np.ones((1, *SHAPE), "f4"), SPEC
        )


def test_inputs_of_another_shape_are_told(forms):
    with pytest.raises(ArtifactError, match=r"received inputs of the shape \(5, 5\); expected \(12, 12, 3\)"):
        compare_layers(
            *[trace(forms / "net.keras")] * 2, np.ones((1, 5, 5), np.float32), InputSpec("features", (5, 5))
        )


def test_a_damaged_file_is_tried_in_a_subprocess_first(forms, tmp_path):
    path = tmp_path / "bad.tflite"
    content = bytearray((forms / "net.int8.tflite").read_bytes())
    content[200:400] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"bad\.tflite"):
        read_trace(path)


def test_the_command_prints_a_table_json_and_a_picture(forms, tmp_path):
    picture = tmp_path / "layers.png"
    arguments = [str(forms / f"net.{form}.tflite") for form in ("float32", "int8")]
    run = CliRunner().invoke(app, ["layers", *arguments, "--samples", "4", "-o", str(picture), "--json"])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert found["inputs"] == "drawn at random"
    assert [row["second"]["kind"] for row in found["layers"]][-1] == "SOFTMAX"
    assert all(isinstance(row["snr_db"], float) for row in found["layers"])
    table = CliRunner().invoke(app, ["layers", *arguments, "--samples", "4"])
    assert "SNR dB" in table.stdout and "No layer is lost" in table.stdout


def test_a_model_of_several_outputs_cannot_be_watched(tmp_path):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("batch", 3)) for name in "xyz"]
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["z"])]
    graph = helper.make_graph(nodes, "two", ends[:1], ends[1:])
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()
    with pytest.raises(ArtifactError, match=r"2 tensors \(y, z\); expected one input and one output"):
        open_trace(tmp_path / "two.onnx", content)
