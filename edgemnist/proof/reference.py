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

_ARRAY = "probabilities"


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The source model's answers on the test images.

    The `file` is the one they are from, or the model that was run for them; `probabilities`, (N, classes).
    """

    file: str
    model_sha256: str
    probabilities: NDArray[np.float32]


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
    if split.images_sha256 not in manifest.dataset.values() or not os.path.lexists(path):
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
        problem = f"{path.name} has sha256 {found}, the manifest says {sha256}"
        raise IntegrityError(problem, fix="Fetch the artifacts again, or export them again.")
    return content


def read_reference(folder: Path, manifest: Manifest, images: int) -> NDArray[np.float32]:
    """Return the source model's answers to so many images, (N, classes) float32, rows sum to 1.

    Raises:
        IntegrityError: The file is not the one on record.
        ArtifactError: It does not contain such answers.
    """
    content = read_recorded(folder / manifest.reference.file, manifest.reference.sha256)
    try:
        arrays = unpack_arrays(io.BytesIO(content), (_ARRAY,))
        probabilities: NDArray[np.float32] = arrays[_ARRAY]
    except (ValueError, KeyError) as error:
        raise ArtifactError("it is no .npz file with probabilities", received=error) from error
    if probabilities.dtype != np.float32 or probabilities.shape[:-1] != (images,):
        raise ArtifactError(
            "its probabilities are not those of the test set",
            received=f"{probabilities.dtype} {probabilities.shape}",
            expected=f"float32 ({images}, classes)",
        )
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-4):  # false for NaN too
        raise ArtifactError("its rows do not sum to 1")
    return probabilities
