"""Engines use private attributes of their packages for speed, and work without them."""

from pathlib import Path

import numpy as np
import pytest

from edgemnist.runtime import load_predictor
from edgemnist.runtime.engines import litert
from edgemnist.runtime.engines import onnxruntime as ort

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


def outputs(path: Path) -> list[np.ndarray]:
    """Return the outputs for one image, for a batch and for one image again."""
    with load_predictor(path) as predictor:
        return [predictor.predict(images).probabilities for images in (IMAGES[0], IMAGES, IMAGES[4])]


@pytest.mark.parametrize(
    ("name", "module", "attribute", "missing"),
    [
        ("mnist.int8.tflite", litert, "_NATIVE_METHODS", ("NoSuchMethod",)),
        ("mnist.float32.onnx", ort, "_NATIVE_SESSION", "_no_such_attribute"),
    ],
)
def test_a_release_without_them_answers_the_same(artifacts, monkeypatch, name, module, attribute, missing):
    expected = outputs(artifacts / name)
    monkeypatch.setattr(module, attribute, missing)
    for found, wanted in zip(outputs(artifacts / name), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_installed_releases_have_them(artifacts):
    """Where this fails, a release has changed: every call is slower, and nothing else is wrong."""
    interpreter = litert.Interpreter(model_path=str(artifacts / "mnist.int8.tflite"))
    assert litert._native_of(interpreter) is not None
    session = ort.onnxruntime.InferenceSession(
        artifacts / "mnist.float32.onnx", providers=["CPUExecutionProvider"]
    )
    assert ort._native_run(session) is not session.run
    assert ort._native_run(session).__self__ is session._sess
