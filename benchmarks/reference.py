"""The answers that parity is against: Keras's, from the artifacts folder or from its own row."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import IntegrityError
from ..runtime.files import sha256_of
from ..runtime.manifest import MANIFEST_NAME, read_manifest
from ..runtime.settling import read_settled
from .collect import Collection
from .datasets import Split
from .processes import MEASURED
from .targets import KERAS


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Keras's answers for the test images.

    Attributes:
        file: The file they are from, or whose row they are.
        model_sha256: Of the `.keras` file that gave them.
        probabilities: (N, classes) float32.
    """

    file: str
    model_sha256: str
    probabilities: NDArray[np.float32]


def stored_reference(folder: Path, split: Split) -> Reference | None:
    """Return the reference that a folder's manifest records, if it was made from these test images.

    Raises:
        ManifestError: The manifest is damaged.
        IntegrityError: The file's sha256 differs from the manifest's.
    """
    return read_settled(folder, lambda: _stored_reference(folder, split))


def _stored_reference(folder: Path, split: Split) -> Reference | None:
    if not (folder / MANIFEST_NAME).exists():
        return None
    manifest = read_manifest(folder)
    path = folder / manifest.reference["file"]
    if split.images_sha256 not in manifest.dataset.values() or not path.exists():
        return None
    if sha256_of(path) != manifest.reference["sha256"]:
        raise IntegrityError(
            f"{path} is not the file that its manifest records",
            received=f"sha256 {sha256_of(path)}",
            expected=manifest.reference["sha256"],
            fix="Fetch the artifacts again, or export them again.",
        )
    with np.load(path) as file:
        return Reference(path.name, manifest.model["sha256"], file["probabilities"])


def measured_reference(collection: Collection) -> Reference | None:
    """Return what Keras answered in this benchmark, if it was measured."""
    for measured in collection.measured:
        if measured.target.engine == KERAS and measured.status == MEASURED:
            target = measured.target
            return Reference(target.name, target.sha256, measured.answers[0].arrays["probabilities"])
    return None
