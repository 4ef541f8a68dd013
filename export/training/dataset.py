"""The images a network is trained on: MNIST unless another data set is given."""

import contextlib
import sys
from pathlib import Path

from ...data import datasets
from ...data.datasets import Dataset, Split, load_test_labels, load_test_split, require_classes
from ...runtime.errors import DatasetError
from .recipe import Recipe
from .split import TrainingData, validated_by_holding_out, validated_by_test


def load_dataset(path: Path | None = None) -> Dataset:
    """Return the training and test images: MNIST, or those at `path`.

    Args:
        path: A folder of IDX files (plain or .gz) under their MNIST names, or an `.npz` as Keras writes it.

    Raises:
        DatasetError: A file is missing, truncated, mislabelled or wrong-shaped, or MNIST is neither in the
            source tree nor can be downloaded.
        MissingExtraError: MNIST must be downloaded, and Keras is not installed.
    """
    return Dataset(train=load_train_split(path), test=load_test_split(path))


def load_training_data(path: Path | None, recipe: Recipe) -> TrainingData:
    """Return what a training by that recipe may see; without the test images, unless they are its validation.

    Args:
        path: As for `load_dataset`.
        recipe: Says whether training images are held out.

    Raises:
        DatasetError: As for `load_dataset`.
        MissingExtraError: MNIST must be downloaded, and Keras is not installed.
        OptionError: There are too few training images to hold some out.
    """
    if recipe.validation_share is None:
        return validated_by_test(load_dataset(path))
    return validated_by_holding_out(load_train_split(path), recipe.validation_share)


def check_classes(path: Path, *, allow_empty: bool) -> None:
    """Check the class numbers of a data set before minutes are spent on training with it.

    A test part that cannot be read is missed when it is needed, which may be after the training.

    Args:
        path: As for `load_dataset`.
        allow_empty: Accept class numbers that no training image has.

    Raises:
        DatasetError: The class numbers have gaps, the test images have others, or as for `load_dataset`.
    """
    train = load_train_split(path)
    try:
        test_labels = load_test_labels(path)
    except DatasetError:
        test_labels = train.labels
    require_classes(train, test_labels, allow_empty=allow_empty)


def load_train_split(path: Path | None = None) -> Split:
    """Return the training images, and read no other file.

    Raises:
        DatasetError: As for `load_dataset`.
        MissingExtraError: MNIST must be downloaded, and Keras is not installed.
    """
    return datasets.load_train_split(path, download=_downloaded)


def _downloaded() -> Split:
    """Return what `keras.datasets.mnist` gives; a wheel has no room for the training images."""
    from ..backend import keras

    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras draws its progress on stdout
            (images, labels), _ = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises whatever urllib, zipfile and its own checks raise
        raise DatasetError(
            "the MNIST training images are not in this installation, and Keras cannot download them",
            received=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
            fix="Give a data set with --data, or work in a clone of the repository, which holds them.",
        ) from error
    return Split(images, labels, source="keras.datasets.mnist")
