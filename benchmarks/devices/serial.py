"""A microcontroller on a serial line that serves its self-test: lines of text, cycles by its own counter.

    i                 -> i 1 <model> <input bytes> <output bytes> <checksum of the tables> <counter>
    t                 -> t <result of the self-test, 0 where it passes>
    r <input in hex>  -> r <output in hex> <cycles, 0 where they are not known>

All else is answered by `e <reason>`. The firmware's side is in the `_selftest.c` of every model in C.
"""

import os
import re
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import EngineError, OptionError
from ..emulation.expected import Expected
from ..emulation.model import CModel

PROTOCOL = 1
_IDENTITY_TRIES, _IDENTITY_SECS, _ANSWER_SECS = 12, 1.0, 120.0
_MAX_LINE = 1 << 20
_IDENTITY = re.compile(r"i (\d+) (\S{1,200}) (\d{1,9}) (\d{1,9}) (\d{1,10}) (none|board|dwt|systick)")
_RUN = re.compile(r"r ([0-9a-f]+) (\d{1,10})")
_CHECKSUM = re.compile(r"^#define \w+_CHECKSUM (0x[0-9A-Fa-f]+|\d+)[uUlL]*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a board says of itself.

    Attributes:
        model: The name of its model's file, without the suffix.
        checksum: Of the model's tables, as the board computed it.
        counter: What counts its cycles: "dwt", "systick", "board", or "none".
    """

    model: str
    input_bytes: int
    output_bytes: int
    checksum: int
    counter: str


@dataclass(frozen=True, slots=True, eq=False)
class SerialRun:
    """What a board did.

    Attributes:
        self_test: The result of its self-test, 0 where it passes.
        outputs: (N, output bytes) uint8, raw.
        cycles: (N,) of each run; 0 where they are not known.
    """

    identity: Identity
    self_test: int
    outputs: NDArray[np.uint8]
    cycles: NDArray[np.int64]


class SerialLine:
    """A serial port, in lines of text."""

    def __init__(self, descriptor: int, port: str) -> None:
        self._descriptor, self._port, self._kept = descriptor, port, b""

    def ask(self, line: str, timeout_secs: float = _ANSWER_SECS) -> str:
        """Send a line and return the next one that comes.

        Raises:
            EngineError: None comes in time, it is no text, or the port is gone.
        """
        try:
            self._send(line.encode() + b"\n")
            return self._line(time.monotonic() + timeout_secs)
        except OSError as error:
            raise EngineError(f"{self._port} is gone", received=error.strerror) from error

    def drop(self) -> None:
        """Forget what came before."""
        self._kept = b""
        while self._ready(0.05):
            if not os.read(self._descriptor, 4096):
                return

    def _send(self, content: bytes) -> None:
        while content:
            _, writable, _ = select.select([], [self._descriptor], [], _ANSWER_SECS)
            if not writable:
                raise EngineError(f"{self._port} takes nothing", fix="Check the cable and the board's power.")
            content = content[os.write(self._descriptor, content[:256]) :]

    def _line(self, end: float) -> str:
        while b"\n" not in self._kept:
            if len(self._kept) > _MAX_LINE or not self._ready(end - time.monotonic()):
                raise EngineError(
                    f"no answer on {self._port}",
                    received=repr(self._kept[:40]) if self._kept else None,
                    fix="Check the cable, --baud, and that the board runs the self-test's serial firmware.",
                )
            received = os.read(self._descriptor, 4096)
            if not received:
                raise EngineError(f"{self._port} is gone")
            self._kept += received
        line, _, self._kept = self._kept.partition(b"\n")
        return line.decode("ascii", "replace").strip()

    def _ready(self, secs: float) -> bool:
        return bool(select.select([self._descriptor], [], [], max(0.0, secs))[0])


@contextmanager
def open_line(port: str, baud: int) -> Iterator[SerialLine]:
    """Open a serial port for raw bytes.

    Raises:
        EngineError: There is no such port, it is no serial line, or not this user's.
        OptionError: It has no such speed, or this system no serial lines of this kind.
    """
    if sys.platform != "win32":
        import termios

        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise OptionError("a serial line has no such speed", received=baud, expected="such as 115200")
        try:
            descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise EngineError(
                f"cannot open {port}",
                received=error.strerror,
                fix="Name the board's port; on Linux its users are in the group dialout.",
            ) from error
        try:
            _make_raw(descriptor, speed, port)
            yield SerialLine(descriptor, port)
        finally:
            os.close(descriptor)
    else:
        raise OptionError("serial lines are not supported on this system", fix="Use Linux, macOS or WSL.")


def _make_raw(descriptor: int, speed: int, port: str) -> None:
    if sys.platform != "win32":
        import termios

        try:
            settings = termios.tcgetattr(descriptor)
            control = termios.CS8 | termios.CREAD | termios.CLOCAL
            settings[:6] = [0, 0, control, 0, speed, speed]
            settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
            termios.tcsetattr(descriptor, termios.TCSANOW, settings)
        except termios.error as error:
            raise EngineError(f"{port} is no serial line", received=error.args[-1]) from error


def identify(line: SerialLine) -> Identity:
    """Return what the board says of itself; it may have been reset when the port was opened.

    Raises:
        EngineError: It does not answer as this firmware does.
    """
    answer = ""
    for attempt in range(_IDENTITY_TRIES):
        line.drop()
        try:
            answer = line.ask("\ni", _IDENTITY_SECS)
        except EngineError:
            if attempt == _IDENTITY_TRIES - 1:
                raise
            continue
        if found := _IDENTITY.fullmatch(answer):
            protocol, model, *numbers, counter = found.groups()
            if int(protocol) != PROTOCOL:
                raise EngineError(
                    "the board speaks another version of the protocol", received=protocol, expected=PROTOCOL
                )
            inputs, outputs, checksum = map(int, numbers)
            return Identity(model, inputs, outputs, checksum, counter)
    raise EngineError("the board does not run the self-test's serial firmware", received=repr(answer[:80]))


def find_model(identity: Identity, models: tuple[CModel, ...]) -> CModel:
    """Return the model in C that a board runs.

    Raises:
        EngineError: None has its name, or its tables are others.
    """
    for model in models:
        if model.source.stem != identity.model:
            continue
        expected = checksums_of(model.header)
        if identity.checksum not in expected:
            raise EngineError(
                f"the board runs another {identity.model}",
                received=f"checksum {identity.checksum}",
                expected=" or ".join(map(str, sorted(expected))),
                fix="Build its firmware of the C in this folder, and flash it.",
            )
        return model
    names = ", ".join(model.source.stem for model in models)
    raise EngineError("the board runs another model", received=identity.model, expected=names)


def checksums_of(header: Path) -> frozenset[int]:
    """Return the checksums of a model's tables, of each kind of processor that has its own."""
    return frozenset(int(number, 0) for number in _CHECKSUM.findall(header.read_text(encoding="utf-8")))


def run_on_board(
    line: SerialLine,
    identity: Identity,
    expected: Expected,
    count: int,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> SerialRun:
    """Have a board test itself and run the model on the first inputs.

    Raises:
        EngineError: It answers otherwise than it said, or not at all.
    """
    wanted = expected.inputs[:count]
    if (identity.input_bytes, identity.output_bytes) != (wanted.shape[1], expected.outputs.shape[1]):
        raise EngineError(
            "the board's model has other inputs and outputs",
            received=f"{identity.input_bytes} and {identity.output_bytes} bytes",
            expected=f"{wanted.shape[1]} and {expected.outputs.shape[1]} bytes",
        )
    tested = re.fullmatch(r"t (\d{1,3})", answer := line.ask("t"))
    if tested is None:
        raise EngineError("the board did not test itself", received=repr(answer[:80]))
    outputs = np.zeros((len(wanted), identity.output_bytes), np.uint8)
    cycles = np.zeros(len(wanted), np.int64)
    for number, row in enumerate(wanted):
        answer = line.ask(f"r {row.tobytes().hex()}")
        found = _RUN.fullmatch(answer)
        if found is None or len(found[1]) != 2 * identity.output_bytes:
            raise EngineError(f"the board did not answer input {number}", received=repr(answer[:80]))
        outputs[number] = np.frombuffer(bytes.fromhex(found[1]), np.uint8)
        cycles[number] = int(found[2])
        report(number + 1, len(wanted))
    return SerialRun(identity, int(tested[1]), outputs, cycles)
