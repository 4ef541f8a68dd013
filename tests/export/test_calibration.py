"""Calibration images: from the training split alone, balanced, seeded, on record."""

import hashlib

import numpy as np
import pytest

from edgemnist.export.calibration import choose_calibration
from edgemnist.runtime.artifact.manifest import CalibrationRecord
from edgemnist.runtime.errors import OptionError


def test_images_are_those_of_the_training_split_at_the_recorded_indices(mnist):
    chosen = choose_calibration(mnist.train, 10, 50, 3)
    np.testing.assert_array_equal(chosen.inputs, mnist.train.inputs[chosen.indices])
    assert len(set(chosen.indices.tolist())) == 50


def test_classes_are_balanced_as_far_as_the_number_allows(mnist):
    chosen = choose_calibration(mnist.train, 10, 23, 0)
    found = np.bincount(mnist.train.labels[chosen.indices], minlength=10)
    assert found.tolist() == list(chosen.samples_per_class) == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]


def test_the_same_seed_draws_the_same_images_and_another_seed_others(mnist):
    first, again, other = (choose_calibration(mnist.train, 10, 40, seed).record() for seed in (5, 5, 6))
    assert first == again
    assert first.indices_sha256 != other.indices_sha256


def test_the_record_says_where_the_images_came_from(mnist):
    chosen = choose_calibration(mnist.train, 10, 20, 1)
    sha256 = hashlib.sha256(np.asarray(chosen.indices, "<i8").tobytes()).hexdigest()
    assert chosen.record() == CalibrationRecord("train", 20, (2,) * 10, 1, sha256)


@pytest.mark.parametrize("samples", [0, -1, 60_001])
def test_a_number_that_cannot_be_drawn_names_the_range(mnist, samples):
    with pytest.raises(OptionError, match="expected 1 to 60,000, the number of training items"):
        choose_calibration(mnist.train, 10, samples, 0)


def test_a_class_without_training_images_has_no_part(mnist):
    from dataclasses import replace

    kept = ~np.isin(mnist.train.labels, (0, 7))
    train = replace(mnist.train, inputs=mnist.train.inputs[kept], labels=mnist.train.labels[kept])
    chosen = choose_calibration(train, 12, 18, 0)
    assert chosen.samples_per_class == (0, 3, 3, 2, 2, 2, 2, 0, 2, 2, 0, 0)
    assert np.bincount(train.labels[chosen.indices], minlength=12).tolist() == list(chosen.samples_per_class)
    with pytest.raises(OptionError, match=f"expected 1 to {len(train):,}, the number"):
        choose_calibration(train, 12, 60_000, 0)


def test_classes_with_few_items_give_all_and_the_others_more(mnist):
    from dataclasses import replace

    rare = np.flatnonzero(mnist.train.labels == 3)[:4]
    kept = np.concatenate([rare, np.flatnonzero(mnist.train.labels < 2)])
    train = replace(mnist.train, inputs=mnist.train.inputs[kept], labels=mnist.train.labels[kept])
    assert choose_calibration(train, 10, 20, 0).samples_per_class == (8, 8, 0, 4, 0, 0, 0, 0, 0, 0)


def test_without_labels_items_are_drawn_from_all(mnist):
    from dataclasses import replace

    chosen = choose_calibration(replace(mnist.train, labels=None), 10, 20, 0)
    assert (len(set(chosen.indices.tolist())), chosen.samples_per_class) == (20, ())
