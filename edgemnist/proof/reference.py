"""The reference: the source model's answers on the test images, as an artifact folder stores them."""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.archives import unpack_arrays
from ..runtime.artifact.manifest import MANIFEST_NAME, Manifest, read_manifest
from ..runtime.artifact.settling import read_settled
from ..runtime.errors import ArtifactError, IntegrityError
from ..runtime.files import MAX_MODEL_BYTES, read_limited
from ..runtime.predictor import Predictor


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The source model's outputs on the test set.

    The `file` is the one they are from, or the model that was run for them; `outputs`, (N, ...).
    """

    file: str
    model_sha256: str
    outputs: NDArray[np.float32]


def outputs_of(predictor: Predictor, split: Split) -> NDArray[np.float32]:
    """Return a model's outputs for a whole data set, (N, ...) float32, in batches as its input allows.

    Raises:
        ArtifactError: Its batch is fixed to more than one item.
        EngineError: The engine failed.
    """
    batch = predictor.input.shape[0]
    if batch not in (None, 1):
        raise ArtifactError(
            f"{predictor.path.name} takes {batch} items at once", expected="one item, or any number"
        )
    return np.concatenate([predictor.predict(items).values for items in split.batches(batch)])


def stored_reference(folder: Path, split: Split) -> Reference | None:
    """Return the reference that a folder's manifest records, if it was made from these test images.

    Raises ManifestError if the manifest is damaged, and what `read_reference` raises.
    """
    return read_settled(folder, lambda: _stored_reference(folder, split))


def _stored_reference(folder: Path, split: Split) -> Reference | None:
    if not os.path.lexists(folder / MANIFEST_NAME):
        return None
    manifest = read_manifest(folder)
    path = folder / manifest.reference.file
    if split.inputs_sha256 not in manifest.dataset.values() or not os.path.lexists(path):
        return None
    return Reference(path.name, manifest.model.sha256, read_reference(folder, manifest, len(split)))


def read_recorded(path: Path, sha256: str) -> bytes:
    """Return the content of a file on record in its folder's manifest; what was hashed is what is returned.

    Raises:
        IntegrityError: It is missing, cannot be read, or its sha256 is another one.
    """
    try:
        content = read_limited(path, MAX_MODEL_BYTES, inside=path.parent)
    except FileNotFoundError as error:
        raise IntegrityError(f"{path.name} is missing") from error
    except OSError as error:
        raise IntegrityError(f"{path.name} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise IntegrityError(
            f"{path.name} has sha256 {found}, the manifest says {sha256}",
            fix=f"{path.name} is not the file that its manifest records; fetch or export them again.",
        )
    return content


def read_reference(folder: Path, manifest: Manifest, count: int) -> NDArray[np.float32]:
    """Return the source model's outputs for so many items, (N, ...) float32.

    Raises:
        IntegrityError: The file is not the one on record.
        ArtifactError: It does not contain such outputs.
    """
    content = read_recorded(folder / manifest.reference.file, manifest.reference.sha256)
    spec = manifest.signature.output if manifest.signature else None
    name = spec.name if spec else "probabilities"
    try:
        outputs: NDArray[np.float32] = unpack_arrays(io.BytesIO(content), (name,))[name]
    except (ValueError, KeyError) as error:
        raise ArtifactError(f"it is no .npz file with {name}", received=error) from error
    wanted = spec.shape if spec else outputs.shape[1:]
    if outputs.dtype != np.float32 or outputs.shape != (count, *wanted):
        raise ArtifactError(
            f"its {name} are not those of the test set",
            received=f"{outputs.dtype} {outputs.shape}",
            expected=f"float32 {(count, *wanted)}",
        )
    if not np.isfinite(outputs).all():
        raise ArtifactError(f"its {name} are not all numbers")
    sums_to_one = spec is None or (spec.activation in ("softmax", "logits") and not spec.is_binary)
    if sums_to_one and not np.allclose(outputs.sum(axis=1), 1, atol=1e-4):
        raise ArtifactError("its rows do not sum to 1")
    return outputs
