"""Keras itself: `.keras` files, only where TensorFlow is installed."""

import io
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..archives import checked_archive
from ..signature import ModelSignature, SignatureOptions
from ..tensors import TensorSpec
from .keras_signature import infer_signature
from .registry import Array, EngineOptions, refuse_closed

KIND = f"a Keras model that Keras {keras.__version__} can load in safe mode"
_MAX_TEXT_BYTES = 16 * 1024 * 1024


class KerasEngine:
    """A Keras model, called directly, as Keras advises for inputs that fit into one batch."""

    def __init__(self, model: Any) -> None:
        source, result = model.inputs[0], model.outputs[0]
        self.input = TensorSpec(source.name, source.dtype, tuple(source.shape))
        # Keras numbers its tensors through a whole process; the last layer's name stays.
        self.output = TensorSpec(model.layers[-1].name, result.dtype, tuple(result.shape))
        self.metadata: dict[str, str] = {}
        self.model: Any = model

    def infer_signature(self, file: str, wanted: SignatureOptions) -> ModelSignature:
        """Return the model's signature, read off its layers where it is not given."""
        return infer_signature(file, self.model, wanted)

    def run(self, batch: Array, /) -> Array:
        """Return the raw output for a raw input batch."""
        return np.asarray(self.model(batch, training=False))

    def close(self) -> None:
        """Free the model, once calls under way are done."""
        self.model = refuse_closed


def load(content: bytes, options: EngineOptions) -> KerasEngine:
    """Load a Keras model in safe mode, so that no code in the file is run.

    Keras reads a path only, so it gets a private copy of the content that was hashed and checked.
    TensorFlow's threads belong to the process; its first Keras predictor sets their number.
    """
    import tensorflow as tf

    with suppress(RuntimeError):  # TensorFlow has started already
        tf.config.threading.set_intra_op_parallelism_threads(options.num_threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.num_threads)
    _check_archive(content)
    with tempfile.TemporaryDirectory(prefix="edgemnist-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder, "model.keras")
        copy.write_bytes(content)
        return KerasEngine(keras.saving.load_model(copy, compile=False, safe_mode=True))


def _check_archive(content: bytes) -> None:
    """Check every file in the archive by its CRC, before the HDF5 library sees what is damaged or a bomb."""
    with checked_archive(io.BytesIO(content)) as archive:
        texts = sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".json"))
        if texts > _MAX_TEXT_BYTES:
            raise ValueError(f"a configuration of {texts:,} bytes")
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} in it is damaged")
