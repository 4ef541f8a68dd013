"""The networks that can be trained, as data. Needs no TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...runtime.errors import unknown

HIDDEN_LAYER = "hidden"
Layer = tuple[str, Mapping[str, Any]]
"""A class of `keras.layers`, and its options."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What stands between the image and the last layer, `Dense(classes, softmax)`.

    Attributes:
        name: What people call it.
        layers: In order.
        convolutional: Whether the first layer wants an axis of channels after height and width.
        steps_per_call: How many steps of the optimizer one compiled call takes. XLA's convolutions are 20
            times slower on a CPU inside of a loop (TensorFlow 2.21), so networks that have any take 1.
    """

    name: str
    layers: tuple[Layer, ...]
    convolutional: bool = False
    steps_per_call: int = 125


def _convolution(filters: int, kernel_size: int = 3, strides: int = 1) -> tuple[Layer, ...]:
    """Return a convolution, normalized and rectified; converters make one quantized operator of it."""
    options = {"kernel_size": kernel_size, "strides": strides, "padding": "same", "use_bias": False}
    return (
        ("Conv2D", {"filters": filters, **options}),
        ("BatchNormalization", {"momentum": 0.95}),
        ("ReLU", {}),
    )


DENSE = Architecture(
    "dense", (("Flatten", {}), ("Dense", {"units": 128, "activation": "relu", "name": HIDDEN_LAYER}))
)
CNN = Architecture(
    "cnn",
    (
        *_convolution(12, kernel_size=5, strides=2),
        *_convolution(16),
        *_convolution(20),
        *_convolution(28, strides=2),
        *_convolution(32),
        ("GlobalAveragePooling2D", {}),
    ),
    convolutional=True,
    steps_per_call=1,
)
NETWORKS = {architecture.name: architecture for architecture in (DENSE, CNN)}


def find_network(name: str) -> Architecture:
    """Return the network of that name.

    Raises:
        OptionError: There is none.
    """
    if name not in NETWORKS:
        raise unknown("network", name, NETWORKS)
    return NETWORKS[name]
