"""What a training may see: training and validation images. For recipes that hold out, no test image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Dataset, Split, class_names
from ...runtime.errors import OptionError

SPLIT_SEED = 20_261_122  # one split for all seeds of a recipe, so that their figures can be compared


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """All the images that a training is handed.

    Attributes:
        train: What the network learns from.
        validation: What it is measured on after each epoch.
        class_names: A name for each class, by its number.
        record: What is written down of them: numbers of images and hashes.
    """

    train: Split
    validation: Split
    class_names: tuple[str, ...]
    record: dict[str, Any]


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

    The held-out images are drawn at random, always the same, and as many of each class as `share` says.

    Raises:
        OptionError: There are too few images for both parts.
    """
    held_out = _held_out(images.labels, share)
    if not 0 < held_out.sum() < len(images):
        raise OptionError(
            "there are too few training images to hold some out for validation",
            received=f"{len(images)} images, of which {share:.1%} for validation",
            fix="Give more images, or use the recipe notebook.",
        )
    names = class_names(images)
    record = {
        "train_images": int((~held_out).sum()),
        "validation_images": int(held_out.sum()),
        "split_seed": SPLIT_SEED,
        "class_names": names,
        "sha256": {"train_images": images.images_sha256, "train_labels": images.labels_sha256},
    }
    return TrainingData(_part(images, ~held_out), _part(images, held_out), names, record)


def _held_out(labels: NDArray[np.uint8], share: float) -> NDArray[np.bool_]:
    draw = np.random.default_rng(SPLIT_SEED)
    held_out = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        held_out[draw.permutation(members)[: round(len(members) * share)]] = True
    return held_out


def _part(images: Split, chosen: NDArray[np.bool_]) -> Split:
    return Split(images.images[chosen], images.labels[chosen], images.source)
