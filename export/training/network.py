"""A network as a Keras model, and its optimizer."""

import math
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..backend import keras
from .architectures import DENSE, HIDDEN_LAYER, Architecture
from .recipe import Recipe

MODEL_NAME = "mnist"
FULL_PIXEL = 255.0
_IMAGE_AXES = 2
_BATCH = 10_000


def build_model(image_shape: tuple[int, ...], classes: int, network: Architecture = DENSE) -> Any:
    """Return the untrained Keras network, initialised from Keras' global seed.

    Its input is float32 `(N, *image_shape)` in [0, 1], its output float32 probabilities `(N, classes)`. For
    28x28 images and 10 classes, dense has 101,770 parameters and cnn 18,774.
    """
    model = keras.Sequential([keras.Input(image_shape, name="image")], name=MODEL_NAME)
    if network.convolutional:
        model.add(keras.layers.Reshape((*image_shape, 1)))
    for kind, options in network.layers:
        model.add(getattr(keras.layers, kind)(**options))
    model.add(keras.layers.Dense(classes, activation="softmax", name="probabilities"))
    return model


def optimizer(recipe: Recipe, images: int) -> Any:
    """Return the Keras optimizer of a recipe for so many training images."""
    rate: Any = recipe.learning_rate
    if recipe.warmup_epochs is not None:
        steps = math.ceil(images / recipe.batch_size)
        rate = cosine_rate(rate, recipe.epochs * steps, round(recipe.warmup_epochs * steps))
    return keras.optimizers.Adam(rate, weight_decay=recipe.weight_decay or None)


def cosine_rate(learning_rate: float, steps: int, warmup_steps: int) -> Any:
    """Return a Keras schedule: from 0 up to `learning_rate` in a line, then down to 0 along half a cosine.

    `steps` are those of the whole training, `warmup_steps` those of them that go upwards.
    """
    if warmup_steps < 1:
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    falling = max(1, steps - warmup_steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, falling, warmup_target=learning_rate, warmup_steps=warmup_steps
    )


def fold_offset(model: Any, offset: NDArray[np.float32]) -> None:
    """Make a network that was trained on images minus `offset` (H, W) give the same for the images.

    The first dense layer maps the offset to a constant, which is subtracted from its bias.
    """
    kernel, bias = model.get_layer(HIDDEN_LAYER).trainable_variables
    bias.assign(bias.numpy() - offset.ravel() @ kernel.numpy())


def predict(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a network's probabilities (N, classes) float32 for images (N, H, W) uint8."""
    floats = images.astype(np.float32) / np.float32(FULL_PIXEL)
    return cast("NDArray[np.float32]", model.predict(floats, batch_size=_BATCH, verbose=0))


def is_bundled(model: Any) -> bool:
    """Whether a model is of the bundled network, whatever it was trained on."""

    def described(network: Any) -> list[tuple[str, Any, Any]]:
        layers = [layer for layer in network.layers if type(layer).__name__ != "InputLayer"]
        return [
            (type(layer).__name__, layer.output.shape, getattr(layer, "activation", None)) for layer in layers
        ]

    shape, outputs = model.input_shape[1:], model.output_shape
    if len(shape) != _IMAGE_AXES or len(outputs) != _IMAGE_AXES:
        return False
    return described(model) == described(build_model(shape, outputs[-1]))
