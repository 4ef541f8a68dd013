"""The call that is measured end to end, here, by LoadGen and by pyperf: what an application does."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.predictor import Predictor

Classify = Callable[[NDArray[np.uint8]], tuple[NDArray[Any], NDArray[Any]]]


def classifier(predictor: Predictor) -> Classify:
    """Return a function that takes one image or a batch and returns its labels and confidences.

    `predict` alone would not do: a predictor decodes the engine's output when it is read.
    """
    predict = predictor.predict

    def classify(images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        predictions = predict(images)
        return predictions.indices, predictions.confidences

    return classify
