"""Small Keras models of several kinds, trained in seconds on real data that packages bring along."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Data = tuple[NDArray[Any], NDArray[Any] | None]


@dataclass(frozen=True, slots=True)
class OwnModel:
    """How to make a model and its data.

    Attributes:
        data: Returns inputs, and labels or targets or None.
        layers: Returns the layers after the input, for the training inputs.
        loss: What is minimized; "logits" is the cross-entropy of outputs without softmax.
        scaled: What the training multiplies raw inputs with.
        epochs: How often it sees them.
        names: The class names.
        input_shape: Of the model; None is that of the data.
    """

    data: Callable[[], Data]
    layers: Callable[[Any, NDArray[Any]], list[Any]]
    loss: str
    scaled: float = 1.0
    epochs: int = 20
    names: tuple[str, ...] = ()
    input_shape: tuple[int, ...] | None = None


def make(name: str, folder: Path) -> None:
    """Write `net.keras`, trained, and its `data.npz` into a folder."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    own = MODELS[name]
    keras.utils.set_random_seed(0)
    inputs, answers = own.data()
    order = np.random.default_rng(0).permutation(len(inputs))
    test, train = np.split(order, [len(order) // 4])
    shape = own.input_shape or inputs.shape[1:]
    model = keras.Sequential([keras.Input(shape), *own.layers(keras.layers, inputs[train])])
    scaled = (inputs[train] * np.float32(own.scaled)).astype(np.float32).reshape(-1, *shape)
    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), logits if own.loss == "logits" else own.loss)
    model.fit(scaled, scaled if answers is None else answers[train], epochs=own.epochs, verbose=0)
    model.save(folder / "net.keras")
    arrays = {"x_train": inputs[train], "x_test": inputs[test]}
    if answers is not None:
        arrays |= {"y_train": answers[train], "y_test": answers[test]}
    if own.names:
        arrays["class_names"] = np.array(own.names)
    np.savez(folder / "data.npz", **arrays)


def photographs() -> Data:
    """Return patches of scikit-learn's two photographs, `(N, 32, 32, 3)` uint8, and which they are of."""
    from sklearn.datasets import load_sample_images

    patches, labels = [], []
    for label, photo in enumerate(load_sample_images().images):
        for top in range(0, photo.shape[0] - 31, 32):
            for left in range(0, photo.shape[1] - 31, 32):
                patches.append(photo[top : top + 32, left : left + 32])
                labels.append(label)
    return np.stack(patches), np.array(labels)


def _digits() -> Data:
    from sklearn.datasets import load_digits

    found = load_digits()
    return (found.images * 15).astype(np.uint8), found.target


def _tumours() -> Data:
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    return found.data.astype(np.float32), found.target


def _wines() -> Data:
    from sklearn.datasets import load_wine

    found = load_wine()
    return found.data.astype(np.float32), found.target


def _diabetes() -> Data:
    from sklearn.datasets import load_diabetes

    found = load_diabetes()
    return (found.data * 20).astype(np.float32), (found.target / 100).astype(np.float32)


def _iris() -> Data:
    from sklearn.datasets import load_iris

    return load_iris().data.astype(np.float32), None


def _brightness() -> Data:
    """Return windows of 64 steps of the photographs' brightness along their rows, and which they are of."""
    from sklearn.datasets import load_sample_images

    windows, labels = [], []
    for label, photo in enumerate(load_sample_images().images):
        grey = photo.mean(axis=2).astype(np.float32) / 100
        for row in grey[::4]:
            windows += list(row[: len(row) // 64 * 64].reshape(-1, 64, 1))
            labels += [label] * (len(row) // 64)
    return np.stack(windows), np.array(labels)


def _normalized(layers: Any, inputs: NDArray[Any]) -> Any:
    layer = layers.Normalization()
    layer.adapt(inputs)
    return layer


MODELS = {
    "digits": OwnModel(
        _digits,
        lambda layers, _: [
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ],
        "logits",
        scaled=1 / 255,
        epochs=6,
        input_shape=(8, 8, 1),
    ),
    "photographs": OwnModel(
        photographs,
        lambda layers, _: [
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, 3, strides=2),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
        epochs=15,
        names=("temple", "flower"),
    ),
    "wines": OwnModel(
        _wines,
        lambda layers, x: [
            _normalized(layers, x),
            layers.Dense(16, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
    ),
    "tumours": OwnModel(
        _tumours,
        lambda layers, x: [
            _normalized(layers, x),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ],
        "binary_crossentropy",
        names=("malignant", "benign"),
        epochs=10,
    ),
    "diabetes": OwnModel(
        _diabetes, lambda layers, _: [layers.Dense(8, activation="relu"), layers.Dense(1)], "mse"
    ),
    "irises": OwnModel(
        _iris,
        lambda layers, x: [_normalized(layers, x), layers.Dense(3, activation="relu"), layers.Dense(4)],
        "mse",
    ),
    "brightness": OwnModel(
        _brightness,
        lambda layers, _: [
            layers.Conv1D(8, 5, strides=2, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(8, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
        epochs=8,
    ),
}
