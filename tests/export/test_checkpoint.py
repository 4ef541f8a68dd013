import resource
import shutil
from dataclasses import replace

import numpy as np
import pytest

from edgemnist.export.training.checkpoint import Checkpoint, SafeTraining, read_checkpoint, write_checkpoint
from edgemnist.export.training.data import validated_by_holding_out, validated_by_test
from edgemnist.export.training.loop import TrainingRun
from edgemnist.export.training.recipe import EDGE, Recipe
from edgemnist.export.training.record import describe_origin
from edgemnist.runtime.errors import CheckpointError, OutputError

SHORT = Recipe(name="short", epochs=3, batch_size=32, learning_rate=1e-3)
AUGMENTED = replace(SHORT, warmup_epochs=1, validation_share=0.2, augmentation=EDGE.augmentation)


def training(dataset, folder, recipe=SHORT, *, resume=False):
    data = validated_by_test(dataset)
    if recipe.validation_share:
        data = validated_by_holding_out(dataset.train, recipe.validation_share)
    run = TrainingRun(recipe, data, seed=5)
    origin = describe_origin(recipe, 5, data)
    return run, SafeTraining(run, folder / "run.npz", origin, resume=resume)


@pytest.fixture(scope="module")
def straight(small_mnist, tmp_path_factory):
    """A training in one go, and a folder with its checkpoint after each epoch."""
    folder = tmp_path_factory.mktemp("straight")
    run, kept = training(small_mnist, folder)
    for epoch in kept:
        shutil.copy(folder / "run.npz", folder / f"{epoch.number}.npz")
    return run, kept, folder


@pytest.mark.slow
@pytest.mark.parametrize("finished", [1, 3])
def test_training_goes_on_where_it_ended_to_the_bit(small_mnist, straight, tmp_path, finished):
    run, kept, folder = straight
    shutil.copy(folder / f"{finished}.npz", tmp_path / "run.npz")
    resumed, rest = training(small_mnist, tmp_path, resume=True)
    assert [epoch.number for epoch in rest] == list(range(finished + 1, 4))
    assert rest.resumed_after == (finished,)
    assert [epoch.loss for epoch in rest.epochs] == [epoch.loss for epoch in kept.epochs]
    require_same_state(resumed, run)


def require_same_state(one, other):
    for mine, theirs in zip(
        (*one.model.get_weights(), *(variable.numpy() for variable in one.model.optimizer.variables)),
        (*other.model.get_weights(), *(variable.numpy() for variable in other.model.optimizer.variables)),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_augmented_training_goes_on_to_the_bit(small_mnist, tmp_path):
    run, kept = training(small_mnist, tmp_path / "whole", AUGMENTED)
    for epoch in kept:
        if epoch.number == 1:
            shutil.copy(tmp_path / "whole" / "run.npz", tmp_path / "run.npz")
    resumed, rest = training(small_mnist, tmp_path, AUGMENTED, resume=True)
    assert [epoch.number for epoch in rest] == [2, 3]
    require_same_state(resumed, run)


def test_every_epoch_is_on_disk_before_it_is_yielded(straight):
    _, kept, folder = straight
    for epoch in kept.epochs:
        assert read_checkpoint(folder / f"{epoch.number}.npz").epochs == kept.epochs[: epoch.number]


def test_checkpoint_is_read_as_it_was_written(small_mnist, straight, tmp_path):
    run, kept, _ = straight
    origin = describe_origin(SHORT, 5, validated_by_test(small_mnist))
    variables = tuple(variable.numpy() for variable in run.variables())
    written = Checkpoint(origin, variables, kept.epochs, (1, 2))
    write_checkpoint(tmp_path / "again.npz", written)
    found = read_checkpoint(tmp_path / "again.npz")
    assert (found.origin, found.epochs, found.resumed_after) == (written.origin, written.epochs, (1, 2))
    for read, kept_array in zip(found.variables, variables, strict=True):
        np.testing.assert_array_equal(read, kept_array)


@pytest.mark.parametrize(
    "change", [lambda arrays: arrays[1:], lambda arrays: arrays[:-1], lambda arrays: (*arrays, arrays[0])]
)
def test_checkpoint_of_another_network_is_refused(small_mnist, straight, tmp_path, change):
    checkpoint = read_checkpoint(straight[2] / "1.npz")
    write_checkpoint(tmp_path / "run.npz", replace(checkpoint, variables=change(checkpoint.variables)))
    with pytest.raises(CheckpointError, match=r"another network.*--restart"):
        training(small_mnist, tmp_path, resume=True)


@pytest.mark.slow
def test_checkpoint_that_cannot_be_written_leaves_the_one_before(small_mnist, straight, tmp_path):
    shutil.copy(straight[2] / "2.npz", tmp_path / "run.npz")
    content = (tmp_path / "run.npz").read_bytes()
    _, resumed = training(small_mnist, tmp_path, resume=True)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # as on a full disk
    try:
        with pytest.raises(OutputError, match="File too large"):
            next(iter(resumed))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "run.npz").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
