"""`bench --serial` against firmware on an emulated board, whose serial line is a pty, and wrong ones."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.devices import serial
from edgemnist.benchmarks.devices.serial import Identity, find_model, identify, open_line, run_on_board
from edgemnist.benchmarks.emulation.boards import DEVICES
from edgemnist.benchmarks.emulation.building import FIRMWARE
from edgemnist.benchmarks.emulation.expected import expected_answers
from edgemnist.benchmarks.emulation.model import c_models
from edgemnist.runtime.errors import EngineError, OptionError

_SERIAL_ONLY = ("-display", "none", "-monitor", "none", "-serial", "pty", "-kernel")
HERE = Path(__file__).parent
IDENTITY = b"i 1 mnist.int8 784 10 7 dwt\n"


@pytest.fixture(scope="module")
def c_folder(artifacts, tmp_path_factory) -> Path:
    """The model in C, alone."""
    folder = tmp_path_factory.mktemp("serial")
    for name in (".c", ".h", "_selftest.c", "_host.c", ".tflite"):
        shutil.copy(artifacts / f"mnist.int8{name}", folder)
    return folder


class Board:
    """The other end of a serial line, which answers each line by a function."""

    def __init__(self, answer):
        self._ours, theirs = pty.openpty()
        self.port = os.ttyname(theirs)
        self._theirs, self._answer = theirs, answer
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        kept = b""
        while True:
            try:
                kept += os.read(self._ours, 4096)
            except OSError:
                return
            while b"\n" in kept:
                line, _, kept = kept.partition(b"\n")
                if line and (found := self._answer(line)):
                    os.write(self._ours, found)

    def close(self):
        os.close(self._theirs)
        self._thread.join(10)  # else it reads the next board's line, whose descriptor has the same number
        os.close(self._ours)


@pytest.fixture
def board():
    boards = []

    def made(answer):
        boards.append(Board(answer))
        return boards[-1].port

    yield made
    for each in boards:
        each.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(serial, "_IDENTITY_SECS", 0.2)
    monkeypatch.setattr(serial, "_IDENTITY_TRIES", 3)
    monkeypatch.setattr(serial, "_ANSWER_SECS", 5.0)


def test_a_board_that_was_reset_when_the_port_was_opened_is_asked_again(board):
    answers = iter([b"boot v1.2\r\n", None, IDENTITY])
    with open_line(board(lambda _line: next(answers, IDENTITY)), 115200) as line:
        assert identify(line) == Identity("mnist.int8", 784, 10, 7, "dwt")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "no answer on"),
        (b"hello\n", "does not run the self-test's serial firmware"),
        (b"i 2 x 1 1 1 dwt\n", "another version of the protocol"),
        (b"i 1 x 1 1 1 sundial\n", "does not run the self-test"),
        (b"\xff\x00\x1b[2J\n", "does not run the self-test"),
    ],
)
def test_a_board_that_does_not_serve_the_self_test_is_one_clear_error(board, answer, message):
    with open_line(board(lambda _line: answer), 115200) as line, pytest.raises(EngineError, match=message):
        identify(line)


def test_another_model_or_other_tables_are_refused(c_folder):
    models = c_models([c_folder])
    with pytest.raises(EngineError, match=r"another model; received cat\.int8; expected mnist\.int8"):
        find_model(Identity("cat.int8", 784, 10, 7, "dwt"), models)
    with pytest.raises(EngineError, match=r"the board runs another mnist\.int8; received checksum 7"):
        find_model(Identity("mnist.int8", 784, 10, 7, "dwt"), models)
    for right in serial.checksums_of(models[0].header):
        assert find_model(Identity("mnist.int8", 784, 10, right, "dwt"), models) == models[0]


def test_wrong_answers_are_told_by_their_input(board, c_folder, test_split):
    expected = expected_answers(c_models([c_folder])[0], test_split.array[:3])
    identity = Identity("mnist.int8", 784, 10, 7, "dwt")
    for wrong in (b"r 00 5\n", b"r zz 5\n", b"e other inputs were expected\n"):
        port = board(lambda line, wrong=wrong: b"t 0\n" if line == b"t" else wrong)
        with open_line(port, 115200) as line, pytest.raises(EngineError, match="did not answer input 0"):
            run_on_board(line, identity, expected, 3)


def test_a_port_that_is_none_is_one_clear_error(tmp_path):
    (tmp_path / "file").touch()
    for port, message in ((tmp_path / "none", "cannot open"), (tmp_path / "file", "no serial line")):
        with pytest.raises(EngineError, match=message), open_line(str(port), 115200):
            pass
    with pytest.raises(OptionError, match="no such speed"), open_line("/dev/null", 115201):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(("name", "uart"), [("cortex-m4", 0x4000_4000), ("cortex-m3", 0x4000_4000)])
def test_firmware_on_an_emulated_board_gives_the_references_bytes_and_its_cycles(
    name, uart, c_folder, tmp_path
):
    device = DEVICES[name]
    if device.missing:
        pytest.skip(device.missing)
    places = {"FLASH_START": 0, "FLASH_SIZE": 4 << 20, "RAM_START": 0x2000_0000, "RAM_SIZE": 4 << 20}
    assert (device.memory.flash_start, device.memory.ram_start) == (
        places["FLASH_START"],
        places["RAM_START"],
    )
    sources = [
        FIRMWARE / "startup.c",
        HERE / "uart_mps2.c",
        c_folder / "mnist.int8.c",
        c_folder / "mnist.int8_selftest.c",
    ]
    flags = (
        "-std=c99",
        "-pedantic",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-ffreestanding",
        "-nostdlib",
        f"-I{FIRMWARE}",
    )
    defined = (
        f"-DUART0={uart:#x}u",
        "-DSELFTEST_SERIAL",
        *(f"-Wl,--defsym={key}={value:#x}" for key, value in places.items()),
    )
    script = ("-T", str(FIRMWARE / "cortex_m.ld"))
    subprocess.run(
        [
            device.compiler,
            *device.flags,
            *flags,
            *defined,
            *script,
            *map(str, sources),
            "-lgcc",
            "-o",
            tmp_path / "fw",
        ],
        check=True,
    )
    emulator = subprocess.Popen(
        [*device.emulator, *_SERIAL_ONLY, tmp_path / "fw"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        port = re.search(r"/dev/pts/\d+", emulator.stdout.readline())[0]
        command = [
            "bench",
            "--serial",
            port,
            "--artifacts",
            c_folder,
            "--num-runs",
            "5",
            "--output",
            tmp_path,
        ]
        done = subprocess.run(
            [sys.executable, "-P", "-m", "edgemnist", *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        emulator.kill()
        emulator.communicate()
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "serial.json").read_text())
    assert (found["inputs"], found["agreement"], found["wrong_bytes"], found["self_test"]) == (5, 1.0, 0, 0)
    assert found["counter"] in ("dwt", "systick")
    assert found["accuracy"] >= 0.8
    assert found["cycles"] is None or found["cycles"]["least"] > 1000


def test_the_protocol_is_the_same_on_this_machine(c_folder, tmp_path):
    """The firmware's side, compiled for this machine, whose standard input and output are the line."""
    (tmp_path / "line.c").write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n"
        "int selftest_getchar(void) { int byte = getchar(); if (byte == EOF) exit(0); return byte; }\n"
        "void selftest_putchar(int byte) { putchar(byte); }\n"
        "unsigned selftest_cycles(void) { static unsigned now; return now += 1000; }\n"
    )
    flags = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-DSELFTEST_SERIAL", "-DSELFTEST_CYCLES")
    sources = [c_folder / "mnist.int8.c", c_folder / "mnist.int8_selftest.c", tmp_path / "line.c"]
    subprocess.run(["gcc", *flags, *map(str, sources), "-o", tmp_path / "served"], check=True)
    zeros = np.zeros(784, np.uint8).tobytes().hex()
    lines = ["i", "t", "x", "r 00", "r", f"r {zeros}0", f"r {zeros}", "", "i"]
    done = subprocess.run(
        [tmp_path / "served"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True
    )
    identity, passed, unknown, short, none, long, run, again = done.stdout.splitlines()
    assert identity == again
    name, checksum, counter = re.fullmatch(r"i 1 (\S+) 784 10 (\d+) (\w+)", identity).groups()
    assert (name, counter) == ("mnist.int8", "board")
    assert int(checksum) in serial.checksums_of(c_folder / "mnist.int8.h")
    assert passed == "t 0"
    assert unknown == "e an unknown command"
    assert short == none == long == "e other inputs were expected"
    assert re.fullmatch(r"r [0-9a-f]{20} 1000", run)
