"""Teachers: convolutional networks that are trained, each in a process of its own, before the small one."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from .examples import Examples
from .helpers import Helper
from .recipe import Augmentation, Teacher

TEACHER_STREAM = 2  # keeps the random numbers apart from those of other uses of the same seed
OPSET = 13
NORMALISATION_MOMENTUM = 0.97  # Keras' 0.99 is for longer trainings
VALIDATION_BATCH = 1000


@dataclass(frozen=True, slots=True)
class TeacherEpoch:
    """One finished epoch of a teacher.

    Attributes:
        teacher: Which one, from 1.
        number: Which epoch, from 1.
        loss: On the augmented training images.
        val_accuracy: On the validation images, after the epoch.
        seconds: Wall time of the epoch and its validation.
    """

    teacher: int
    number: int
    loss: float
    val_accuracy: float
    seconds: float


Report = Callable[[TeacherEpoch], None]


def train_teachers(
    teacher: Teacher,
    augmentation: Augmentation,
    train: Examples,
    validation: Examples,
    seed: int,
    report: Report,
) -> list[bytes]:
    """Train all teachers of a recipe at the same time, and return them as ONNX models of the contract.

    Args:
        teacher: What to train, and how.
        augmentation: How their images are augmented.
        train: What they learn from, before it is augmented.
        validation: The held-out images, to measure only.
        seed: Decides everything, together with the place of a teacher.
        report: Hears of the epochs.

    Raises:
        HelperError: A process failed or died.
    """
    with ExitStack() as stack:
        helpers = [
            stack.enter_context(
                Helper(
                    "training a teacher", serve_teacher, teacher, augmentation, train, validation, seed, place
                )
            )
            for place in range(teacher.networks)
        ]
        models: dict[int, bytes] = {}
        while len(models) < len(helpers):
            ready = set(wait([one.connection for place, one in enumerate(helpers) if place not in models]))
            for place, helper in enumerate(helpers):
                if helper.connection in ready:
                    message = helper.receive()
                    if isinstance(message, bytes):
                        models[place] = message
                    else:
                        report(message)
    return [models[place] for place in sorted(models)]


def serve_teacher(
    connection: Connection,
    teacher: Teacher,
    augmentation: Augmentation,
    train: Examples,
    validation: Examples,
    seed: int,
    place: int,
) -> None:
    """Work of a helper: train one teacher, sending each epoch's figures and at last the ONNX model."""
    from .backend import keras, use_one_thread

    use_one_thread()
    keras.utils.set_random_seed(
        int(np.random.SeedSequence([seed, TEACHER_STREAM, place]).generate_state(1)[0])
    )
    model = build_teacher(teacher, train.images.shape[1:], train.targets.shape[1])
    started = time.perf_counter()
    for figures in _epochs(model, teacher, augmentation, train, validation, [seed, TEACHER_STREAM, place]):
        connection.send(TeacherEpoch(place + 1, *figures, time.perf_counter() - started))
        started = time.perf_counter()
    connection.send(_as_onnx(model))


def build_teacher(teacher: Teacher, image_shape: tuple[int, ...], classes: int) -> Any:
    """Return the untrained convolutional network. It takes pixels `(N, H, W)`, 0 to 255."""
    from .backend import keras
    from .model import FULL_PIXEL

    layers = keras.layers

    def normalised() -> list[Any]:
        return [layers.BatchNormalization(momentum=NORMALISATION_MOMENTUM), layers.ReLU()]

    stack = [
        keras.Input(image_shape, name="image", dtype="uint8"),
        layers.Rescaling(1 / FULL_PIXEL),
        layers.Reshape((*image_shape, 1)),
    ]
    for place, filters in enumerate(teacher.filters):
        # Every second convolution halves the image; the first looks at 5x5 pixels, since it is cheap there.
        size, stride = (5 if place == 0 else 3), (2 if place % 2 == 0 else 1)
        stack += [layers.Conv2D(filters, size, strides=stride, use_bias=False), *normalised()]
    stack += [layers.Flatten(), layers.Dense(teacher.hidden_units, use_bias=False), *normalised()]
    return keras.Sequential([*stack, layers.Dense(classes, activation="softmax")])


def _epochs(
    model: Any,
    teacher: Teacher,
    augmentation: Augmentation,
    train: Examples,
    validation: Examples,
    stream: Sequence[int],
) -> Iterator[tuple[int, float, float]]:
    """Train, and yield the number, the loss and the validation accuracy of each epoch."""
    from .augmentation import Augmenter
    from .backend import keras
    from .schedule import cosine_rate

    images, targets = train.images, train.targets
    augmenter = Augmenter(augmentation, images.shape[1:])
    steps = -(-len(images) // teacher.batch_size)
    rate = cosine_rate(teacher.learning_rate, steps * teacher.epochs, min(steps, steps * teacher.epochs // 4))
    model.compile(keras.optimizers.Adam(rate), loss="categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(teacher.epochs):
        augmented = augmenter.augment(images, np.random.default_rng([*stream, epoch]))
        figures = model.fit(augmented, targets, batch_size=teacher.batch_size, verbose=0).history
        _, accuracy = model.evaluate(
            validation.images, validation.targets, batch_size=VALIDATION_BATCH, verbose=0
        )
        yield epoch + 1, figures["loss"][0], accuracy


def _as_onnx(model: Any) -> bytes:
    """Return the network as an ONNX model that takes uint8 pixels under the name `image`."""
    from .formats.onnx import from_keras

    content: bytes = from_keras(model, OPSET).SerializeToString(deterministic=True)
    return content
