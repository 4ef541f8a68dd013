"""Keras files of earlier versions are mended; what carries code or leads to other files is refused."""

import io
import json
import pickle
import shutil
import zipfile

import h5py
import numpy as np
import pytest

from edgemnist.runtime import load_predictor
from edgemnist.runtime.artifact.keras.config import mended
from edgemnist.runtime.artifact.keras.file import read_keras_file
from edgemnist.runtime.engines.registry import EngineOptions, read_model_file
from edgemnist.runtime.errors import ArtifactError, MendedModelWarning
from edgemnist.runtime.isolation.probe import Probe, probe_if_needed


def load(path):
    return read_model_file(path, "keras", EngineOptions()).load().model


@pytest.fixture(scope="module")
def model():
    import keras

    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 2), name="photo")
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="dense")(x), name="small")


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(0).random((4, 6, 6, 2), np.float32)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    """The model as `small.h5` and `small.keras`, as this version of Keras writes them."""
    folder = tmp_path_factory.mktemp("saved")
    model.save(folder / "small.h5")
    model.save(folder / "small.keras")
    return folder


@pytest.fixture
def edited(saved, tmp_path):
    """Return a function that saves the model with a changed configuration."""

    def edit(change, suffix=".h5"):
        path = tmp_path / f"small{suffix}"
        if suffix == ".h5":
            shutil.copy(saved / "small.h5", path)
            with h5py.File(path, "r+") as file:
                config = json.loads(file.attrs["model_config"])
                change({layer["config"]["name"]: layer for layer in config["config"]["layers"]}, config)
                file.attrs["model_config"] = json.dumps(config)
                file.attrs["keras_version"] = "2.4.0"
            return path
        with zipfile.ZipFile(saved / "small.keras") as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if name == "config.json":
                    config = json.loads(content)
                    change({layer["config"]["name"]: layer for layer in config["config"]["layers"]}, config)
                    content = json.dumps(config)
                if name == "metadata.json":
                    content = json.dumps({"keras_version": "2.13.1"})
                new.writestr(name, content)
        return path

    return edit


def test_both_kinds_of_files_give_the_models_answers_without_a_word(saved, model, photos):
    expected = model(photos)
    for suffix in (".keras", ".h5"):
        np.testing.assert_array_equal(load(saved / f"small{suffix}")(photos), expected)


def test_a_predictor_loads_a_legacy_file(saved):
    with load_predictor(saved / "small.h5") as predictor:
        assert predictor.engine_name == "keras"


def test_hdf5_in_a_file_called_keras_is_loaded(saved, model, photos, tmp_path):
    path = shutil.copy(saved / "small.h5", tmp_path / "small.keras")
    np.testing.assert_array_equal(load(path)(photos), model(photos))


def of_keras_2(layers, _config):
    layers["depthwise"]["config"]["groups"] = 1
    layers["norm"]["config"].update(axis=[3], virtual_batch_size=None)
    layers["dense"]["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "float32"}}
    kernel = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
    layers["dense"]["config"]["kernel_initializer"] = kernel
    shape = layers["photo"]["config"].pop("batch_shape")
    layers["photo"]["config"]["batch_input_shape"] = shape


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_file_of_keras_2_gives_the_same_answers_and_one_message(edited, model, photos, suffix):
    path = edited(of_keras_2, suffix)
    with pytest.warns(MendedModelWarning) as caught:
        loaded = load(path)
    np.testing.assert_array_equal(loaded(photos), model(photos))
    (message,) = [str(one.message) for one in caught if one.category is MendedModelWarning]
    for what in (
        "groups of DepthwiseConv2D",
        "axis of",
        "dtype policies",
        "dtype of initializers",
        "virtual_batch_size",
    ):
        assert what in message


def test_an_argument_that_does_something_is_not_dropped(edited):
    def two_groups(layers, _config):
        layers["depthwise"]["config"]["groups"] = 2

    with pytest.raises(
        ArtifactError, match=r"Unrecognized keyword arguments.*groups.*written by Keras 2\.4\.0"
    ):
        load(edited(two_groups))


def test_old_optimizers_and_their_arguments_do_not_matter(saved, model, photos, tmp_path):
    path = shutil.copy(saved / "small.h5", tmp_path / "small.h5")
    optimizer = {"class_name": "SGD", "config": {"lr": 0.1, "decay": 0.001}}
    with h5py.File(path, "r+") as file:
        file.attrs["training_config"] = json.dumps({"optimizer_config": optimizer, "loss": "mine"})
    np.testing.assert_array_equal(load(path)(photos), model(photos))


def _after_flatten(layers, config, function, **arguments):
    """Put a function of TensorFlow between the last two layers, as Keras 2 wrote it."""
    name = f"tf.{function}"
    layer = {
        "class_name": "TFOpLambda",
        "config": {"name": name, "trainable": True, "dtype": "float32", "function": function},
        "name": name,
        "inbound_nodes": [["flatten", 0, 0, {**arguments, "name": None}]],
    }
    config["config"]["layers"].insert(-1, layer)
    layers["dense"]["inbound_nodes"] = [[[name, 0, 0, {}]]]


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        ("math.multiply", {"y": 0.5}, lambda x: x * 0.5),
        ("__operators__.add", {"y": ["flatten", 0, 0]}, lambda x: x + x),
        ("nn.relu6", {}, lambda x: np.clip(x, 0, 6)),
        ("clip_by_value", {"clip_value_min": 0.0, "clip_value_max": 0.2}, lambda x: np.clip(x, 0, 0.2)),
        ("math.subtract", {"y": [0.25] * 32}, lambda x: x - 0.25),
    ],
)
def test_functions_of_tensorflow_become_operations(edited, model, photos, function, arguments, result):
    import keras

    path = edited(lambda layers, config: _after_flatten(layers, config, function, **arguments))
    with pytest.warns(MendedModelWarning, match=f"function tf.{function} as the operation"):
        loaded = load(path)
    before = np.asarray(keras.Model(model.input, model.get_layer("flatten").output)(photos))
    np.testing.assert_allclose(loaded(photos), model.get_layer("dense")(result(before)), atol=1e-6)


def test_an_unknown_function_of_tensorflow_is_named(edited):
    path = edited(lambda layers, config: _after_flatten(layers, config, "io.read_file"))
    with pytest.raises(ArtifactError, match=r"the function tf\.io\.read_file"):
        load(path)


def test_names_with_slashes_are_mended_wherever_they_stand():
    layers = [
        {"class_name": "InputLayer", "config": {"name": "in"}, "name": "in", "inbound_nodes": []},
        {
            "class_name": "ReLU",
            "config": {"name": "a/b"},
            "name": "a/b",
            "inbound_nodes": [[["in", 0, 0, {}]]],
        },
    ]
    config = {
        "class_name": "Functional",
        "config": {"layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["a/b", 0, 0]]},
    }
    result, notes = mended(config)
    assert json.dumps(result).count("a_b") == 3
    assert "/" not in json.dumps(result)
    assert notes == ("layers with / in their names",)


def a_lambda(layers, _config):
    layers["relu"]["class_name"] = "Lambda"
    layers["relu"]["config"] = {"name": "relu", "function": ["4wEAAAAA", None, None]}


def a_marshalled_function(layers, _config):
    code = {"class_name": "__lambda__", "config": {"value": "4wEAAAAA"}}
    layers["dense"]["config"]["activation"] = code


def a_custom_layer(layers, _config):
    layers["relu"]["class_name"] = "Mine>Swish"


def a_module_of_mine(layers, _config):
    layers["relu"].update(module="os", class_name="system", registered_name="system")


def a_custom_activation(layers, _config):
    layers["dense"]["config"]["activation"] = "my_activation"


def a_function_of_anyone(layers, _config):
    function = {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"}
    layers["dense"]["config"]["activation"] = function


def a_program(layers, _config):
    layers["relu"]["class_name"] = "TFSMLayer"
    layers["relu"]["config"] = {"name": "relu", "filepath": "/models/program"}


def a_file(layers, _config):
    layers["relu"]["class_name"] = "StringLookup"
    layers["relu"]["config"] = {"name": "relu", "vocabulary": "/etc/passwd"}


def a_type(layers, _config):
    spec = {"class_name": "TypeSpec", "type_spec": "x", "serialized": []}
    layers["relu"]["config"]["max_value"] = spec


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (a_lambda, "carries Python code.*Lambda 'relu'.*Replace it by layers"),
        (a_marshalled_function, "carries Python code.*__lambda__"),
        (a_type, "carries Python code.*TypeSpec"),
        (a_custom_layer, "needs code that is not in the file.*Mine>Swish"),
        (a_module_of_mine, "needs code that is not in the file.*system"),
        (a_custom_activation, "needs code that is not in the file.*my_activation"),
        (a_function_of_anyone, "needs code that is not in the file.*'eval'"),
        (a_program, "loads another file or program.*TFSMLayer"),
        (a_file, "loads another file or program.*StringLookup"),
    ],
)
def test_what_carries_code_is_refused_before_keras_sees_it(edited, monkeypatch, change, message, suffix):
    import keras

    path = edited(change, suffix)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras was called"))
    with pytest.raises(ArtifactError, match=message):
        load(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_several_ends_and_states_are_told_in_a_sentence(tmp_path, suffix):
    import keras

    def told(model):
        model.save(tmp_path / f"model{suffix}")
        with pytest.raises(ArtifactError) as error:
            load_predictor(tmp_path / f"model{suffix}")
        return str(error.value)

    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    assert "several inputs; received 2: a, b" in told(keras.Model([a, b], keras.layers.Add()([a, b])))
    assert "several outputs" in told(keras.Model(a, [keras.layers.ReLU()(a), keras.layers.ELU()(a)]))
    state = [keras.Input((4, 2), batch_size=1), keras.layers.LSTM(3, stateful=True)]
    assert "keeps a state" in told(keras.Sequential(state))


def external_link(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["secret"] = np.ones(3)
    file["model_weights"]["dense"]["more"] = h5py.ExternalLink(str(folder / "other.h5"), "secret")


def soft_link(file, _folder):
    file["model_weights"]["dense"]["more"] = h5py.SoftLink("/model_weights")


def external_storage(file, folder):
    (folder / "raw").write_bytes(bytes(12))
    file.create_dataset("raw", (3,), "f4", external=[(str(folder / "raw"), 0, 12)])


def virtual_dataset(file, folder):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", (3,))
    file.create_virtual_dataset("virtual", layout)


def pickled_objects(file, _folder):
    data = np.frombuffer(pickle.dumps(print), np.uint8)
    file.create_dataset("objects", (1,), h5py.vlen_dtype(np.uint8))[0] = data


def references(file, _folder):
    file.attrs["reference"] = file["model_weights"].ref


def bomb(file, _folder):
    file.create_dataset("zeros", (1 << 20, 1 << 12), "f4", chunks=(1 << 10, 1 << 10), compression="gzip")


def deep(file, _folder):
    group = file
    for _ in range(80):
        group = group.create_group("more")


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (external_link, r"more is a link to elsewhere \(ExternalLink\)"),
        (soft_link, r"more is a link to elsewhere \(SoftLink\)"),
        (external_storage, "raw lies in another file"),
        (virtual_dataset, "virtual lies in another file"),
        (pickled_objects, "objects holds object, not numbers"),
        (references, "the attribute reference of / holds"),
        (bomb, "arrays of more than"),
        (deep, "64 deep"),
    ],
)
def test_hdf5_that_no_model_needs_is_refused(saved, tmp_path, add, message):
    path = shutil.copy(saved / "small.h5", tmp_path / "small.h5")
    with h5py.File(path, "r+") as file:
        add(file, tmp_path)
    with pytest.raises(ArtifactError, match=message):
        load(path)


def test_the_weights_in_an_archive_are_checked_alike(saved, tmp_path):
    path = tmp_path / "small.keras"
    with zipfile.ZipFile(saved / "small.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".h5"):
                stream = io.BytesIO(content)
                with h5py.File(stream, "r+") as file:
                    file["more"] = h5py.ExternalLink("/etc/other.h5", "secret")
                content = stream.getvalue()
            new.writestr(name, content)
    with pytest.raises(ArtifactError, match="more is a link to elsewhere"):
        load(path)


def test_weights_alone_and_no_hdf5_at_all_are_told(model, tmp_path):
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ArtifactError, match="weights alone"):
        load(tmp_path / "a.weights.h5")
    (tmp_path / "b.h5").write_bytes(b"no model")
    with pytest.raises(ArtifactError, match=r"b\.h5 is not a Keras model"):
        load(tmp_path / "b.h5")


def test_a_file_of_nobody_known_is_read_in_a_subprocess_first(saved, tmp_path):
    path = tmp_path / "small.h5"
    content = bytearray((saved / "small.h5").read_bytes())
    position = content.index(b"TREE")
    content[position : position + 64] = b"\xff" * 64
    path.write_bytes(content)
    source = read_model_file(path, "keras", EngineOptions())
    with pytest.raises(ArtifactError, match=r"small\.h5"):
        probe_if_needed(source, Probe(), verified=False)
    good = read_model_file(saved / "small.h5", "keras", EngineOptions())
    assert probe_if_needed(good, Probe(), verified=False)


def test_what_is_written_for_keras_has_the_weights_of_what_was_read(saved, tmp_path):
    content = (saved / "small.h5").read_bytes()
    file = read_keras_file(content)
    path = file.write(tmp_path, {"class_name": "Functional", "config": {}})
    with h5py.File(path) as made, h5py.File(io.BytesIO(content)) as old:
        names = []
        old.visit(lambda name: names.append(name) if isinstance(old[name], h5py.Dataset) else None)
        assert len(names) == 8
        for name in names:
            np.testing.assert_array_equal(made[name], old[name])
        assert json.loads(made.attrs["model_config"])["config"] == {}
