"""What is to be measured: which model files, on which engines, and which cannot be, and why."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ...runtime.artifact.lookup import find_record, newer_model
from ...runtime.artifact.manifest import MANIFEST_NAME, read_manifest
from ...runtime.artifact.previous import is_model
from ...runtime.engines.registry import ENGINES, EngineEntry
from ...runtime.errors import ArtifactError, ArtifactNotFoundError, MissingExtraError, OptionError, unknown
from ...runtime.files import leads_out, sha256_of
from ...runtime.isolation.native_code import is_built_here

KERAS = "keras"


@dataclass(frozen=True, slots=True)
class Case:
    """A model file and an engine that loads its format.

    Attributes:
        engine: A key of `ENGINES`.
        precision: What the manifest or else the name `<model>.<precision>.<format>` says; "" if neither does.
        size_bytes: The size of what is loaded, for a C file the library beside it; 0 if it is missing.
        sha256: Of what is loaded, "" if it is missing.
        shown: What reports call the file where its name is not enough, else "".
    """

    path: Path
    engine: str
    format: str
    precision: str
    size_bytes: int
    sha256: str
    skipped: str = ""
    shown: str = ""

    @property
    def name(self) -> str:
        """What reports call the file: its name, or its path if another file has that name."""
        return self.shown or self.path.name

    @property
    def title(self) -> str:
        """The file's name and the engine."""
        return f"{self.name} ({self.engine})"


def cases_in(
    folder: Path,
    *,
    engines: Iterable[str] = (),
    why_no_keras: str = "",
    run_foreign_code: bool = False,
) -> tuple[Case, ...]:
    """Return a case for each model file in an artifacts folder and each engine for it, Keras first.

    A file that the manifest lists is included even if it is missing, so that it fails and is not overlooked.
    The other arguments are those of `cases_for`.

    Raises:
        ArtifactNotFoundError: There is no such folder, or no model in it.
        ManifestError: The folder's manifest is damaged.
        OptionError: An engine is unknown.
    """
    if not folder.is_dir():
        raise ArtifactNotFoundError(
            f"no artifacts folder {folder}", fix="`edgemnist export --int8` makes one, or name model files."
        )
    suffixes = {suffix for entry in ENGINES.values() for suffix in entry.suffixes}
    paths = {path for path in folder.iterdir() if path.suffix in suffixes and not path.name.startswith(".")}
    if os.path.lexists(folder / MANIFEST_NAME):
        manifest = read_manifest(folder)
        records = manifest.artifacts
        # A page holds the modules of its .wasm, which is measured.
        paths |= {folder / record.file for record in records if record.format != "html"}
        paths -= {folder / companion for record in records for companion in record.companions}
        # A model that the artifacts were not made of has no part in a comparison with them.
        paths -= {path for path in paths if is_model(path) and path.name not in manifest.files}
    if not paths:
        raise ArtifactNotFoundError(
            f"no model files in {folder}",
            expected=f"files ending in {', '.join(sorted(suffixes))}",
            fix="`edgemnist export --int8` makes them.",
        )
    cases = cases_for(paths, engines=engines, why_no_keras=why_no_keras, run_foreign_code=run_foreign_code)
    return tuple(
        replace(case, skipped="it is a link out of the folder") if leads_out(case.path, folder) else case
        for case in cases
    )


def cases_for(
    paths: Iterable[Path],
    *,
    engines: Iterable[str] = (),
    why_no_keras: str = "",
    run_foreign_code: bool = False,
) -> tuple[Case, ...]:
    """Return a case for each of the files and each engine for it, Keras first, then by name.

    No engines means all. `why_no_keras` is why to skip Keras, the slowest by far; "" means measure it.
    Shared libraries that were not built here are measured only with `run_foreign_code`.

    Raises:
        ArtifactError: No engine loads a file with such a suffix.
        ManifestError: A manifest beside a file is damaged.
        OptionError: An engine is unknown.
    """
    wanted, paths = tuple(engines), tuple(paths)
    for name in wanted:
        if name not in ENGINES:
            raise unknown("engine", name, ENGINES)
    names = Counter(path.name for path in paths)
    cases = [
        replace(
            _case(path, entry, why_no_keras, run_foreign_code),
            shown=str(path) if names[path.name] > 1 else "",
        )
        for path in paths
        for entry in _entries(path, wanted)
    ]
    if not cases:
        received, fix = f"engines {', '.join(wanted)}", "None of them loads these files."
        raise OptionError("nothing to measure", received=received, fix=fix)
    return tuple(sorted(cases, key=lambda case: (case.engine != KERAS, case.name, case.engine)))


def _entries(path: Path, wanted: tuple[str, ...]) -> list[EngineEntry]:
    loading = [entry for entry in ENGINES.values() if path.suffix in entry.suffixes + entry.sources]
    if not loading:
        known = ", ".join(suffix for entry in ENGINES.values() for suffix in entry.suffixes + entry.sources)
        raise ArtifactError(
            f"no engine loads {path.name}", received=f"the suffix {path.suffix!r}", expected=f"one of {known}"
        )
    asked = [entry for entry in ENGINES.values() if path.suffix in entry.on_request and entry.name in wanted]
    return [entry for entry in loading if not wanted or entry.name in wanted] + asked


def _case(path: Path, entry: EngineEntry, why_no_keras: str, run_foreign_code: bool) -> Case:
    record = find_record(path)
    skipped = _why_skipped(path, entry, why_no_keras)
    if record is not None and is_model(path):
        skipped = skipped or newer_model(path.parent)
    by_name = "float32" if entry.name == KERAS else Path(path.stem).suffix.removeprefix(".")
    loaded = path if skipped else entry.file_to_load(path)
    exists = loaded.is_file()
    sha256 = sha256_of(loaded) if exists else ""
    # The worker loads what has this sha256, so for native code it is decided here whether that may run.
    if not skipped and entry.code and exists and not (run_foreign_code or is_built_here(sha256)):
        skipped = (
            f"{loaded.name} is native code, and this user has not built it on this machine"
            " (--run-foreign-code runs it all the same)"
        )
    return Case(
        path=path,
        engine=entry.name,
        format=path.suffix.removeprefix("."),
        precision=record.precision if record is not None else by_name,
        size_bytes=loaded.stat().st_size if exists else 0,
        sha256=sha256,
        skipped=skipped,
    )


def _why_skipped(path: Path, entry: EngineEntry, why_no_keras: str) -> str:
    if entry.name == KERAS and why_no_keras:
        return why_no_keras
    if not entry.available:
        return str(MissingExtraError(entry.package, entry.extra, f"the engine {entry.name}"))
    try:
        entry.file_to_load(path)
    except ArtifactNotFoundError as error:
        return str(error)
    return ""
