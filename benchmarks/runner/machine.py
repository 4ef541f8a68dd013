"""The machine that measures: what it is, how its clock is governed, how busy it is, what is installed."""

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ...runtime.artifact.manifest import Positive
from ...runtime.process import usable_cpu_count

_PACKAGES = (
    "edgemnist",
    "numpy",
    "onnxruntime",
    "ai-edge-litert",
    "tensorflow",
    "keras",
    "scipy",
    "wasmtime",
)
_CPUINFO = Path("/proc/cpuinfo")
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")


@dataclass(frozen=True, slots=True)
class Machine:
    """What metrics depend on besides the model.

    Attributes:
        cores: CPUs that this process may use.
        governor: The frequency governor, or None where the system does not tell (as in virtual machines).
        virtual: Whether the CPU says it is a virtual machine's; None where it cannot be known.
        max_frequency_khz: The highest frequency the governor may choose, or None.
    """

    cpu: str
    architecture: str
    cores: Positive
    system: str
    python: str
    governor: str | None
    virtual: bool | None
    versions: dict[str, str]
    max_frequency_khz: int | None = None


def describe_machine() -> Machine:
    """Describe this machine, without importing any engine."""
    frequency = _read(_CPUFREQ / "scaling_max_freq")
    pairs = (line.partition(":") for line in (_read(_CPUINFO) or "").splitlines())
    cpuinfo = {key.strip(): value.strip() for key, colon, value in pairs if colon}
    # Linux calls the name "model name" on x86 and "Model" on a Raspberry Pi.
    names = [cpuinfo[key] for key in ("model name", "Model", "Hardware") if key in cpuinfo]
    return Machine(
        cpu=names[0] if names else platform.processor() or platform.machine(),
        architecture=platform.machine(),
        cores=usable_cpu_count(),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        governor=_read(_CPUFREQ / "scaling_governor"),
        virtual="hypervisor" in cpuinfo["flags"].split() if "flags" in cpuinfo else None,
        versions=installed_versions(),
        max_frequency_khz=int(frequency) if frequency else None,
    )


def load_average() -> float | None:
    """Return how many processes wanted a CPU during the last minute, or None where it is not known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def installed_versions(packages: tuple[str, ...] = _PACKAGES) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
