import dataclasses

import numpy as np
import pytest

from edgemnist.export.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from edgemnist.export.recipe import Recipe
from edgemnist.export.resuming import SafeTraining
from edgemnist.export.training import TrainingRun
from edgemnist.export.training_record import describe_origin
from edgemnist.export.training_split import validated_by_test
from edgemnist.runtime.errors import CheckpointError, OutputError

SHORT = Recipe(name="short", epochs=3, batch_size=32, learning_rate=1e-3)


def training(dataset, folder, recipe=SHORT, *, resume=False):
    run = TrainingRun(recipe, validated_by_test(dataset), seed=5)
    origin = describe_origin(recipe, 5, validated_by_test(dataset))
    return run, SafeTraining(run, folder / "run.npz", origin, resume=resume)


@pytest.mark.parametrize("finished", [1, 2, 3])
def test_training_goes_on_where_it_ended_to_the_bit(small_mnist, tmp_path, finished):
    straight, whole = training(small_mnist, tmp_path / "whole")
    losses = [epoch.loss for epoch in whole]
    _, first = training(small_mnist, tmp_path)
    for epoch in first:
        if epoch.number == finished:
            break
    resumed, second = training(small_mnist, tmp_path, resume=True)
    assert [epoch.number for epoch in second] == list(range(finished + 1, 4))
    assert [epoch.loss for epoch in second.epochs] == losses
    for mine, theirs in zip(
        (*resumed.model.get_weights(), *(one.numpy() for one in resumed.model.optimizer.variables)),
        (*straight.model.get_weights(), *(one.numpy() for one in straight.model.optimizer.variables)),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_every_epoch_is_on_disk_before_it_is_told(small_mnist, tmp_path):
    _, run = training(small_mnist, tmp_path)
    for epoch in run:
        assert read_checkpoint(tmp_path / "run.npz").epochs[-1] == epoch


def test_checkpoint_is_read_as_it_was_written(small_mnist, tmp_path):
    run, kept = training(small_mnist, tmp_path)
    list(kept)
    written = Checkpoint(
        describe_origin(SHORT, 5, validated_by_test(small_mnist)), run.state(), kept.epochs, (1, 2)
    )
    write_checkpoint(tmp_path / "again.npz", written)
    found = read_checkpoint(tmp_path / "again.npz")
    assert (found.origin, found.epochs, found.resumed_after) == (written.origin, written.epochs, (1, 2))
    assert found.state.shuffler == written.state.shuffler
    assert found.state.variables.keys() == written.state.variables.keys()


def test_checkpoint_of_another_network_is_refused(small_mnist, tmp_path):
    _, kept = training(small_mnist, tmp_path)
    next(iter(kept))
    state = read_checkpoint(tmp_path / "run.npz").state
    fewer = dataclasses.replace(state, variables=dict(list(state.variables.items())[1:]))
    with pytest.raises(CheckpointError, match="another network"):
        TrainingRun(SHORT, validated_by_test(small_mnist), seed=5).restore(fewer)


def test_checkpoint_that_cannot_be_written_leaves_the_one_before(small_mnist, tmp_path, monkeypatch):
    _, kept = training(small_mnist, tmp_path)
    epochs = iter(kept)
    next(epochs)
    content = (tmp_path / "run.npz").read_bytes()

    def fail(*_arguments, **_arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        next(epochs)
    assert (tmp_path / "run.npz").read_bytes() == content
    assert len(kept.epochs) == 1
