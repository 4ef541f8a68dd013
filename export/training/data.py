"""The images that a training may use: MNIST unless another data set is given, split as the recipe says."""

import contextlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data import datasets
from ...data.datasets import Dataset, Split, Wanted, load_test_split, require_classes
from ...runtime.errors import DatasetError, OptionError, first_line
from .recipe import Recipe

IMAGES = Wanted(kind="image")
SPLIT_SEED = 20_261_122  # one split for all seeds of a recipe, so that their metrics can be compared


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """All the images that a training may use.

    Attributes:
        train: What the network learns from.
        validation: What it is measured on after each epoch.
        class_names: A name for each class, by its number.
        record: What `history.json` says of them: numbers of images and hashes.
    """

    train: Split
    validation: Split
    class_names: tuple[str, ...]
    record: dict[str, Any]


def load_dataset(path: Path | None = None, wanted: Wanted = IMAGES) -> Dataset:
    """Return the training and test images: MNIST, or those at `path`, as `edgemnist.data` reads them.

    Raises:
        DatasetError: A file is missing, truncated, mislabelled or wrong-shaped, or MNIST is neither in the
            source tree nor can be downloaded.
        MissingExtraError: MNIST must be downloaded, and Keras is not installed.
    """
    return Dataset(train=load_train_split(path, wanted), test=load_test_split(path, wanted))


def load_training_data(path: Path | None, recipe: Recipe) -> TrainingData:
    """Return the images for a training by that recipe; it reads the test images only to validate on them.

    Raises what `load_dataset` and `validated_by_holding_out` raise.
    """
    if recipe.validation_share is None:
        dataset = load_dataset(path)
        return validated_by_test(Dataset(_grey(dataset.train), _grey(dataset.test)))
    return validated_by_holding_out(_grey(load_train_split(path)), recipe.validation_share)


def check_classes(path: Path, *, allow_empty: bool) -> None:
    """Check the class numbers of a data set before minutes are spent on training with it.

    A test part that cannot be read is missed when it is needed, which may be after the training.
    `allow_empty` accepts class numbers that no training image has.

    Raises:
        DatasetError: The class numbers have gaps, the test images have others, or as for `load_dataset`.
    """
    train = _grey(load_train_split(path))
    labels = train.known_labels
    with contextlib.suppress(DatasetError):
        found = datasets.load_test_labels(path)
        labels = labels if found is None else found
    require_classes(train, labels, allow_empty=allow_empty)


def validated_by_test(dataset: Dataset) -> TrainingData:
    """Return all training images, with the test images for validation, as the notebook has it."""
    record = {
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "class_names": dataset.class_names,
        "sha256": dataset.sha256,
    }
    return TrainingData(dataset.train, dataset.test, dataset.class_names, record)


def validated_by_holding_out(images: Split, share: float) -> TrainingData:
    """Return a part of the training images for learning and the rest for validation.

    The held-out images are drawn at random, always the same, and `share` of each class.

    Raises:
        OptionError: There are too few images for both parts.
    """
    held_out = _held_out(images.known_labels, share)
    if not 0 < held_out.sum() < len(images):
        raise OptionError(
            "there are too few training images to hold some out for validation",
            received=f"{len(images)} images, of which {share:.1%} for validation",
            fix="Give more images, or use the recipe notebook.",
        )
    learned, validation = (images.select(part) for part in (~held_out, held_out))
    names = datasets.class_names(images)
    record = {
        "train_images": len(learned),
        "validation_images": len(validation),
        "split_seed": SPLIT_SEED,
        "class_names": names,
        "sha256": images.hashes("train"),
    }
    return TrainingData(learned, validation, names, record)


def _held_out(labels: NDArray[np.uint8], share: float) -> NDArray[np.bool_]:
    draw = np.random.default_rng(SPLIT_SEED)
    held_out = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        held_out[draw.permutation(members)[: round(len(members) * share)]] = True
    return held_out


def _grey(images: Split) -> Split:
    """Return grey images without a channel axis, as the reference network takes them.

    Raises:
        DatasetError: They are colour images.
    """
    if len(images.input_shape) == len(("height", "width")):
        return images
    if images.input_shape[2:] == (1,):
        return replace(images, inputs=images.array[..., 0])
    raise DatasetError(
        f"the images of {images.source} are not grey",
        received=f"images of shape {images.input_shape}",
        expected="(height, width): the reference network has no colours",
        fix="Give grey images, or train a network of your own and export it with --model.",
    )


def load_train_split(path: Path | None = None, wanted: Wanted = IMAGES) -> Split:
    """Return the training part, and read no other.

    Raises:
        DatasetError: As for `load_dataset`.
        MissingExtraError: MNIST must be downloaded, and Keras is not installed.
    """
    return datasets.load_train_split(path, _downloaded, wanted)


def _downloaded() -> Split:
    """Return the training part of `keras.datasets.mnist`; a wheel has no room for it."""
    from ..backend import keras

    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras draws its progress on stdout
            (images, labels), _ = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises whatever urllib, zipfile and its own checks raise
        raise DatasetError(
            "the MNIST training images are not in this installation, and Keras cannot download them",
            received=first_line(error),
            fix="Give a data set with --data, or work in a clone of the repository, which holds them.",
        ) from error
    return Split(images, labels, source="keras.datasets.mnist")
