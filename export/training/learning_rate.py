"""The learning rate over a training."""

from typing import Any

from ..backend import keras


def cosine_rate(learning_rate: float, steps: int, warmup_steps: int) -> Any:
    """Return a Keras schedule: from 0 up to `learning_rate` in a line, then down to 0 along half a cosine.

    Args:
        learning_rate: The largest step size.
        steps: Of the whole training.
        warmup_steps: How many of them go upwards.
    """
    if warmup_steps < 1:
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup_steps), warmup_target=learning_rate, warmup_steps=warmup_steps
    )
