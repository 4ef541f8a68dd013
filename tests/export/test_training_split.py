import dataclasses

import numpy as np
import pytest

from edgemnist.data import datasets
from edgemnist.data.datasets import Split
from edgemnist.export.training.data import load_training_data, validated_by_holding_out
from edgemnist.export.training.recipe import EDGE, NOTEBOOK
from edgemnist.runtime.errors import OptionError


def test_held_out_images_are_a_twelfth_of_every_class_and_no_training_images(mnist):
    data = validated_by_holding_out(mnist.train, EDGE.validation_share)
    assert (len(data.train), len(data.validation)) == (54_999, 5_001)
    whole = np.bincount(mnist.train.labels)
    np.testing.assert_allclose(np.bincount(data.validation.labels), whole / 12, atol=0.51)
    both = np.concatenate([data.train.inputs, data.validation.inputs])
    assert sorted(map(bytes, both)) == sorted(map(bytes, mnist.train.inputs))


def test_the_split_is_always_the_same(small_mnist):
    first, again = (validated_by_holding_out(small_mnist.train, 0.2) for _ in range(2))
    np.testing.assert_array_equal(first.validation.inputs, again.validation.inputs)


def test_record_says_how_many_images_and_which(small_mnist):
    record = validated_by_holding_out(small_mnist.train, 0.2).record
    assert record["train_images"] + record["validation_images"] == 150
    assert record["sha256"] == {
        "train_images": small_mnist.train.inputs_sha256,
        "train_labels": small_mnist.train.labels_sha256,
    }


def test_too_few_images_to_hold_some_out_is_refused():
    lonely = Split(np.zeros((3, 4, 4), np.uint8), np.arange(3, dtype=np.uint8))
    with pytest.raises(OptionError, match="too few training images"):
        validated_by_holding_out(lonely, 0.1)


@pytest.fixture
def parts_read(monkeypatch):
    """The parts of a data set that are read, in order; the test part is read as it ever was."""
    read = []
    original = datasets.load_split

    def noted(path, part):
        read.append(part)
        return original(path, part)

    monkeypatch.setattr(datasets, "load_split", noted)
    return read


def test_training_data_of_the_edge_recipe_is_loaded_without_the_test_images(parts_read):
    data = load_training_data(None, EDGE)
    assert parts_read == ["train"]
    assert len(data.train) + len(data.validation) == 60_000


def test_training_data_of_the_notebook_is_validated_by_the_test_images(parts_read, mnist):
    data = load_training_data(None, NOTEBOOK)
    assert sorted(parts_read) == ["test", "train"]
    np.testing.assert_array_equal(data.validation.inputs, mnist.test.inputs)


@pytest.mark.parametrize(
    "change",
    [
        {"validation_share": 0.0},
        {"validation_share": 1.0},
        {"warmup_epochs": -1},
        {"warmup_epochs": 1e9},
        {"weight_decay": -1},
    ],
)
def test_recipe_that_makes_no_sense_is_refused(change):
    with pytest.raises(OptionError):
        dataclasses.replace(EDGE, **change)
