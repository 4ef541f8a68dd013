"""How a network is trained, as data."""

import math
from dataclasses import dataclass

from ...runtime.errors import OptionError


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
        epochs_per_set: How many epochs learn from the same augmented images, shuffled anew, before the next.
    """

    rotation_degrees: float
    scale: float
    shear: float
    shift: float
    elastic: float
    smoothness: float
    epochs_per_set: int = 1

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value that describes no augmentation.
        """
        for name in ("rotation_degrees", "scale", "shear", "shift", "elastic"):
            _require_share(name, getattr(self, name), smallest=0.0)
        if not (math.isfinite(self.smoothness) and self.smoothness > 0):
            raise OptionError("the smoothness of an augmentation must be above 0", received=self.smoothness)
        _require_count("epochs per augmented set", self.epochs_per_set)


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

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value with which nothing can be trained.
        """
        _require_count("epochs", self.epochs)
        _require_count("batch size", self.batch_size)
        _require_rate("learning rate", self.learning_rate)
        if not 0 <= self.weight_decay < 1:
            raise OptionError(
                "the weight decay is out of range",
                received=self.weight_decay,
                expected="0, or above and below 1",
            )
        if self.warmup_epochs is not None and not 0 <= self.warmup_epochs <= self.epochs:
            raise OptionError(
                "the warm-up must end within the training",
                received=f"{self.warmup_epochs} epochs",
                expected=f"0 to {self.epochs}",
            )
        if self.validation_share is not None and not 0 < self.validation_share < 1:
            raise OptionError(
                "the share of validation images is out of range",
                received=self.validation_share,
                expected="above 0 and below 1",
            )


def _require_count(name: str, value: int) -> None:
    if value < 1:
        raise OptionError(f"the {name} must be at least 1", received=value)


def _require_rate(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise OptionError(f"the {name} must be above 0", received=value)


def _require_share(name: str, value: float, smallest: float) -> None:
    if not (math.isfinite(value) and value >= smallest):
        raise OptionError(
            f"the {name.replace('_', ' ')} of an augmentation must be at least 0", received=value
        )


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
        epochs_per_set=1,
    ),
)
RECIPES = {recipe.name: recipe for recipe in (NOTEBOOK, EDGE)}


def find_recipe(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        OptionError: There is none.
    """
    if name not in RECIPES:
        raise OptionError("unknown recipe", received=name, expected=" or ".join(RECIPES))
    return RECIPES[name]
