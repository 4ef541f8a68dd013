"""The drawing pad's real window, driven by events of a mouse.

Needs a display: the one in DISPLAY, or Xvfb, which is started here.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

tk = pytest.importorskip("tkinter", reason="this Python has no tkinter", exc_type=ImportError)

SEVEN = [(70, 60), (130, 55), (205, 60), (170, 120), (145, 175), (125, 235)]
ONE = [(140, 40), (140, 140), (140, 240)]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if os.environ.get("DISPLAY"):
        yield os.environ["DISPLAY"]
        return
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        pytest.skip("no DISPLAY and no Xvfb: apt-get install xvfb")
    readable, writable = os.pipe()
    with subprocess.Popen(
        [xvfb, "-displayfd", str(writable), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=[writable],
        stderr=subprocess.DEVNULL,
    ) as server:
        os.close(writable)
        with os.fdopen(readable) as numbers:
            yield f":{numbers.readline().strip()}"
        server.terminate()


@pytest.fixture(scope="module")
def module(examples: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("drawing_pad", examples / "desktop/drawing_pad.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def pad(display: str, module: ModuleType, artifacts: Path):
    from edgemnist.runtime import PictureOptions, load_predictor

    predictor = load_predictor(artifacts / "mnist.float32.onnx", pictures=PictureOptions(polarity="light"))
    window = tk.Tk(screenName=display)
    pad = module.Pad(window, predictor)
    pad.grid()
    window.update()
    yield pad
    window.destroy()


def draw(pad, points: list[tuple[int, int]]) -> None:
    """Move the mouse along points with its button down, in small steps."""
    (x, y), *others = points
    pad.canvas.event_generate("<Button-1>", x=x, y=y)
    for next_x, next_y in others:
        for step in range(1, 6):
            at = (x + (next_x - x) * step // 5, y + (next_y - y) * step // 5)
            pad.canvas.event_generate("<B1-Motion>", x=at[0], y=at[1])
        x, y = next_x, next_y
    pad.canvas.event_generate("<ButtonRelease-1>", x=x, y=y)
    pad.update()


def test_an_empty_pad_asks_for_a_digit(pad, module):
    assert pad.answer.get() == module.NOTHING


@pytest.mark.parametrize(("label", "stroke"), [("7", SEVEN), ("1", ONE)])
def test_the_window_says_what_was_drawn(pad, label, stroke):
    draw(pad, stroke)
    assert pad.answer.get().split()[0] == label
    assert pad.canvas.find_all()


def test_strokes_are_not_joined(pad):
    draw(pad, [(60, 60), (60, 200)])
    draw(pad, [(220, 60), (220, 200)])
    middle = pad.picture.crop((100, 0, 180, 280))
    assert middle.getextrema() == (0, 0)


def test_clear_starts_anew(pad, module):
    draw(pad, ONE)
    pad.clear_button.invoke()
    pad.update()
    assert pad.answer.get() == module.NOTHING
    assert not pad.canvas.find_all()
    draw(pad, SEVEN)
    assert pad.answer.get().split()[0] == "7"


def test_the_documented_command_opens_the_window(display: str, examples: Path, artifacts: Path):
    command = [sys.executable, examples / "desktop/drawing_pad.py", "--artifacts", artifacts]
    watcher = tk.Tk(screenName=display, className="watcher")
    with subprocess.Popen(command, env={**os.environ, "DISPLAY": display}) as process:
        deadline = time.monotonic() + 120
        while (
            "digits" not in watcher.winfo_interps() and time.monotonic() < deadline and process.poll() is None
        ):
            time.sleep(0.1)
        found = watcher.winfo_interps()  # the Tk applications that show a window here
        process.terminate()
    watcher.destroy()
    assert "digits" in found
