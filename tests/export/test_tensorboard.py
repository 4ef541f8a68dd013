"""TensorBoard logs, read back with TensorFlow's own reader."""

import pytest

from edgemnist.data.history import Epoch
from edgemnist.export.backend import tf
from edgemnist.export.training.tensorboard import logged, logged_epochs
from edgemnist.runtime.errors import OutputError


def epoch(number: int) -> Epoch:
    return Epoch(number, 0.5 / number, 0.8 + number / 100, 0.4 / number, 0.9, 1.0, 0.001 * number)


def scalars(folder, part) -> dict[str, dict[int, float]]:
    """The values by tag and step, of all event files of a part."""
    found = {}
    for file in (folder / part).glob("events.out.tfevents.*"):
        for content in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(content)
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                steps = found.setdefault(value.tag, {})
                assert event.step not in steps, "logged twice"
                steps[event.step] = float(tf.make_ndarray(value.tensor))
    return found


def test_every_epoch_is_logged_under_keras_names(tmp_path):
    list(logged([epoch(1), epoch(2)], tmp_path))
    assert scalars(tmp_path, "train") == {
        "epoch_loss": {1: pytest.approx(0.5), 2: pytest.approx(0.25)},
        "epoch_accuracy": {1: pytest.approx(0.81), 2: pytest.approx(0.82)},
        "epoch_learning_rate": {1: pytest.approx(0.001), 2: pytest.approx(0.002)},
    }
    assert scalars(tmp_path, "validation") == {
        "epoch_loss": {1: pytest.approx(0.4), 2: pytest.approx(0.2)},
        "epoch_accuracy": {1: pytest.approx(0.9), 2: pytest.approx(0.9)},
    }


def test_an_epoch_can_be_read_as_soon_as_it_is_yielded(tmp_path):
    epochs = logged([epoch(1), epoch(2)], tmp_path)
    next(epochs)
    assert logged_epochs(tmp_path) == {1}
    assert list(scalars(tmp_path, "train")["epoch_loss"]) == [1]


@pytest.mark.parametrize("known", [0, 1, 2])
def test_a_resumed_training_logs_what_is_missing_and_nothing_twice(tmp_path, known):
    list(logged([epoch(1), epoch(2)][:known], tmp_path))
    list(logged([epoch(3)], tmp_path, earlier=[epoch(1), epoch(2)]))
    for part in ("train", "validation"):
        assert sorted(scalars(tmp_path, part)["epoch_loss"]) == [1, 2, 3]


def test_half_a_record_of_a_killed_process_is_no_obstacle(tmp_path):
    list(logged([epoch(1), epoch(2)], tmp_path))
    for file in tmp_path.glob("*/events*"):
        file.write_bytes(file.read_bytes()[:-5])
    assert logged_epochs(tmp_path) == {1, 2}  # of its two values, the first is whole


def test_unwritable_folder_is_one_error_before_the_first_epoch(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        OutputError, match=r"cannot write TensorBoard logs to .* is not a directory\. Check"
    ) as error:
        list(logged(iter(pytest.fail, None), tmp_path / "file"))
    assert "{{" not in str(error.value)
