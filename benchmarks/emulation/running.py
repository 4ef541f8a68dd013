"""Running a device's programs in its emulator, and reading what they leave."""

import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import EngineError
from .boards import Device
from .building import Program, build_counter, version_of

_TIMEOUT_SECS = 1200.0
_SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")
_NO_CONSOLE = ("-display", "none", "-monitor", "none", "-serial", "none")
_OTHER_PLUGINS_FROM = 9  # QEMU 9.0 takes no plugin for version 1 of its interface any more
_CALIBRATING = 2


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the harness left.

    Attributes:
        bytes: (N, output bytes) uint8, raw.
        labels: (N,) uint16; 0 for a model without classes.
        instructions: (N,) int64, of each run of the model; None where nothing counted them.
    """

    bytes: NDArray[np.uint8]
    labels: NDArray[np.uint16]
    stack_bytes: int
    instructions: NDArray[np.int64] | None


def run_harness(
    device: Device, program: Program, folder: Path, inputs: NDArray[np.uint8], *, output_bytes: int
) -> Answers:
    """Run the harness on inputs and read what it leaves.

    It finds and leaves its files in `folder`; `inputs` are (N, input bytes) uint8, raw.

    Raises:
        EngineError: It failed, or what measures it does not measure what is known right.
    """
    (folder / "inputs.bin").write_bytes(inputs.tobytes())
    plugin: tuple[str, ...] = ()
    if device.emulator:
        symbols = program.symbols
        counter = build_counter(folder, _plugin_version(device.emulator[0]))
        between = f"begin={symbols['counting_begins']:#x},end={symbols['counting_ends']:#x}"
        plugin = ("-plugin", f"{counter},{between},output={folder / 'counts.bin'}")
    code = _execute(device, program.path, folder, plugin)
    if code != 0:
        raise EngineError(f"the firmware ended with exit code {code}", expected="0")
    found = np.fromfile(folder / "answers.bin", np.uint8)
    if len(found) != len(inputs) * (output_bytes + 2):
        raise EngineError("the firmware answered for too few inputs", received=f"{len(found)} bytes")
    found = found.reshape(len(inputs), output_bytes + 2)
    return Answers(
        bytes=found[:, :-2],
        labels=np.ascontiguousarray(found[:, -2:]).view("<u2")[:, 0].astype(np.uint16),
        stack_bytes=_stack(folder, program),
        instructions=_instructions(folder, program, len(inputs)) if device.emulator else None,
    )


def run_self_test(device: Device, path: Path, folder: Path) -> int:
    """Run the model's self-test and return its exit code, 0 where the target computes right.

    Raises:
        EngineError: It did not end by itself.
    """
    return _execute(device, path, folder, ())


def _execute(device: Device, path: Path, folder: Path, plugin: tuple[str, ...]) -> int:
    board = (*_NO_CONSOLE, *_SEMIHOSTING, "-kernel") if device.memory is not None else ()
    command = [*device.emulator, *plugin, *board, str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - an emulator of the table, on a program just built
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECS,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{command[0]} did not end within {_TIMEOUT_SECS:g} s") from error
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode < 0:
        name = signal.strsignal(-done.returncode) or "unknown"  # `Signals` does not know all of them
        raise EngineError(
            f"{path.name} died of signal {-done.returncode} ({name})",
            received=" / ".join(said[:3]) or None,
        )
    if said and done.returncode != 0:
        raise EngineError(f"{path.name} complains", received=" / ".join(said[:3]))
    return done.returncode


def _plugin_version(emulator: str) -> int:
    found = re.search(r"version (\d+)\.", version_of(emulator))
    return 1 if found is None or int(found[1]) < _OTHER_PLUGINS_FROM else 2


def _stack(folder: Path, program: Program) -> int:
    figures = np.fromfile(folder / "stack.bin", "<u4").tolist()
    expected = program.symbols["known_stack_bytes"]
    match figures:
        case [known, deepest] if known == expected:
            return int(deepest)
    raise EngineError("the stack is measured wrong", received=figures, expected=f"{expected} bytes first")


def _instructions(folder: Path, program: Program, count: int) -> NDArray[np.int64]:
    """Return what was counted, less what the harness itself adds, which it does for known functions too."""
    counts = np.fromfile(folder / "counts.bin", np.uint64).astype(np.int64)
    expected = program.symbols["known_instructions"]
    if len(counts) != count + _CALIBRATING:
        raise EngineError(
            "the emulator did not count every image", received=f"{len(counts)} counts", expected=count + 2
        )
    around = int(counts[0]) - 1  # `nothing` is one instruction
    if int(counts[1]) - around != expected:
        raise EngineError(
            "the emulator counts wrong", received=f"{int(counts[1]) - around} instructions", expected=expected
        )
    return np.asarray(counts[_CALIBRATING:] - around)
