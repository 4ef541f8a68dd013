"""TensorFlow and Keras, imported in one place: quiet, and Keras on its TensorFlow backend.

Modules of this package write `from .backend import keras, tf`, so that the settings come before the import.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..runtime.errors import MissingExtraError

# TensorFlow 2.21 logs these while it starts, before it reads TF_CPP_MIN_LOG_LEVEL: notes (I...), and an error
# on every machine without a GPU driver.
_STARTUP_NOTE = re.compile(rb"I\d{4} |WARNING: All log messages before absl::InitializeLog|E\d{4} .*cuInit")
_STDERR = 2


@contextmanager
def _without_startup_notes() -> Iterator[None]:
    """Hold back what native code writes to stderr in the block; let through afterwards all but the notes."""
    sys.stderr.flush()
    visible = os.dup(_STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(visible, _STDERR)
            os.close(visible)
            held.seek(0)
            for line in held:
                if not _STARTUP_NOTE.match(line):
                    os.write(_STDERR, line)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # hides notes on CPU instructions and XLA, keeps errors
os.environ["KERAS_BACKEND"] = "tensorflow"

try:
    with _without_startup_notes():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()
except ImportError as error:
    raise MissingExtraError(error.name or "tensorflow", "export", "Training and export") from error

__all__ = ["keras", "start_with_one_thread", "tf", "use_one_thread"]


def use_one_thread() -> None:
    """Leave the other cores to helper processes: on small matrices a second thread gains little.

    In a process where TensorFlow has already computed something, this comes too late and changes nothing.
    """
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def start_with_one_thread() -> None:
    """Start TensorFlow with one thread, whatever asks for more later: their number decides the last bits."""
    use_one_thread()
    tf.zeros(1)
