"""Check that the locks in requirements/ leave nothing to choose, now or after any later release.

By the metadata of the packages installed here, whatever a locked package requires must be in its lock, with
its extras, on every supported Python and system. And every pip that is named must resolve each lock in an
imagined future: an index of empty packages with that metadata, in which all of them have a later release too.
A pip that looks beyond the lock finds the later one, and fails.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKED_EXTRAS = {"base.txt": "", "quickstart.txt": "[export]", "dev.txt": "[all]"}
LATER = "9999"
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
)


def read_lock(path: Path) -> list[Requirement]:
    """Return the locked requirements, without their hashes."""
    lines = re.sub(r"\\\n", "", path.read_text(encoding="utf-8")).splitlines()
    pins = (line for line in lines if line and not line.lstrip().startswith("#"))
    return [Requirement(pin.split("--hash")[0]) for pin in pins]


def unlocked(lock: list[Requirement], root: Requirement) -> set[str]:
    """Return every requirement of `root` and of what is locked that the lock leaves to a resolver."""
    found = set()
    for python in PYTHONS:
        for system in SYSTEMS:
            environment = {**system, "python_version": python, "python_full_version": f"{python}.0"}
            pins = {canonicalize_name(one.name): one for one in lock if _applies(one, environment)}
            for asking, asked in _asked([root, *pins.values()], environment):
                pin = pins.get(canonicalize_name(asked.name))
                if pin is None or not _fits(pin, asked):
                    locked = f"{pin.name}{_pinned(pin)}" if pin else "none"
                    found.add(f"{asking} asks for {asked}; locked for Python {python} is {locked}")
    return found


def _asked(asking: list[Requirement], environment: dict[str, str]) -> Iterator[tuple[str, Requirement]]:
    """Yield who asks for what; an extra that asks for extras of its own package is followed."""
    for one in asking:
        try:
            requirements = metadata.requires(one.name) or []
        except metadata.PackageNotFoundError:
            if _applies_here(one):
                raise
            continue  # of another system
        for asked in map(Requirement, requirements):
            if not _applies(asked, environment, one.extras):
                continue
            if canonicalize_name(asked.name) == canonicalize_name(one.name):
                yield from _asked([asked], environment)
            else:
                yield one.name, asked


def _applies(requirement: Requirement, environment: dict[str, str], extras: set[str] = frozenset()) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


def _applies_here(pin: Requirement) -> bool:
    return pin.marker is None or pin.marker.evaluate()


def _fits(pin: Requirement, asked: Requirement) -> bool:
    return asked.extras <= pin.extras and asked.specifier.contains(_version(pin), prereleases=True)


def _version(pin: Requirement) -> str:
    (only,) = pin.specifier
    return only.version


def _pinned(pin: Requirement) -> str:
    extras = f"[{','.join(sorted(pin.extras))}]" if pin.extras else ""
    return f"{extras}=={_version(pin)}"


def imagine_index(lock: list[Requirement], folder: Path) -> str:
    """Fill a folder with empty packages of now and later; return the lock with the hashes of those of now."""
    for installed in metadata.distributions():
        _empty_wheel(folder, installed.metadata, LATER)
    lines = []
    for pin in filter(_applies_here, lock):
        wheel = _empty_wheel(folder, metadata.metadata(pin.name), _version(pin))
        lines.append(f"{pin.name}{_pinned(pin)} --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n")
    return "".join(lines)


def _empty_wheel(folder: Path, package: metadata.PackageMetadata, version: str) -> Path:
    stem = f"{canonicalize_name(package['Name']).replace('-', '_')}-{version}"
    kept = ("Requires-Dist", "Provides-Extra")
    fields = [f"{field}: {value}" for field in kept for value in package.get_all(field) or []]
    fields = ["Metadata-Version: 2.1", f"Name: {package['Name']}", f"Version: {version}", *fields]
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", "\n".join(fields) + "\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def resolve(pip: Path, lock: list[Requirement]) -> str | None:
    """Let a pip resolve the lock in the imagined index; return what it did otherwise, or None."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        index, requirements, report = folder / "index", folder / "lock.txt", folder / "report.json"
        index.mkdir()
        requirements.write_text(imagine_index(lock, index), encoding="utf-8")
        options = ["--isolated", "--quiet", "--dry-run", "--ignore-installed", "--no-index"]
        files = ["--find-links", index, "--report", report, "--require-hashes", "-r", requirements]
        done = subprocess.run(
            [sys.executable, pip / "pip", "install", *options, *files],
            env={**os.environ, "PIP_CONFIG_FILE": os.devnull}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            return done.stderr.strip()
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    found = [one["metadata"] for one in installs]
    picked = {f"{canonicalize_name(one['name'])}=={one['version']}" for one in found}
    expected = {f"{pin.name}=={_version(pin)}" for pin in lock if _applies_here(pin)}
    return f"picked other packages: {sorted(picked ^ expected)}" if picked != expected else None


def main() -> int:
    """Check every lock; print each failure and return 1, or return 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pips", nargs="*", type=Path, help="wheels of pip, or folders that hold its package")
    parser.add_argument("--locks", type=Path, default=Path(__file__).parents[1] / "requirements")
    given = parser.parse_args()
    failures = []
    for name, extras in LOCKED_EXTRAS.items():
        lock = read_lock(given.locks / name)
        open_ones = sorted(unlocked(lock, Requirement(f"edgemnist{extras}")))
        failures += [f"{name}: {requirement}" for requirement in open_ones]
        resolved = [(pip, resolve(pip, lock)) for pip in given.pips]
        failures += [f"{name}: {pip.name}: {failure}" for pip, failure in resolved if failure]
    print(*failures, sep="\n", end="\n" if failures else "")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
