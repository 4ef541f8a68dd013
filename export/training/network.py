"""The network: Flatten, Dense(128, relu), Dense(classes, softmax)."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..backend import keras

MODEL_NAME = "mnist"
HIDDEN_UNITS = 128
HIDDEN_LAYER = "hidden"
FULL_PIXEL = 255.0
_BATCH = 10_000


def build_model(image_shape: tuple[int, ...], classes: int) -> Any:
    """Return the untrained Keras network, initialised from Keras' global seed.

    It takes float32 images `(N, *image_shape)` in [0, 1] and gives float32 probabilities `(N, classes)`,
    rows sum to 1. For 28x28 images and 10 classes it has 101,770 parameters.
    """
    return keras.Sequential(
        [
            keras.Input(image_shape, name="image"),
            keras.layers.Flatten(),
            keras.layers.Dense(HIDDEN_UNITS, activation="relu", name=HIDDEN_LAYER),
            keras.layers.Dense(classes, activation="softmax", name="probabilities"),
        ],
        name=MODEL_NAME,
    )


def fold_offset(model: Any, offset: NDArray[np.float32]) -> None:
    """Change a network that was trained on images minus `offset` (H, W) to give the same for the images.

    What the first dense layer makes of the offset is a constant, which its bias takes in.
    """
    kernel, bias = model.get_layer(HIDDEN_LAYER).trainable_variables
    bias.assign(bias.numpy() - offset.ravel() @ kernel.numpy())


def answers(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a network's probabilities (N, classes) float32 for images (N, H, W) uint8."""
    floats = images.astype(np.float32) / np.float32(FULL_PIXEL)
    return cast("NDArray[np.float32]", model.predict(floats, batch_size=_BATCH, verbose=0))
