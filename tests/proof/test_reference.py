"""What parity is against."""

import numpy as np
import pytest

from edgemnist.data.datasets import Split
from edgemnist.proof.reference import stored_reference
from edgemnist.runtime.errors import IntegrityError


def test_the_reference_of_the_export_is_found(artifacts, test_split):
    reference = stored_reference(artifacts, test_split)
    assert reference.file == "reference.npz"
    assert reference.outputs.shape == (len(test_split), 10)


def test_a_reference_for_other_images_is_not_used(artifacts, test_split):
    other = Split(test_split.inputs[::-1].copy(), test_split.labels[::-1].copy())
    assert stored_reference(artifacts, other) is None


def test_a_folder_without_manifest_or_reference_has_none(artifacts_copy, test_split):
    (artifacts_copy / "reference.npz").unlink()
    assert stored_reference(artifacts_copy, test_split) is None
    (artifacts_copy / "manifest.json").unlink()
    assert stored_reference(artifacts_copy, test_split) is None


def test_a_reference_that_was_exchanged_is_refused(artifacts_copy, test_split):
    np.savez(artifacts_copy / "reference.npz", probabilities=np.zeros((len(test_split), 10), np.float32))
    with pytest.raises(IntegrityError, match=r"reference\.npz is not the file"):
        stored_reference(artifacts_copy, test_split)
