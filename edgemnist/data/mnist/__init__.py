"""MNIST as bundled with this project, and the check that a split is MNIST, byte for byte."""

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...runtime.errors import DatasetError
from ..idx import Part

if TYPE_CHECKING:
    from ..datasets import Split

FOLDER = Path(__file__).parent
IMAGE_SHAPE = (28, 28)
# Of the four unpacked files of THE MNIST DATABASE of handwritten digits, http://yann.lecun.com/exdb/mnist/
MNIST_SHA256 = MappingProxyType(
    {
        "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
)


def has_training_pair() -> bool:
    """Return whether the training images are here: they are in the sdist, and too large for the wheel."""
    return any(FOLDER.glob("train-*"))


def verified(split: "Split", part: Part) -> "Split":
    """Return `split` if it is that part of MNIST.

    Raises:
        DatasetError: Its hashes differ from those in `MNIST_SHA256`.
    """
    for name, sha256 in split.hashes(part).items():
        if sha256 != MNIST_SHA256[name]:
            raise DatasetError(
                f"the {name.replace('_', ' ')} in {split.source} are not the original MNIST",
                received=f"sha256 {sha256}",
                expected=f"sha256 {MNIST_SHA256[name]}",
                fix="Restore the file, or give another data set with --data.",
            )
    return split


def check_labelling(split: "Split", part: Part) -> None:
    """Check that `split` is not another part of MNIST than its file names say.

    Raises:
        DatasetError: It is.
    """
    if split.kind != "image" or split.input_shape not in (IMAGE_SHAPE, (*IMAGE_SHAPE, 1)):
        return
    for name, sha256 in split.hashes(part).items():
        known = next((known for known, value in MNIST_SHA256.items() if value == sha256), name)
        if known != name:
            raise DatasetError(
                f"{split.source} is mislabelled",
                received=f"the {known.replace('_', ' ')} of MNIST",
                expected=f"{name.replace('_', ' ')}",
                fix="Give every file the name that belongs to its content.",
            )
