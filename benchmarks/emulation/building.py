"""From C sources to a program for a device, and the memory that the model takes in it.

A tool that does not run or refuses is an `EngineError`.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ...runtime.errors import EngineError
from .boards import Device
from .model import CModel

FIRMWARE = Path(str(resources.files(__package__))) / "firmware"
STANDARD = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
# As projects for small devices build: what is not called takes no flash.
_SECTIONS = ("-ffunction-sections", "-fdata-sections")
_TIMEOUT_SECS = 300.0
_ERROR_LINES = 6
_NAMED = ("counting_begins", "counting_ends", "known_instructions", "known_stack_bytes")


@dataclass(frozen=True, slots=True)
class Program:
    """A program for a device.

    Attributes:
        symbols: The addresses and values that measuring needs, by the names of `firmware/`.
    """

    path: Path
    symbols: dict[str, int]


@dataclass(frozen=True, slots=True)
class Sections:
    """The memory of the model alone, with what it needs of the compiler's library.

    Attributes:
        flash_bytes: Code, constants and initial values.
        static_ram_bytes: Variables.
    """

    flash_bytes: int
    static_ram_bytes: int


def build_harness(device: Device, model: CModel, folder: Path) -> Program:
    """Build the program that runs the model on a file of inputs."""
    files = "files_stdio.c" if device.memory is None else "files_semihosting.c"
    path = folder / "harness"
    definitions = (
        f"-DFUNCTION_PREFIX={model.prefix}",
        f'-DMODEL_HEADER="{model.header.name}"',
        f"-DMACRO_PREFIX={model.prefix.upper()}",
        *(["-DCLASSIFIER"] if model.classifies else []),
    )
    sources = [FIRMWARE / "harness.c", FIRMWARE / files, FIRMWARE / "known.S", model.source]
    _link(device, [*definitions, f"-I{model.source.parent.resolve()}"], sources, path)
    return Program(path, _symbols(device, path))


def build_self_test(device: Device, model: CModel, folder: Path) -> Path:
    """Build the model's own self-test."""
    path = folder / "selftest"
    _link(device, [], [model.self_test, model.source], path)
    return path


def model_sections(device: Device, model: CModel, folder: Path) -> Sections:
    """Link what runs the model alone and return the size of what is in there."""
    path = folder / "model"
    # an operating system brings what the compiler's library calls; a board has nothing, and must need nothing
    lenient = () if device.memory is not None else ("-Wl,--unresolved-symbols=ignore-all",)
    _run(
        [
            *(*_compiler(device), *_SECTIONS, "-nostdlib", "-static"),
            *(f"-Wl,-e,{model.prefix}_run", "-Wl,--gc-sections", "-Wl,--build-id=none"),
            *(*lenient, str(model.source.resolve()), "-lgcc", "-o", str(path)),
        ]
    )
    _, numbers = _run([f"{device.binutils}size", str(path)]).splitlines()[:2]
    text, data, bss = (int(number) for number in numbers.split()[:3])
    return Sections(text + data, data + bss)


def build_counter(folder: Path, plugin_version: int) -> Path:
    """Build the emulator's plugin that counts instructions."""
    path = folder / "counting.so"
    _run(
        [
            *("gcc", "-O2", *STANDARD, "-shared", "-fPIC", "-fvisibility=hidden"),
            *(f"-DPLUGIN_VERSION={plugin_version}", str(FIRMWARE / "counting.c"), "-o", str(path)),
        ]
    )
    return path


def version_of(tool: str) -> str:
    """Return the first line of what a tool says about its version."""
    return _run([tool, "--version"]).splitlines()[0].strip()


def _link(device: Device, options: Sequence[str], sources: Sequence[Path], path: Path) -> None:
    files = [str(source.resolve()) for source in sources]
    command = [*_compiler(device), f"-I{FIRMWARE}", *options]
    memory = device.memory
    if memory is None:
        static = ["-static"] if device.emulator else []
        _run([*command, *static, *files, "-o", str(path)])
        return
    places = {
        "FLASH_START": memory.flash_start,
        "FLASH_SIZE": memory.flash_bytes,
        "RAM_START": memory.ram_start,
        "RAM_SIZE": memory.ram_bytes,
    }
    symbols = (f"-Wl,--defsym={name}={value:#x}" for name, value in places.items())
    script = ("-T", str(FIRMWARE / "cortex_m.ld"), str(FIRMWARE / "startup.c"))
    _run([*command, *symbols, "-nostdlib", *script, *files, "-lgcc", "-o", str(path)])


def _compiler(device: Device) -> tuple[str, ...]:
    freestanding = () if device.memory is None else ("-ffreestanding",)
    return (device.compiler, *device.flags, *STANDARD, *freestanding)


def _symbols(device: Device, path: Path) -> dict[str, int]:
    lines = [line.split() for line in _run([f"{device.binutils}nm", str(path)]).splitlines()]
    found = {name: int(value, 16) for value, *_, name in (line for line in lines if len(line) == 3)}  # noqa: PLR2004
    # bit 0 of a function's address says Thumb
    return {name: found[name] & ~1 if name.startswith("counting") else found[name] for name in _NAMED}


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a compiler, on files that this package or the user names
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_TIMEOUT_SECS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{command[0]} did not run", received=error) from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()[:_ERROR_LINES]
        raise EngineError(f"{command[0]} failed", received=" / ".join(line.strip() for line in lines))
    return done.stdout
