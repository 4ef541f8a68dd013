"""TensorBoard logs of a training, under the names of Keras' own callback.

They are written with TensorFlow alone: `tf.summary.scalar`, which the callback calls, needs the package
tensorboard; `tf.summary.write` with the metadata of a scalar does not.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ...data.history import Epoch
from ...runtime.errors import OutputError, first_line
from ..backend import tf

TRAIN, VALIDATION = "train", "validation"
_SCALAR = 1  # DataClass.DATA_CLASS_SCALAR in tensorflow/core/framework/summary.proto
_INTERNALS = re.compile(r"\{\{.*?\}\} | \[Op:.*")


def logged(epochs: Iterable[Epoch], folder: Path, earlier: Sequence[Epoch] = ()) -> Iterator[Epoch]:
    """Yield the epochs of a training, each after it is logged in `folder`.

    Args:
        epochs: The epochs, as they end.
        folder: Gets a folder for training and one for validation, each with a file of events.
        earlier: Those before an interruption; any of them that `folder` does not hold are logged first.

    Raises:
        OutputError: The logs cannot be written.
    """
    known = logged_epochs(folder) if earlier else set()
    try:
        with ExitStack() as stack:
            writers = {}
            for part in (TRAIN, VALIDATION):
                writers[part] = tf.summary.create_file_writer(str(folder / part))
                stack.callback(writers[part].close)
            for epoch in earlier:
                if epoch.number not in known:
                    _log(epoch, writers)
            for epoch in epochs:
                _log(epoch, writers)
                yield epoch
    except tf.errors.OpError as error:
        raise OutputError(
            f"cannot write TensorBoard logs to {folder}: {_INTERNALS.sub('', first_line(error))}",
            fix="Check the folder's permissions and the free space.",
        ) from error


def logged_epochs(folder: Path) -> set[int]:
    """Return the numbers of the epochs that are logged in `folder`."""
    numbers = set()
    for file in sorted(folder.glob(f"{VALIDATION}/events.out.tfevents.*")):  # validation is written last
        try:
            for content in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(content)
                if event.HasField("summary"):
                    numbers.add(int(event.step))
        except tf.errors.DataLossError:  # a killed process leaves half a record at the end
            continue
    return numbers


def _log(epoch: Epoch, writers: dict[str, Any]) -> None:
    training = {"loss": epoch.loss, "accuracy": epoch.accuracy, "learning_rate": epoch.learning_rate}
    validation = {"loss": epoch.val_loss, "accuracy": epoch.val_accuracy}
    metadata = tf.compat.v1.SummaryMetadata(data_class=_SCALAR)
    metadata.plugin_data.plugin_name = "scalars"
    for part, scalars in ((TRAIN, training), (VALIDATION, validation)):
        with writers[part].as_default(step=epoch.number):
            for tag, value in scalars.items():
                tf.summary.write(f"epoch_{tag}", tf.constant(value, tf.float32), metadata=metadata)
        writers[part].flush()
