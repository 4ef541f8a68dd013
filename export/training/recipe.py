"""How a network is trained, as data."""

import math
from dataclasses import dataclass, replace

from ...runtime.errors import OptionError, unknown
from .architectures import CNN, DENSE, find_network


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far an image may be warped: every value is drawn anew for each image.

    Lengths are shares of the image's side, so that a recipe fits images of any size.

    Attributes:
        rotation_degrees: Largest turn to either side.
        scale: Largest stretch or squeeze of each axis, as the logarithm of its factor.
        shear: Largest slant, in columns per row.
        shift: Largest move along each axis.
        elastic: Standard deviation of the elastic displacement of a pixel, along each axis.
        smoothness: Over what distance neighbouring pixels move alike: the sigma of the Gaussian that
            Simard et al. (2003) smooth the random displacements with.

    Raises:
        OptionError: A value describes no augmentation.
    """

    rotation_degrees: float
    scale: float
    shear: float
    shift: float
    elastic: float
    smoothness: float

    def __post_init__(self) -> None:
        for name in ("rotation_degrees", "scale", "shear", "shift", "elastic"):
            value = getattr(self, name)
            what = f"{name.replace('_', ' ')} of an augmentation"
            _require(0 <= value < math.inf, what, value, "at least 0")
        _require(0 < self.smoothness < math.inf, "smoothness of an augmentation", self.smoothness, "above 0")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides how a network is trained, but the seed and the data.

    Attributes:
        name: What people call it.
        epochs: How often every training image is seen.
        batch_size: Images in one step of the optimizer; the last step of an epoch has those that are left.
        learning_rate: Adam's step size; with a warm-up, its largest.
        warmup_epochs: Over how many epochs the step size rises from 0, to fall to 0 along a cosine
            afterwards; None keeps it constant.
        weight_decay: What share of every weight each step subtracts, as a factor of the step size (AdamW).
        centred: Whether the mean training image is subtracted from every image while the network learns; at
            the end it is folded into the first layer's bias, so that the network's input is the image itself.
        validation_share: What share of the training images is held out, as evenly over the classes as they
            come, to measure the network after each epoch; None measures it on the test images.
        augmentation: How the training images are warped; None leaves them as they are.
        network: The name of the network.

    Raises:
        OptionError: With a value nothing can be trained.
    """

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    warmup_epochs: float | None = None
    weight_decay: float = 0.0
    centred: bool = False
    validation_share: float | None = None
    augmentation: Augmentation | None = None
    network: str = DENSE.name

    def __post_init__(self) -> None:
        warmup, share = self.warmup_epochs, self.validation_share
        find_network(self.network)
        _require(not self.centred or self.network == DENSE.name, "centred network", self.network, DENSE.name)
        _require(self.epochs >= 1, "epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 1, "batch size", self.batch_size, "at least 1")
        _require(0 < self.learning_rate < math.inf, "learning rate", self.learning_rate, "above 0")
        _require(0 <= self.weight_decay < 1, "weight decay", self.weight_decay, "at least 0 and below 1")
        _require(warmup is None or 0 <= warmup <= self.epochs, "warm-up", warmup, "within the training")
        _require(share is None or 0 < share < 1, "share of validation images", share, "above 0 and below 1")


def _require(fulfilled: bool, name: str, value: object, expected: str) -> None:
    if not fulfilled:
        raise OptionError(f"the {name} must be {expected}", received=value)


NOTEBOOK = Recipe(name="notebook", epochs=50, batch_size=32, learning_rate=1e-3)
EDGE = Recipe(
    name="edge",
    epochs=350,
    batch_size=512,
    learning_rate=1.2e-2,
    warmup_epochs=1,
    weight_decay=0.02,
    centred=True,
    validation_share=1 / 12,
    augmentation=Augmentation(
        rotation_degrees=7.5,
        scale=0.075,
        shear=0.075,
        shift=1 / 28,
        elastic=0.9 / 28,
        smoothness=4 / 28,
    ),
)
CNN_EDGE = replace(
    EDGE, epochs=40, batch_size=128, learning_rate=1e-2, weight_decay=0.0, centred=False, network=CNN.name
)
RECIPES = {
    DENSE.name: {NOTEBOOK.name: NOTEBOOK, EDGE.name: EDGE},
    CNN.name: {NOTEBOOK.name: replace(NOTEBOOK, network=CNN.name), EDGE.name: CNN_EDGE},
}


def find_recipe(name: str, network: str = DENSE.name) -> Recipe:
    """Return the recipe of that name for a network.

    Raises:
        OptionError: There is no such network, or no such recipe for it.
    """
    recipes = RECIPES[find_network(network).name]
    if name not in recipes:
        raise unknown("recipe", name, recipes)
    return recipes[name]
