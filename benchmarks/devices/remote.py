"""`bench` on a device: files and a wheel go there, `bench.json` comes back, and nothing stays."""

import shlex
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import UNSET

from ...runtime.artifact.manifest import MANIFEST_NAME, read_manifest
from ...runtime.engines.registry import ENGINES
from ...runtime.errors import ArtifactNotFoundError, EdgeMnistError
from ..report.document import read_document
from .ssh import Session, session
from .wheel import make_wheel, wheel_name

_OLDEST = (3, 11)
_CHECK = f"import sys; sys.exit(sys.version_info[:2] < {_OLDEST})"
_NO_NATIVE_CODE = frozenset({".so", ".dylib", ".dll"})


@dataclass(frozen=True, slots=True)
class Remote:
    """What is asked of a device.

    Attributes:
        files: Model files, or the one artifacts folder that they are taken from.
        data: The data set; None is MNIST.
        options: Further arguments of `edgemnist bench` there.
        python: A Python there with what the engines need; None makes an environment with the extra litert.
    """

    files: tuple[Path, ...]
    data: Path | None
    options: tuple[str, ...] = ()
    python: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteOutcome:
    """What came of a device: its `bench.json`, or why there is none."""

    device: str
    document: dict[str, Any] | None = None
    error: str = ""


def bench_remotely(
    devices: Sequence[str], remote: Remote, report: Callable[[str, str], None] = lambda _device, _doing: None
) -> tuple[RemoteOutcome, ...]:
    """Measure on several devices at once, each with its own clock.

    Args:
        devices: As `ssh` takes them.
        remote: What to measure.
        report: Called with a device and what it does next.
    """
    sent = files_to_send(remote.files)

    def measure(device: str) -> RemoteOutcome:
        try:
            return RemoteOutcome(device, _measure(device, remote, sent, lambda doing: report(device, doing)))
        except EdgeMnistError as error:
            return RemoteOutcome(device, error=str(error))

    with ThreadPoolExecutor(max(1, len(devices)), "device") as pool:
        return tuple(pool.map(measure, devices))


def files_to_send(files: Sequence[Path]) -> tuple[Path, ...]:
    """Return what a device needs of model files, or of an artifacts folder: nothing that is native code.

    Raises:
        ArtifactNotFoundError: A file is not there, or the folder has no models.
        ManifestError: The folder's manifest is damaged.
    """
    suffixes = {suffix for entry in ENGINES.values() for suffix in entry.suffixes + entry.sources}
    found: list[Path] = []
    for path in files:
        if path.is_dir():
            names = {each.name for each in path.iterdir() if each.suffix in suffixes and each.is_file()}
            if (path / MANIFEST_NAME).exists():
                manifest = read_manifest(path)
                names |= {*manifest.files, manifest.reference.file, MANIFEST_NAME}
            found += sorted(path / name for name in names if (path / name).is_file())
        elif not path.exists():
            raise ArtifactNotFoundError(f"no such file: {path}")
        else:
            found.append(path)
    found = [path for path in found if path.suffix not in _NO_NATIVE_CODE]
    if not any(path.suffix in suffixes for path in found):
        raise ArtifactNotFoundError(
            f"no model files in {', '.join(map(str, files))}", fix="`edgemnist export --int8` makes them."
        )
    return tuple(found)


def _measure(
    device: str, remote: Remote, sent: Sequence[Path], report: Callable[[str], None]
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name, session(device) as there:
        report("copying")
        wheel = Path(name, wheel_name())
        wheel.write_bytes(make_wheel())
        there.send([wheel], "wheel")
        there.send(sent, "models")
        data: tuple[str, ...] = ()
        if (path := remote.data or _recorded(remote.files)) is not None:
            there.send([path], "data")
            data = ("--data", f"data/{path.resolve().name}")
        report("setting up an environment")
        python = _environment(there, remote.python)
        whole = any(path.is_dir() for path in remote.files)
        models = ["--artifacts", "models"] if whole else [f"models/{path.name}" for path in sent]
        command = ("bench", *models, *data, "--output", "out", "--no-keras", *remote.options)
        report("measuring")
        # `exec` after its number is written, by which the end of the session ends it too
        benched = f"sh -c 'echo $$ > pid; exec \"$@\"' sh {python} -m edgemnist {shlex.join(command)} >&2"
        there.run(benched, "run the benchmark")
        result = Path(name, "bench.json")
        there.fetch("out/bench.json", result)
        return read_document(result)


def _recorded(files: Sequence[Path]) -> Path | None:
    """Return the data set that the artifacts were proven on, where their manifest names one that is here."""
    folder = files[0] if files[0].is_dir() else files[0].parent
    if not (folder / MANIFEST_NAME).exists():
        return None
    record = read_manifest(folder).data
    path = Path(record.path) if record is not UNSET and record.path else None
    return path if path is not None and path.exists() else None


def _environment(there: Session, python: str | None) -> str:
    """Return the command of a Python that has this edgemnist, for `sh`."""
    chosen = shlex.quote(python or "python3")
    wanted = ".".join(map(str, _OLDEST))
    there.run(
        f"{chosen} -c {shlex.quote(_CHECK)}", f"run a Python of at least {wanted} ({python or 'python3'})"
    )
    wheel = f"wheel/{wheel_name()}"
    if python is not None:
        there.run(f"{chosen} -m zipfile -e {wheel} site", "unpack the wheel")
        return f'env PYTHONPATH="$PWD/site" PYTHONDONTWRITEBYTECODE=1 {chosen} -P'
    there.run(f"{chosen} -m venv env", "make an environment (on Debian: apt-get install python3-venv)")
    there.run(
        f"env/bin/python -m pip install --quiet --disable-pip-version-check '{wheel}[litert]'",
        "install the wheel and its packages",
    )
    return "env/bin/python -P"
