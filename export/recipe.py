"""How a network is trained, as data."""

import math
from dataclasses import dataclass

from ..runtime.errors import OptionError


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides how a network is trained, but the seed and the data.

    Attributes:
        name: What people call it.
        epochs: How often every training image is seen.
        batch_size: Images in one step of the optimizer; the last step of an epoch takes what is left.
        learning_rate: Adam's step size.
    """

    name: str
    epochs: int
    batch_size: int
    learning_rate: float

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value with which nothing can be trained.
        """
        for option, value in (("epochs", self.epochs), ("batch size", self.batch_size)):
            if value < 1:
                raise OptionError(f"the {option} must be at least 1", received=value)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise OptionError("the learning rate must be above 0", received=self.learning_rate)


NOTEBOOK = Recipe(name="notebook", epochs=50, batch_size=32, learning_rate=1e-3)
