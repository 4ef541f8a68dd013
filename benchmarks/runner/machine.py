"""The machine that measures: what it is, how its clock is governed, how busy it is, what is installed."""

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

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
        cpu: The CPU's model name.
        architecture: Such as "x86_64" or "aarch64".
        cores: CPUs that this process may use.
        system: Operating system and release.
        python: Version and implementation.
        governor: The frequency governor, or None where the system does not tell (as in virtual machines).
        max_frequency_khz: The highest frequency the governor may choose, or None.
        virtual: Whether the CPU says it is a virtual machine's; None where it cannot be known.
        versions: Installed versions of the packages that matter, by distribution name.
    """

    cpu: str
    architecture: str
    cores: int
    system: str
    python: str
    governor: str | None
    max_frequency_khz: int | None
    virtual: bool | None
    versions: dict[str, str]


def describe_machine() -> Machine:
    """Describe this machine, without importing any engine."""
    frequency = _read(_CPUFREQ / "scaling_max_freq")
    return Machine(
        cpu=_cpu_name(),
        architecture=platform.machine(),
        cores=usable_cpu_count(),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        governor=_read(_CPUFREQ / "scaling_governor"),
        max_frequency_khz=int(frequency) if frequency else None,
        virtual=_is_virtual(),
        versions=installed_versions(),
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


def _cpu_name() -> str:
    """Return the model's name: Linux calls it "model name" on x86 and "Model" on a Raspberry Pi."""
    fields = _cpuinfo()
    for key in ("model name", "Model", "Hardware"):
        if key in fields:
            return fields[key]
    return platform.processor() or platform.machine()


def _is_virtual() -> bool | None:
    flags = _cpuinfo().get("flags")
    return None if flags is None else "hypervisor" in flags.split()


def _cpuinfo() -> dict[str, str]:
    text = _read(_CPUINFO) or ""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
