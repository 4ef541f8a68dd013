"""The data set on record: where it was read from, what it contained, and finding it again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..runtime.errors import DatasetError
from .datasets import load_test_split, load_train_split
from .idx import Part
from .splits import SeededSplit, Split
from .wanted import Wanted


@dataclass(frozen=True, slots=True)
class DataRecord:
    """What to write down of a data set, so that it can be used again without being named.

    Attributes:
        path: Where it was, as it was given; None for MNIST, which is bundled.
        sha256: Of the arrays, as `Split.hashes` has them.
        resize: Whether its pictures were resized to the model's input.
        seeded: How its test part was drawn, if it was.
    """

    path: str | None
    sha256: Mapping[str, str]
    resize: bool = False
    seeded: SeededSplit | None = None

    def as_recorded(self, wanted: Wanted) -> Wanted:
        """Return what is wanted, with pictures resized and parts drawn as they were."""
        wanted = replace(wanted, resize=self.resize)
        if self.seeded is None:
            return wanted
        return replace(wanted, seed=self.seeded.seed, test_share=self.seeded.test_share)


def find_data(record: DataRecord, part: Part = "test", wanted: Wanted | None = None) -> Split:
    """Return a part of a recorded data set, if it is still there and still the same.

    Args:
        record: What was written down.
        part: Which part.
        wanted: What the model needs, as its signature has it.

    Raises:
        DatasetError: It is not there, cannot be read, or is not what was recorded.
        MissingExtraError: There are pictures, and Pillow is not installed.
    """
    wanted = record.as_recorded(wanted or Wanted())
    path = None if record.path is None else Path(record.path)
    if path is not None and not path.exists():
        raise DatasetError(
            f"the recorded data set {path} is not on this machine",
            expected="the data set that the record was made with",
            fix="Give its path with --data.",
        )
    split = load_test_split(path, wanted) if part == "test" else load_train_split(path, wanted=wanted)
    found = split.hashes(part)
    expected = {name: sha256 for name, sha256 in record.sha256.items() if name.startswith(f"{part}_")}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise DatasetError(
                f"the {name.replace('_', ' ')} of {split.source} are not the recorded ones",
                received=f"sha256 {found[name]}" if name in found else "none",
                expected=f"sha256 {expected[name]}" if name in expected else "none",
                fix="Restore the data set, or give the one that is meant with --data.",
            )
    return split
