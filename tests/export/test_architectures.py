"""The second network, a convolutional one, trained by the same loop as the dense one."""

import dataclasses

import numpy as np
import pytest

from edgemnist.data.datasets import Split
from edgemnist.export.training.architectures import CNN, DENSE, NETWORKS, find_network
from edgemnist.export.training.checkpoint import SafeTraining
from edgemnist.export.training.data import validated_by_holding_out
from edgemnist.export.training.loop import TrainingRun
from edgemnist.export.training.network import build_model, predict
from edgemnist.export.training.recipe import RECIPES, Recipe, find_recipe
from edgemnist.export.training.record import describe_origin
from edgemnist.runtime.errors import OptionError

MAX_PARAMETERS = 20_000
MAX_MULTIPLICATIONS = 2_000_000


@pytest.fixture(scope="module")
def cnn():
    return build_model((28, 28), 10, CNN)


def test_cnn_is_small_and_cheap(cnn):
    assert cnn.count_params() <= MAX_PARAMETERS
    multiplications = sum(
        int(np.prod(layer.output.shape[1:3]) * np.prod(layer.kernel.shape))
        for layer in cnn.layers
        if type(layer).__name__ == "Conv2D"
    )
    assert 1_000_000 < multiplications < MAX_MULTIPLICATIONS


def test_cnn_has_the_dense_networks_input_and_output(cnn):
    dense = build_model((28, 28), 10, DENSE)
    assert (cnn.input_shape, cnn.output_shape) == (dense.input_shape, dense.output_shape)


def test_cnn_takes_any_image_size_and_number_of_classes():
    model = build_model((9, 6), 3, CNN)
    assert model.input_shape == (None, 9, 6)
    assert model.output_shape == (None, 3)


def test_unknown_network_lists_the_known_ones():
    with pytest.raises(OptionError, match="unknown network; received 'resnet'; expected one of dense, cnn"):
        find_network("resnet")
    with pytest.raises(OptionError, match="expected one of dense, cnn"):
        find_recipe("edge", "resnet")
    with pytest.raises(OptionError, match="expected one of dense, cnn"):
        Recipe("mine", 1, 8, 0.01, network="resnet")


def test_every_network_has_every_recipe_under_its_own_name():
    assert RECIPES.keys() == NETWORKS.keys()
    for network, recipes in RECIPES.items():
        assert list(recipes) == ["notebook", "edge"]
        for name, recipe in recipes.items():
            assert (recipe.name, recipe.network) == (name, network)


def test_mean_image_can_only_be_folded_into_a_dense_layer():
    with pytest.raises(OptionError, match="centred network must be dense; received cnn"):
        dataclasses.replace(find_recipe("edge", "cnn"), centred=True)


@pytest.mark.slow
def test_one_epoch_of_the_cnn_learns_digits(mnist):
    recipe = dataclasses.replace(find_recipe("edge", "cnn"), epochs=1, warmup_epochs=0.2, augmentation=None)
    images = Split(mnist.train.inputs[:24_000], mnist.train.labels[:24_000])
    data = validated_by_holding_out(images, recipe.validation_share)
    run = TrainingRun(recipe, data, seed=0)
    (epoch,) = run
    assert epoch.val_accuracy > 0.95
    found = predict(run.model, data.validation.inputs).argmax(axis=1) == data.validation.labels
    assert found.mean() == pytest.approx(epoch.val_accuracy, abs=1e-3)


@pytest.mark.slow
def test_cnn_resumes_to_the_same_weights(small_mnist, tmp_path):
    recipe = find_recipe("edge", "cnn")
    data = validated_by_holding_out(small_mnist.train, recipe.validation_share)
    # One size of batches, since each is compiled for itself.
    recipe = dataclasses.replace(recipe, epochs=3, batch_size=len(data.train))
    origin = describe_origin(recipe, 5, data)

    def training(folder, *, resume=False):
        run = TrainingRun(recipe, data, seed=5)
        return run, SafeTraining(run, folder / "run.npz", origin, resume=resume)

    straight, whole = training(tmp_path / "whole")
    assert [epoch.number for epoch in whole] == [1, 2, 3]
    _, first = training(tmp_path)
    assert next(iter(first)).number == 1
    resumed, rest = training(tmp_path, resume=True)
    assert [epoch.number for epoch in rest] == [2, 3]
    for mine, theirs in zip(resumed.variables(), straight.variables(), strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
