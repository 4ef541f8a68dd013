import dataclasses

import numpy as np
import pytest
from tensorflow.python.autograph.impl import api as autograph

from edgemnist.export.backend import keras
from edgemnist.export.training.data import validated_by_test
from edgemnist.export.training.loop import Trainer, TrainingRun, one_hot
from edgemnist.export.training.network import build_model
from edgemnist.export.training.recipe import NOTEBOOK, Recipe
from edgemnist.runtime.errors import OptionError

SHORT = Recipe(name="short", epochs=2, batch_size=32, learning_rate=1e-3)


def test_network_is_the_notebooks():
    model = build_model((28, 28), 10)
    assert model.count_params() == 101_770
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense", "Dense"]
    assert [layer.activation.__name__ for layer in model.layers[1:]] == ["relu", "softmax"]


def test_network_takes_any_image_size_and_number_of_classes():
    model = build_model((6, 5), 3)
    assert model.input_shape == (None, 6, 5)
    assert model.output_shape == (None, 3)


def test_notebook_recipe_is_the_notebooks():
    assert Recipe(name="notebook", epochs=50, batch_size=32, learning_rate=0.001) == NOTEBOOK


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch_size": -1}, {"learning_rate": float("nan")}])
def test_recipe_that_trains_nothing_is_refused(change):
    with pytest.raises(OptionError, match="must be"):
        dataclasses.replace(NOTEBOOK, **change)


def compiled(image_shape, classes):
    keras.utils.set_random_seed(3)
    model = build_model(image_shape, classes)
    model.compile(
        optimizer=keras.optimizers.Adam(0.002), loss="categorical_crossentropy", metrics=["accuracy"]
    )
    return model


@pytest.mark.slow
@pytest.mark.parametrize(("batch_size", "steps_per_call"), [(7, 3), (50, 3), (50, 1), (1000, 3)])
def test_epoch_without_shuffling_equals_keras_fit(small_mnist, batch_size, steps_per_call):
    train, test = small_mnist.train, small_mnist.test
    targets, test_targets = one_hot(train.labels, 10), one_hot(test.labels, 10)

    oracle = compiled((28, 28), 10)
    history = oracle.fit(
        (train.inputs / 255).astype("float32"),
        targets,
        batch_size=batch_size,
        epochs=2,
        shuffle=False,
        validation_data=((test.inputs / 255).astype("float32"), test_targets),
        verbose=0,
    ).history
    model = compiled((28, 28), 10)
    trainer = Trainer(model, steps_per_call=steps_per_call)
    for epoch in range(2):
        order = np.arange(len(train))
        loss, accuracy = trainer.train_epoch(train.array, targets, order, batch_size)
        val_loss, val_accuracy = trainer.evaluate(test.array, test_targets)
        assert loss == pytest.approx(history["loss"][epoch], rel=1e-4)
        assert accuracy == pytest.approx(history["accuracy"][epoch])
        assert val_loss == pytest.approx(history["val_loss"][epoch], rel=1e-4)
        assert val_accuracy == pytest.approx(history["val_accuracy"][epoch])
    for mine, theirs in zip(model.get_weights(), oracle.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-5)


def test_validation_larger_than_one_batch_is_weighted_by_images(small_mnist, monkeypatch):
    trainer = Trainer(compiled((28, 28), 10))
    examples = small_mnist.test.array, one_hot(small_mnist.test.labels, 10)
    at_once = trainer.evaluate(*examples)
    monkeypatch.setattr("edgemnist.export.training.loop.EVALUATION_BATCH", 32)
    assert trainer.evaluate(*examples) == pytest.approx(at_once)


def test_learning_rate_schedule_of_the_optimizer_is_followed(small_mnist):
    model = build_model((28, 28), 10)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.01, 0.0])
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss="categorical_crossentropy")
    trainer = Trainer(model)
    examples = small_mnist.train.array, one_hot(small_mnist.train.labels, 10)
    trainer.train_epoch(*examples, np.arange(96), 32)
    after_three_steps = model.get_weights()
    trainer.train_epoch(*examples, np.arange(96), 32)
    for before, after in zip(after_three_steps, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.slow
def test_same_seed_gives_the_same_weights(small_mnist):
    runs = [TrainingRun(SHORT, validated_by_test(small_mnist), seed=5) for _ in range(2)]
    losses = [[epoch.loss for epoch in run] for run in runs]
    assert losses[0] == losses[1]
    for first, same in zip(*(run.model.get_weights() for run in runs), strict=True):
        np.testing.assert_array_equal(first, same)


@pytest.mark.slow
def test_training_does_without_autograph(small_mnist, monkeypatch):
    def refuse(function, _context):
        raise AssertionError(f"AutoGraph rewrites {function}")

    monkeypatch.setattr(autograph, "_convert_actual", refuse)
    assert len(list(TrainingRun(SHORT, validated_by_test(small_mnist), seed=5))) == SHORT.epochs


def test_another_seed_gives_other_first_weights(small_mnist):
    first, other = (
        TrainingRun(SHORT, validated_by_test(small_mnist), seed).model.get_weights()[0] for seed in (5, 6)
    )
    assert not np.array_equal(first, other)


def test_every_epoch_is_shuffled_anew(small_mnist, monkeypatch):
    orders = []
    monkeypatch.setattr(
        Trainer, "train_epoch", lambda _self, _images, _targets, order, _size: orders.append(order) or (0, 0)
    )
    list(TrainingRun(SHORT, validated_by_test(small_mnist), seed=0))
    assert [sorted(order) for order in orders] == [list(range(150))] * 2
    assert not np.array_equal(*orders)


@pytest.mark.slow
def test_training_learns_real_digits(mnist):
    recipe = dataclasses.replace(NOTEBOOK, epochs=1)
    epochs = list(TrainingRun(recipe, validated_by_test(mnist), seed=0))
    assert [epoch.number for epoch in epochs] == [1]
    assert epochs[0].val_accuracy > 0.95


def test_seed_out_of_range_is_refused(small_mnist):
    with pytest.raises(OptionError, match="seed"):
        TrainingRun(SHORT, validated_by_test(small_mnist), seed=2**32)
