"""What verification says of one file, and what hashes alone show."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..runtime.artifact.manifest import ArtifactRecord
from ..runtime.errors import IntegrityError
from ..runtime.isolation.native_code import CODE_SUFFIXES, is_built_here
from .parity import Parity
from .reference import read_recorded

_FOREIGN = (
    "this user has not built it on this machine, and no library can be proven otherwise; it was not"
    " loaded (`edgemnist export --format int8.tflite --format int8.c --compile` builds one)"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one file.

    Attributes:
        failures: A sentence for each failed check; empty if there is none.
        parity: Against the source model; None if the file was not run.
        note: What was left out, and why; "" if nothing was.
        unproven: Why nothing here proves the file, which was therefore not run; "" if it passed or failed.
    """

    file: str
    failures: tuple[str, ...]
    parity: Parity | None = None
    note: str = ""
    unproven: str = ""

    @property
    def passed(self) -> bool:
        """Whether the file is proven."""
        return not self.failures and not self.unproven


def library_verdicts(folder: Path, record: ArtifactRecord) -> Iterator[Verdict]:
    """Yield a verdict for each library on record that is there."""
    for name, sha256 in record.companions.items():
        if Path(name).suffix in CODE_SUFFIXES and (folder / name).is_file():
            failures = hash_failures(folder / name, sha256)
            if failures or is_built_here(sha256):
                yield Verdict(name, failures, note="built here" if is_built_here(sha256) else "")
            else:
                yield Verdict(name, (), unproven=_FOREIGN)


def hash_failures(path: Path, sha256: str, copy: Path | None = None) -> tuple[str, ...]:
    """Return what is wrong with a file of the folder; write what was hashed to `copy` if it is right."""
    try:
        content = read_recorded(path, sha256)
    except IntegrityError as error:
        return (error.problem,)
    if copy is not None:
        copy.write_bytes(content)
    return ()
