"""The edge recipe end to end, shrunken: a hundred images, a few epochs."""

import dataclasses

import numpy as np
import pytest

from edgemnist.export.backend import keras
from edgemnist.export.training.checkpoint import SafeTraining
from edgemnist.export.training.data import validated_by_holding_out
from edgemnist.export.training.helper_process import Helper
from edgemnist.export.training.loop import TrainingRun
from edgemnist.export.training.network import build_model, cosine_rate, fold_offset, predict
from edgemnist.export.training.recipe import EDGE, NOTEBOOK, RECIPES, find_recipe
from edgemnist.export.training.record import describe_origin
from edgemnist.runtime.errors import HelperError, OptionError

SHRUNKEN = dataclasses.replace(EDGE, epochs=5, batch_size=32)


@pytest.fixture
def data(small_mnist):
    return validated_by_holding_out(small_mnist.train, SHRUNKEN.validation_share)


def training(data, folder, *, resume=False):
    run = TrainingRun(SHRUNKEN, data, seed=5)
    origin = describe_origin(SHRUNKEN, 5, data)
    return run, SafeTraining(run, folder / "run.npz", origin, resume=resume)


@pytest.mark.slow
def test_edge_recipe_resumes_to_the_same_weights(data, tmp_path):
    straight, whole = training(data, tmp_path / "whole")
    assert [epoch.number for epoch in whole] == [1, 2, 3, 4, 5]
    _, first = training(data, tmp_path)
    for epoch in first:
        if epoch.number == 3:
            break
    resumed, second = training(data, tmp_path, resume=True)
    assert [epoch.number for epoch in second] == [4, 5]
    for mine, theirs in zip(resumed.model.get_weights(), straight.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_trained_network_is_right_on_images_as_they_are(data):
    run = TrainingRun(SHRUNKEN, data, seed=0)
    last = list(run)[-1]
    assert run.model.count_params() == 101_770
    found = predict(run.model, data.validation.inputs).argmax(axis=1) == data.validation.labels
    assert found.mean() == pytest.approx(last.val_accuracy)


def test_offset_moves_into_the_bias():
    keras.utils.set_random_seed(0)
    model = build_model((6, 5), 3)
    images = np.random.default_rng(0).random((20, 6, 5), dtype=np.float32)
    offset = np.random.default_rng(1).random((6, 5), dtype=np.float32)
    expected = model(images - offset).numpy()
    fold_offset(model, offset)
    np.testing.assert_allclose(model(images).numpy(), expected, atol=1e-6)


def test_rate_rises_in_a_line_and_falls_to_nothing():
    rate = cosine_rate(0.5, steps=100, warmup_steps=10)
    rates = [float(rate(step)) for step in (0, 5, 10, 55, 100)]
    assert rates == pytest.approx([0, 0.25, 0.5, 0.25, 0], abs=1e-6)


def test_without_warm_up_the_rate_only_falls():
    rate = cosine_rate(0.5, steps=100, warmup_steps=0)
    assert [float(rate(step)) for step in (0, 50, 100)] == pytest.approx([0.5, 0.25, 0], abs=1e-6)


def test_failed_helper_ends_the_training_with_its_reason(data, monkeypatch):
    def fail(_helper):
        raise HelperError("the process for augmenting failed")

    monkeypatch.setattr(Helper, "receive", fail)
    with pytest.raises(HelperError, match="augmenting failed"):
        next(iter(TrainingRun(SHRUNKEN, data, seed=0)))


def test_recipes_are_found_by_name():
    assert {name: find_recipe(name) for name in RECIPES["dense"]} == {"notebook": NOTEBOOK, "edge": EDGE}
    with pytest.raises(OptionError, match="unknown recipe; received fast; expected notebook or edge"):
        find_recipe("fast")
