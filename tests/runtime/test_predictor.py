import shutil
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data.datasets import Split
from edgemnist.runtime import load_predictor
from edgemnist.runtime.errors import EngineError, InputError
from edgemnist.runtime.predictions import OutputDecoder, Predictions
from edgemnist.runtime.signature import OutputSpec
from edgemnist.runtime.tensors import TensorSpec

FILES = ("mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite", "mnist.keras")


@pytest.fixture(params=FILES)
def predictor(request: pytest.FixtureRequest, artifacts: Path):
    with load_predictor(artifacts / request.param) as loaded:
        yield loaded


def test_one_image_gives_one_prediction(predictor, digit):
    predictions = predictor.predict(digit)
    assert predictions.indices.tolist() == [7]
    assert predictions.labels == ("7",)
    assert predictions.probabilities.shape == (1, 10)
    assert predictions.probabilities.dtype == np.float32
    assert predictions[0].label == "7"
    assert predictions[0].confidence == predictions.confidences[0] == predictions.probabilities.max()


@pytest.mark.parametrize("count", [1, 40])
def test_an_iteration_gives_what_the_positions_give(predictor, test_split: Split, count: int):
    predictions = predictor.predict(test_split.inputs[:count])
    for one, iterated in zip(range(count), predictions, strict=True):
        single = predictions[one]
        assert (iterated.label, iterated.index, iterated.confidence) == (
            single.label,
            single.index,
            single.confidence,
        )
        np.testing.assert_array_equal(iterated.probabilities, single.probabilities)


def test_probabilities_sum_to_one(predictor, test_split: Split):
    probabilities = predictor.predict(test_split.inputs[:500]).probabilities
    np.testing.assert_allclose(
        probabilities.sum(axis=1), 1, atol=10 / 256 if predictor.output.quantized else 1e-5
    )


def test_batch_sizes_may_change_from_call_to_call(predictor, test_split: Split):
    whole = predictor.predict(test_split.inputs[:65]).probabilities
    for size in (1, 7, 64, 2):
        part = predictor.predict(test_split.inputs[:size]).probabilities
        np.testing.assert_allclose(part, whole[:size], atol=1e-5)


def test_floats_give_the_answers_of_their_pixels(predictor, digit):
    pixels = predictor.predict(digit).probabilities
    np.testing.assert_array_equal(predictor.predict(digit / 255).probabilities, pixels)
    np.testing.assert_array_equal(predictor.predict((digit / 255).astype(np.float32)).probabilities, pixels)


def test_views_without_contiguous_memory_give_the_same_answers(predictor, test_split: Split):
    images = test_split.inputs[:20]
    strided = np.asfortranarray(images)[::2]
    expected = predictor.predict(images[::2].copy()).probabilities
    np.testing.assert_array_equal(predictor.predict(strided).probabilities, expected)


def test_predictions_are_not_overwritten_by_the_next_call(predictor, test_split: Split):
    first = predictor.predict(test_split.inputs[0])
    before = first.probabilities.copy()
    predictor.predict(test_split.inputs[1])
    np.testing.assert_array_equal(first.probabilities, before)


def test_a_closed_predictor_says_so(artifacts: Path, digit):
    predictor = load_predictor(artifacts / "mnist.float32.onnx")
    predictor.close()
    with pytest.raises(EngineError, match=r"mnist\.float32\.onnx is closed"):
        predictor.predict(digit)


def test_predictors_agree_with_keras_on_every_test_image(artifacts: Path, test_split: Split):
    keras = load_predictor(artifacts / "mnist.keras").predict(test_split.inputs)
    for name in FILES[:2]:
        predictions = load_predictor(artifacts / name).predict(test_split.inputs)
        np.testing.assert_array_equal(predictions.indices, keras.indices)
        np.testing.assert_allclose(predictions.probabilities, keras.probabilities, atol=1e-5)


def _bad_images() -> dict[str, tuple[object, str]]:
    return {
        "wrong size": (np.zeros((32, 32), np.uint8), r"received \(32, 32\); expected \(28, 28\)"),
        "wrong batch": (np.zeros((4, 28, 27), np.uint8), r"received \(4, 28, 27\)"),
        "channels": (np.zeros((4, 28, 28, 3), np.uint8), r"received \(4, 28, 28, 3\)"),
        "flat": (np.zeros(784, np.uint8), r"Unflatten"),
        "empty batch": (np.zeros((0, 28, 28), np.uint8), r"an empty batch"),
        "integers": (np.zeros((28, 28), np.int64), r"received int64; expected uint8"),
        "booleans": (np.zeros((28, 28), bool), r"received bool"),
        "complex": (np.zeros((28, 28), np.complex64), r"received complex64"),
        "a path to nothing": ("seven", r"no such picture: seven"),
        "ragged": ([[1, 2], [3]], r"no array"),
        "objects": (np.full((28, 28), None), r"received object"),
        "too bright": (np.full((28, 28), 255.0), r"values from 255 to 255; expected values in \[0, 1\]"),
        "negative": (np.full((28, 28), -0.1), r"values from -0.1"),
        "NaN": (np.full((28, 28), np.nan), r"received NaN"),
        "infinite": (np.full((28, 28), np.inf), r"values from inf"),
    }


@pytest.mark.parametrize("case", _bad_images())
def test_bad_images_are_refused_before_the_engine(predictor, case):
    images, message = _bad_images()[case]
    with pytest.raises(InputError, match=message):
        predictor.predict(images)


def test_an_artifact_loads_without_its_manifest(artifacts: Path, tmp_path: Path, digit):
    for name in FILES:
        lone = Path(shutil.copy(artifacts / name, tmp_path))
        assert load_predictor(lone).predict(digit)[0].label == "7"


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16])
@pytest.mark.parametrize("classes", [2, 10, 32, 33])
def test_many_rows_have_the_classes_that_numpy_finds(dtype: type, classes: int):
    tensor = TensorSpec("probabilities", np.dtype(dtype).name, (None, classes), 1 / 256)
    decoder = OutputDecoder(tensor, OutputSpec("classes", (classes,), tuple(map(str, range(classes)))))
    few_values = (
        np.random.default_rng(0).integers(-3, 4, (5000, classes)).astype(dtype)
    )  # many rows have ties
    predictions = Predictions(few_values, decoder)
    np.testing.assert_array_equal(predictions.indices, few_values.argmax(axis=1))
    assert predictions.indices.dtype == np.int64
