"""Loading a Keras file: its configuration is mended and checked before Keras sees it."""

import inspect
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras

from ..artifact.keras.code import check
from ..artifact.keras.config import for_inference, mended
from ..artifact.keras.file import KerasFile, read_keras_file
from ..errors import ArtifactError, MendedModelWarning, first_line

KIND = f"a Keras model that Keras {keras.__version__} can load in safe mode"
_ROOMS = (
    keras.layers,
    keras.models,
    keras.initializers,
    keras.regularizers,
    keras.constraints,
    keras.dtype_policies,
    keras.random,
)


def load_model(content: bytes) -> Any:
    """Return the Keras model in a file's content, not compiled.

    Keras reads a path only, and ignores its safe mode for HDF5. So it gets a private file with the weights of
    the content that was hashed and the configuration that was checked.

    Raises:
        ArtifactError: It carries code, is not said to take anything, or Keras cannot load it.
        Exception: It is no Keras file: what the readers of zip, HDF5 and JSON raise.
    """
    file = read_keras_file(content)
    config = for_inference(file.config)
    notes: tuple[str, ...] = ()
    if file.keras_version != keras.__version__:
        config, notes = mended(config)
    check(config, _is_known, [*dir(keras.activations), *dir(keras.ops)])
    model = _load(file, config)
    if not getattr(model, "inputs", None):
        raise ArtifactError(
            "the model does not say what its input is",
            received="a model without an input shape",
            expected="a model that begins with keras.Input",
            fix="Build it with keras.Input(shape) first, or call it once, and save it again.",
        )
    if notes:
        warnings.warn(
            f"the model was written by Keras {file.keras_version} and mended for Keras {keras.__version__}:"
            f" {', '.join(notes)}",
            MendedModelWarning,
            stacklevel=2,
        )
    return model


def _load(file: KerasFile, config: dict[str, Any]) -> Any:
    try:
        with (
            tempfile.TemporaryDirectory(prefix="edgemnist-", ignore_cleanup_errors=True) as folder,
            warnings.catch_warnings(),
        ):
            # Keras warns of what its own earlier versions wrote, such as LeakyReLU's alpha.
            warnings.simplefilter("ignore")
            return keras.saving.load_model(file.write(Path(folder), config), compile=False, safe_mode=True)
    except Exception as error:  # keras raises whatever its HDF5 reader and its layers raise
        raise ArtifactError(
            f"Keras {keras.__version__} cannot load it in safe mode",
            received=_reason(error),
            fix=f"It was written by Keras {file.keras_version}: load it there, and save it anew as .keras.",
        ) from error


def _reason(error: BaseException) -> str:
    """Return what Keras complains of, which it says after the whole configuration."""
    text = str(error).rpartition("Exception encountered:")[2].strip()
    return (text or first_line(error)).splitlines()[0][:300]


def _is_known(kind: str) -> bool:
    return kind == "Functional" or any(inspect.isclass(getattr(room, kind, None)) for room in _ROOMS)
