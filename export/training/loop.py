"""The training loop: what Keras' `fit` computes, compiled into a few large steps.

`fit` spends most of a small network's time between its steps. Here XLA compiles a loop over many batches.
Each call takes its own batches: a data set that XLA captures as a constant makes the compilation hang.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.history import Epoch
from ...runtime.errors import OptionError
from ..backend import keras, tf, use_one_thread
from .architectures import DENSE, find_network
from .data import TrainingData
from .network import FULL_PIXEL, build_model, fold_offset, optimizer
from .recipe import Recipe

EVALUATION_BATCH = 10_000
MAX_SEED = 2**32 - 1

Images = NDArray[np.uint8]  # (N, H, W)
Targets = NDArray[np.float32]  # (N, classes), rows sum to 1


class Trainer:
    """Trains a compiled Keras model, with the optimizer it was compiled with.

    A learning-rate schedule belongs to the optimizer; augmentation belongs to the images.
    """

    def __init__(
        self,
        model: Any,
        offset: NDArray[np.float32] | None = None,
        steps_per_call: int = DENSE.steps_per_call,
    ) -> None:
        """Prepare to train; `offset` (H, W) is subtracted from every image after its scaling to [0, 1]."""
        self._model, self._offset, self._steps_per_call = model, offset, steps_per_call
        model.optimizer.build(model.trainable_variables)
        # AutoGraph rewrites source code, which TensorFlow 2.21 cannot do on Python 3.13.
        self._train_steps = tf.function(self._trace_steps, autograph=False, jit_compile=True)
        self._measure = tf.function(self._trace_measurement, autograph=False, jit_compile=True)

    def train_epoch(
        self, images: Images, targets: Targets, order: NDArray[np.intp], batch_size: int
    ) -> tuple[float, float]:
        """Learn from every image once, in the given order, and return the mean loss and accuracy."""
        calls = _calls(order, batch_size, self._steps_per_call)
        return _means((self._train_steps(images[call], targets[call]) for call in calls), len(order))

    def evaluate(self, images: Images, targets: Targets) -> tuple[float, float]:
        """Return the mean loss and accuracy of the network as it is."""
        starts = range(0, len(images), EVALUATION_BATCH)
        batches = (slice(start, start + EVALUATION_BATCH) for start in starts)
        return _means((self._measure(images[batch], targets[batch]) for batch in batches), len(images))

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
        if self._steps_per_call == 1:  # no loop around it, which convolutions pay for
            return take_step(*start)[1:]
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
        finished_epochs: How many; set by whoever restores the variables of an earlier run.
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
        self._network = find_network(recipe.network)
        self.model = build_model(data.train.input_shape, classes, self._network)
        self.model.compile(
            optimizer=optimizer(recipe, len(data.train)),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        self._images, self._targets = data.train.array, one_hot(data.train.known_labels, classes)
        self._validation = data.validation.array, one_hot(data.validation.known_labels, classes)
        self._recipe, self._seed = recipe, seed
        self.finished_epochs = 0

    def variables(self) -> list[Any]:
        """Return everything that training changes: the network's variables, then the optimizer's."""
        self.model.optimizer.build(self.model.trainable_variables)
        return [*self.model.variables, *self.model.optimizer.variables]

    def __iter__(self) -> Iterator[Epoch]:
        recipe = self._recipe
        mean = (self._images.mean(axis=0, dtype=np.float64) / FULL_PIXEL).astype(np.float32)
        trainer = Trainer(self.model, mean if recipe.centred else None, self._network.steps_per_call)
        shuffler = np.random.default_rng(self._seed)
        for _ in range(self.finished_epochs):
            shuffler.permutation(len(self._images))
        epochs = range(self.finished_epochs, recipe.epochs)
        with self._sets(epochs) as sets:
            for number in epochs:
                started = time.perf_counter()
                images = next(sets)
                waited = time.perf_counter() - started
                order = shuffler.permutation(len(images))
                loss, accuracy = trainer.train_epoch(images, self._targets, order, recipe.batch_size)
                val_loss, val_accuracy = trainer.evaluate(*self._validation)
                seconds = time.perf_counter() - started
                self.finished_epochs = number + 1
                if recipe.centred and self.finished_epochs == recipe.epochs:
                    fold_offset(self.model, mean)
                rate = float(self.model.optimizer.learning_rate)
                yield Epoch(number + 1, loss, accuracy, val_loss, val_accuracy, seconds, rate, waited)

    def _sets(self, epochs: range) -> AbstractContextManager[Iterator[Images]]:
        """Return the images of each epoch: always the same, or augmented while the epoch before runs."""
        if self._recipe.augmentation is None:
            return nullcontext(repeat(self._images))
        from .augmentation import augmented_sets

        return augmented_sets(self._images, self._recipe.augmentation, epochs, self._seed)


def one_hot(labels: NDArray[np.uint8], classes: int) -> Targets:
    """Return `(N, classes)` float32 with a 1 at each label (N,) and 0 elsewhere."""
    return np.eye(classes, dtype=np.float32)[labels]


def _means(sums: Iterable[Any], count: int) -> tuple[float, float]:
    """Return the mean loss and accuracy over so many images, from each call's sum of losses and of hits."""
    loss = correct = 0.0
    for losses, hits in sums:
        loss, correct = loss + float(losses), correct + float(hits)
    return loss / count, correct / count


def _calls(order: NDArray[np.intp], batch_size: int, steps: int) -> Iterator[NDArray[np.intp]]:
    """Yield indices `(steps, batch)`: the full batches, as many as one call takes, then the partial batch."""
    full = len(order) - len(order) % batch_size
    for start in range(0, full, steps * batch_size):
        yield order[start : min(start + steps * batch_size, full)].reshape(-1, batch_size)
    if full < len(order):
        yield order[full:].reshape(1, -1)
