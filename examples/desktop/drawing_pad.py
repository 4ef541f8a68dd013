"""A window to draw a digit in, which says what it is while it is being drawn.

    python examples/desktop/drawing_pad.py --artifacts artifacts

Needs `pip install 'edgemnist[image]'` and a Python with tkinter (on Debian: apt-get install python3-tk).
"""

import tkinter as tk
from pathlib import Path
from tkinter import ttk
from typing import Annotated

import typer
from PIL import Image, ImageDraw

from edgemnist.runtime import PictureOptions, Prediction, Predictor, load_predictor
from edgemnist.runtime.errors import InputError

SIDE = 280
PEN = 22  # pixels; a stroke of MNIST is about a twelfth of its image wide
BAR_LENGTH = 120
INK, GROUND, ACCENT = "white", "black", "#2a6fdb"
NOTHING = "Draw a digit"


class Drawing:
    """What was drawn, as a picture: white strokes on black."""

    def __init__(self) -> None:
        self.picture = Image.new("L", (SIDE, SIDE), 0)
        self._pen = ImageDraw.Draw(self.picture)
        self._last: tuple[int, int] | None = None

    def pen_at(self, x: int, y: int) -> tuple[int, int]:
        """Draw from where the pen was last, if it was down; return where it was."""
        last = self._last or (x, y)
        self._pen.line([last, (x, y)], fill=255, width=PEN)
        self._pen.ellipse([x - PEN // 2, y - PEN // 2, x + PEN // 2, y + PEN // 2], fill=255)
        self._last = (x, y)
        return last

    def pen_up(self) -> None:
        """End a stroke."""
        self._last = None


class Pad(ttk.Frame):
    """The window's content: a canvas, the answer, a bar per class, and a button that clears it all.

    Attributes:
        canvas: Where to draw.
        answer: The text shown.
        clear_button: The button.
    """

    def __init__(self, parent: tk.Misc, predictor: Predictor) -> None:
        super().__init__(parent, padding=12)
        self._predictor = predictor
        self._drawing = Drawing()
        self.answer = tk.StringVar(value=NOTHING)
        self.canvas = tk.Canvas(self, width=SIDE, height=SIDE, background=GROUND, highlightthickness=0)
        self.clear_button = ttk.Button(self, text="Clear", command=self.clear)
        self._bars = tk.Canvas(self, width=BAR_LENGTH + 60, height=SIDE, highlightthickness=0)
        self.canvas.grid(row=0, column=0, rowspan=1)
        self._bars.grid(row=0, column=1, padx=(12, 0))
        ttk.Label(self, textvariable=self.answer, font=("TkDefaultFont", 16)).grid(
            row=1, column=0, sticky="w", pady=(12, 0)
        )
        self.clear_button.grid(row=1, column=1, sticky="e", pady=(12, 0))
        self.canvas.bind("<Button-1>", self._draw)
        self.canvas.bind("<B1-Motion>", self._draw)
        self.canvas.bind("<ButtonRelease-1>", self._lift)

    @property
    def picture(self) -> Image.Image:
        """What was drawn."""
        return self._drawing.picture

    def clear(self) -> None:
        """Start anew."""
        self._drawing = Drawing()
        self.canvas.delete("all")
        self._bars.delete("all")
        self.answer.set(NOTHING)

    def _draw(self, event: "tk.Event[tk.Canvas]") -> None:
        last = self._drawing.pen_at(event.x, event.y)
        self.canvas.create_line(*last, event.x, event.y, fill=INK, width=PEN, capstyle=tk.ROUND)
        self._classify()

    def _lift(self, _event: "tk.Event[tk.Canvas]") -> None:
        self._drawing.pen_up()

    def _classify(self) -> None:
        """Show what the drawing is; a prediction takes a few milliseconds, so no thread is needed."""
        try:
            prediction = self._predictor.predict(self._drawing.picture)[0]
        except InputError:  # nothing that could be seen was drawn
            return
        self.answer.set(f"{prediction.label}  ({prediction.confidence:.0%})")
        self._show_bars(prediction)

    def _show_bars(self, prediction: Prediction) -> None:
        self._bars.delete("all")
        step = SIDE / len(prediction.class_names)
        for row, (name, share) in enumerate(
            zip(prediction.class_names, prediction.probabilities.tolist(), strict=True)
        ):
            middle = (row + 0.5) * step
            self._bars.create_text(10, middle, text=name)
            self._bars.create_rectangle(
                24, middle - step / 4, 24 + share * BAR_LENGTH, middle + step / 4, fill=ACCENT, width=0
            )


def main(
    artifacts: Annotated[Path, typer.Option(help="The folder of the artifacts.")] = Path("artifacts"),
    model: Annotated[str, typer.Option(help="The artifact.")] = "mnist.float32.onnx",
) -> None:
    """Open the window."""
    with load_predictor(artifacts / model, pictures=PictureOptions(polarity="light")) as predictor:
        window = tk.Tk(className="Digits")
        window.title("Digits")
        window.resizable(width=False, height=False)
        Pad(window, predictor).grid()
        window.mainloop()


if __name__ == "__main__":
    typer.run(main)
