"""The training loop: what Keras' `fit` computes, compiled into a few large steps.

`fit` spends most of a small network's time between its steps. Here XLA compiles a loop over many batches.
Each call takes its own batches: a data set that XLA captures as a constant makes the compilation hang.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.history import Epoch
from ...runtime.errors import OptionError
from ..backend import keras, tf, use_one_thread
from .batches import Examples, augmented_batches, fixed_batches
from .checkpoint import State
from .data import TrainingData
from .network import FULL_PIXEL, build_model, fold_offset, optimizer
from .recipe import Recipe

STEPS_PER_CALL = 125
EVALUATION_BATCH = 10_000
MAX_SEED = 2**32 - 1


class Trainer:
    """Trains a compiled Keras model, with the optimizer it was compiled with.

    A learning-rate schedule belongs to the optimizer; augmentation belongs to the examples.
    """

    def __init__(self, model: Any, offset: NDArray[np.float32] | None = None) -> None:
        """Prepare to train.

        Args:
            model: The Keras model.
            offset: (H, W), subtracted from every image after its scaling to [0, 1]; None subtracts nothing.
        """
        self._model, self._offset = model, offset
        model.optimizer.build(model.trainable_variables)
        # AutoGraph rewrites source code, which TensorFlow 2.21 cannot do on Python 3.13.
        self._train_steps = tf.function(self._trace_steps, autograph=False, jit_compile=True)
        self._measure = tf.function(self._trace_measurement, autograph=False, jit_compile=True)

    def train_epoch(
        self, examples: Examples, order: NDArray[np.intp], batch_size: int
    ) -> tuple[float, float]:
        """Learn from every example once, in the given order, and return the mean loss and accuracy."""
        loss = correct = 0.0
        for steps in _steps(order, batch_size):
            sums = self._train_steps(examples.images[steps], examples.targets[steps])
            loss, correct = loss + float(sums[0]), correct + float(sums[1])
        return loss / len(order), correct / len(order)

    def evaluate(self, examples: Examples) -> tuple[float, float]:
        """Return the mean loss and accuracy of the network as it is."""
        loss = correct = 0.0
        for start in range(0, len(examples.images), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            sums = self._measure(examples.images[batch], examples.targets[batch])
            loss, correct = loss + float(sums[0]), correct + float(sums[1])
        return loss / len(examples.images), correct / len(examples.images)

    def _trace_steps(self, images: Any, targets: Any) -> tuple[Any, Any]:
        steps = images.shape[0]

        def unfinished(step: Any, _loss: Any, _correct: Any) -> Any:
            return step < steps

        def take_step(step: Any, loss: Any, correct: Any) -> tuple[Any, Any, Any]:
            with tf.GradientTape() as tape:
                losses, hits = self._forward(images[step], targets[step], training=True)
                mean_loss = tf.reduce_mean(losses)
            variables = self._model.trainable_variables
            self._model.optimizer.apply(tape.gradient(mean_loss, variables), variables)
            return step + 1, loss + tf.reduce_sum(losses), correct + hits

        start = (tf.constant(0), tf.constant(0.0), tf.constant(0.0))
        _, loss, correct = tf.while_loop(unfinished, take_step, start)
        return loss, correct

    def _trace_measurement(self, images: Any, targets: Any) -> tuple[Any, Any]:
        losses, hits = self._forward(images, targets, training=False)
        return tf.reduce_sum(losses), hits

    def _forward(self, images: Any, targets: Any, *, training: bool) -> tuple[Any, Any]:
        floats = tf.cast(images, tf.float32) / FULL_PIXEL
        if self._offset is not None:
            floats -= self._offset
        probabilities = self._model(floats, training=training)
        losses = keras.losses.categorical_crossentropy(targets, probabilities)
        hits = tf.argmax(probabilities, axis=-1) == tf.argmax(targets, axis=-1)
        return losses, tf.reduce_sum(tf.cast(hits, tf.float32))


class TrainingRun:
    """One network trained by one recipe from one seed.

    Iterating trains and yields each finished epoch; after the last one `model` is the trained network.

    Attributes:
        model: The Keras model, compiled with its optimizer, loss and accuracy.
    """

    def __init__(self, recipe: Recipe, data: TrainingData, seed: int) -> None:
        """Build the network from the seed, which becomes the global one of Python, numpy and TensorFlow.

        Raises:
            OptionError: The seed is out of range.
        """
        if not 0 <= seed <= MAX_SEED:
            raise OptionError("the seed is out of range", received=seed, expected=f"0 to {MAX_SEED}")
        if recipe.augmentation is not None:
            use_one_thread()
        classes = len(data.class_names)
        keras.utils.set_random_seed(seed)
        self.model = build_model(data.train.input_shape, classes)
        self.model.compile(
            optimizer=optimizer(recipe, len(data.train)),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        self._examples = Examples(data.train.array, one_hot(data.train.known_labels, classes))
        self._validation = Examples(data.validation.array, one_hot(data.validation.known_labels, classes))
        self._recipe, self._seed = recipe, seed
        self._shuffler = np.random.default_rng(seed)
        self._finished_epochs = 0

    def state(self) -> State:
        """Return everything in which the run after this epoch differs from the run before the first."""
        variables = {str(place): variable.numpy() for place, variable in enumerate(self._variables())}
        return State(self._finished_epochs, variables, dict(self._shuffler.bit_generator.state))

    def restore(self, state: State) -> None:
        """Go on after the epoch of `state`, which is of a run of the same recipe, seed and data.

        Raises:
            CheckpointError: It belongs to another network or optimizer.
        """
        variables = {str(place): variable for place, variable in enumerate(self._variables())}
        state.require_shapes({name: tuple(variable.shape) for name, variable in variables.items()})
        for name, variable in variables.items():
            variable.assign(state.variables[name])
        self._shuffler.bit_generator.state = state.shuffler
        self._finished_epochs = state.finished_epochs

    def _variables(self) -> list[Any]:
        self.model.optimizer.build(self.model.trainable_variables)
        return [*self.model.variables, *self.model.optimizer.variables]

    def __iter__(self) -> Iterator[Epoch]:
        offset = self._mean_image() if self._recipe.centred else None
        trainer = Trainer(self.model, offset)
        epochs = range(self._finished_epochs, self._recipe.epochs)
        augmentation = self._recipe.augmentation
        with (
            fixed_batches(self._examples)
            if augmentation is None
            else augmented_batches(self._examples, augmentation, epochs, self._seed)
        ) as examples_of:
            for number in epochs:
                started = time.perf_counter()
                examples = examples_of(number)
                waited = time.perf_counter() - started
                order = self._shuffler.permutation(len(examples.images))
                loss, accuracy = trainer.train_epoch(examples, order, self._recipe.batch_size)
                val_loss, val_accuracy = trainer.evaluate(self._validation)
                seconds = time.perf_counter() - started
                self._finished_epochs = number + 1
                if offset is not None and self._finished_epochs == self._recipe.epochs:
                    fold_offset(self.model, offset)
                rate = float(self.model.optimizer.learning_rate)
                yield Epoch(number + 1, loss, accuracy, val_loss, val_accuracy, seconds, rate, waited)

    def _mean_image(self) -> NDArray[np.float32]:
        """Return the mean `(H, W)` of the training images, scaled to [0, 1]."""
        mean: NDArray[np.float64] = self._examples.images.mean(axis=0, dtype=np.float64)
        return (mean / FULL_PIXEL).astype(np.float32)


def one_hot(labels: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """Return `(N, classes)` float32 with a 1 at each label (N,) and 0 elsewhere."""
    return np.eye(classes, dtype=np.float32)[labels]


def _steps(order: NDArray[np.intp], batch_size: int) -> Iterator[NDArray[np.intp]]:
    """Yield indices `(steps, batch)`: the full batches, as many as one call takes, then the partial batch."""
    per_call = STEPS_PER_CALL * batch_size
    full = len(order) - len(order) % batch_size
    for start in range(0, full, per_call):
        yield order[start : min(start + per_call, full)].reshape(-1, batch_size)
    if full < len(order):
        yield order[full:].reshape(1, -1)
