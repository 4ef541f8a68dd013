"""`.keras` files: the bytes that were hashed are the bytes that are loaded, in safe mode."""

import hashlib
import shutil

import numpy as np
import pytest

from edgemnist.proof.inspect.structure import read_structure
from edgemnist.runtime import load_predictor
from edgemnist.runtime.engines.registry import EngineOptions, read_model_file
from edgemnist.runtime.errors import ArtifactError


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another model of the same shape, whose answers differ."""
    import keras

    model = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    )
    path = tmp_path_factory.mktemp("other") / "other.keras"
    model.save(path)
    return path


def test_a_file_that_changes_after_it_was_hashed_is_loaded_as_it_was(artifacts, other, tmp_path, digit):
    path = shutil.copy(artifacts / "mnist.keras", tmp_path / "mnist.keras")
    source = read_model_file(path, "keras", EngineOptions())
    shutil.copy(other, path)
    with load_predictor(artifacts / "mnist.keras") as predictor:
        expected = predictor.predict(digit).probabilities
    pixels = digit[None].astype(np.float32) / 255
    np.testing.assert_allclose(source.load().run(pixels), expected, atol=1e-6)


def test_a_file_that_is_gone_after_it_was_hashed_is_loaded_as_it_was(artifacts, tmp_path):
    path = shutil.copy(artifacts / "mnist.keras", tmp_path / "mnist.keras")
    source = read_model_file(path, "keras", EngineOptions())
    path.unlink()
    assert source.load().output.shape == (None, 10)


def test_a_predictor_tells_the_sha256_of_what_it_loaded(artifacts_copy):
    path = artifacts_copy / "mnist.keras"
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    with load_predictor(path) as predictor:
        path.write_bytes(b"")
        assert predictor.sha256 == expected


def test_code_in_a_model_is_refused(tmp_path):
    import keras

    path = tmp_path / "code.keras"
    layer = keras.layers.Lambda(lambda x: x * 2, output_shape=(10,))
    keras.Sequential([keras.Input((10,)), layer]).save(path)
    for load in (load_predictor, read_structure):
        with pytest.raises(ArtifactError, match="carries Python code"):
            load(path)


def test_an_export_does_not_publish_another_model_than_it_loaded(artifacts, other, tmp_path, mnist):
    from edgemnist.export.calibration import choose_calibration
    from edgemnist.export.convert.options import ExportOptions
    from edgemnist.export.convert.registry import convert
    from edgemnist.export.convert.source import load_source
    from edgemnist.proof.formats import SOURCE
    from edgemnist.runtime.errors import ConversionError

    path = shutil.copy(artifacts / "mnist.keras", tmp_path / "mnist.keras")
    source = load_source(path, choose_calibration(mnist.train, 10, 10, 0))
    shutil.copy(other, path)
    with pytest.raises(ConversionError, match=r"mnist\.keras changed while it was exported"):
        convert(SOURCE, source, ExportOptions())
