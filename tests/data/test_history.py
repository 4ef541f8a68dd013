"""`history.json`: files that nobody checked before."""

import json

import pytest

from edgemnist.data.history import read_history
from edgemnist.runtime.errors import ArtifactError

EPOCH = {
    "number": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.9, "seconds": 2,
    "learning_rate": 1e-3,
}  # fmt: skip
RECORD = {"recipe": {"name": "notebook"}, "seed": 7, "model": {"sha256": "ab"}, "epochs": [EPOCH]}


def write(tmp_path, **change):
    path = tmp_path / "history.json"
    path.write_text(json.dumps(RECORD | {"epochs": [EPOCH | change]}))
    return path


def test_a_training_that_diverged_is_read(tmp_path):
    (epoch,) = read_history(write(tmp_path, loss=float("nan"), val_loss=float("nan"))).epochs
    assert epoch.loss != epoch.loss
    assert epoch.val_accuracy == 0.9


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"accuracy": 1.5}, r"epochs\[0\]\.accuracy"),
        ({"val_accuracy": float("nan")}, "epoch"),
        ({"loss": float("inf")}, "inf"),
        ({"loss": 10**400}, "record of a training"),
        ({"seconds": -1}, "-1"),
        ({"loss": "0.5"}, r"epochs\[0\]\.loss"),
        ({"number": 10**13}, "an epoch of"),
    ],
)
def test_an_impossible_epoch_is_refused(tmp_path, change, place):
    with pytest.raises(ArtifactError, match=place):
        read_history(write(tmp_path, **change))
