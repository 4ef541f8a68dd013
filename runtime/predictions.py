"""What a predictor returns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one image.

    Attributes:
        label: The name of the most probable class.
        index: The number of that class.
        confidence: Its probability, 0..1.
        probabilities: `(classes,)` float32.
    """

    label: str
    index: int
    confidence: float
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The answers for a batch; index or iterate it for one `Prediction` per image.

    Attributes:
        probabilities: `(N, classes)` float32, rows sum to 1 (an int8 artifact's within its quantization).
        class_names: The name of each class.
    """

    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]

    @property
    def labels(self) -> NDArray[np.int64]:
        """The number of the most probable class of each image, `(N,)` int64."""
        labels: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return labels

    @property
    def confidences(self) -> NDArray[np.float32]:
        """The probability of each image's most probable class, `(N,)` float32."""
        confidences: NDArray[np.float32] = self.probabilities.max(axis=1)
        return confidences

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, position: int) -> Prediction:
        probabilities = self.probabilities[position]
        index = int(probabilities.argmax())
        return Prediction(self.class_names[index], index, float(probabilities[index]), probabilities)

    def __iter__(self) -> Iterator[Prediction]:
        return (self[position] for position in range(len(self)))
