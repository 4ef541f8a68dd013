"""How well digits of printed fonts are read, and what of the errors is the finding and fitting's share.

`python -m edgemnist.benchmarks.studies.pictures.fonts [--model FILE] [--fonts DIR] [--rounds N]`

Each digit of each font is drawn at a random size and place on a page of random tones, dark on light and light
on dark, and given to `predict` as a picture. The same glyph drawn large in pure white on black shows what the
network makes of it when there is nothing to find. The network learned handwriting: fonts with serifs, bold
strokes or a closed 4 are not what it was trained for.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageDraw, ImageFont

from ....runtime import PictureOptions, Predictor, load_predictor
from .. import run_study

SIZES = (24, 40, 80, 160, 300)
_CLEAN_SIZE = 300
_DIGITS = "0123456789"
_SYMBOL_FONTS = ("cmex10", "cmsy10")  # of matplotlib's: other signs stand where digits belong


@dataclass(frozen=True, slots=True)
class Case:
    """One digit to read."""

    digit: str
    font: Path
    size: int
    dark: bool


def matplotlib_fonts() -> Path:
    """Return the folder of the fonts that come with matplotlib."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def fonts_in(folder: Path) -> list[Path]:
    """Return the font files below a folder that have ten different digits, sorted by name."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in (".ttf", ".otf"))
    return sorted(file for file in files if file.stem not in _SYMBOL_FONTS and _has_digits(file))


def cases(fonts: list[Path], random: Random) -> list[Case]:
    """Return every digit of every font, dark and light, each at a random size."""
    return [
        Case(digit, font, random.choice(SIZES), dark)
        for digit in _DIGITS
        for font in fonts
        for dark in (True, False)
    ]


def on_a_page(case: Case, random: Random) -> Image.Image:
    """Draw a digit somewhere on a page of paper."""
    size = case.size
    face = ImageFont.truetype(case.font, size)
    left, top, right, bottom = face.getbbox(case.digit)
    margin = max(3, size // 8)
    width = int(right - left) + 2 * margin + random.randrange(2 * size)
    height = int(bottom - top) + 2 * margin + random.randrange(size)
    paper, ink = random.randint(200, 255), random.randint(0, 80)
    if not case.dark:
        paper, ink = ink // 2, paper
    page = Image.new("L", (width, height), paper)
    x = random.randint(margin, int(width - margin - (right - left))) - left
    y = random.randint(margin, int(height - margin - (bottom - top))) - top
    ImageDraw.Draw(page).text((x, y), case.digit, font=face, fill=ink)
    return page


def clean(case: Case) -> Image.Image:
    """Draw a digit alone, large, white on black."""
    face = ImageFont.truetype(case.font, _CLEAN_SIZE)
    page = Image.new("L", (2 * _CLEAN_SIZE, 2 * _CLEAN_SIZE), 0)
    middle = (_CLEAN_SIZE, _CLEAN_SIZE)
    ImageDraw.Draw(page).text(middle, case.digit, font=face, fill=255, anchor="mm")
    return page


def right(predictor: Predictor, drawn: list[Case], pictures: list[Image.Image]) -> list[bool]:
    """Return for each picture whether its digit is read."""
    names = [prediction.label for prediction in predictor.predict(pictures)]
    return [name == case.digit for name, case in zip(names, drawn, strict=True)]


def _has_digits(file: Path) -> bool:
    try:
        face = ImageFont.truetype(file, SIZES[-1])
        masks = [face.getmask(digit) for digit in _DIGITS]
    except OSError:
        return False
    different = {bytes(mask) for mask in masks if mask.getbbox()}  # what a font lacks is drawn as one box
    return len(different) == len(_DIGITS)


def main(
    model: Annotated[Path, typer.Option(metavar="FILE", help="The model.")] = Path(
        "artifacts/mnist.float32.onnx"
    ),
    fonts: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of fonts. Default: matplotlib's.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each digit is drawn anew.")] = 5,
) -> None:
    """Print the share of digits read, in all and by digit, font, size and polarity."""
    files = fonts_in(fonts or matplotlib_fonts())
    if not files:
        raise SystemExit("no fonts with digits there")
    random = Random(0)  # noqa: S311 - not for secrets
    drawn = [case for _ in range(rounds) for case in cases(files, random)]
    with load_predictor(model) as predictor:
        read = right(predictor, drawn, [on_a_page(case, random) for case in drawn])
    distinct = [case for case in drawn[: len(drawn) // rounds] if case.dark]
    with load_predictor(model, pictures=PictureOptions(polarity="light")) as predictor:
        ideal = np.mean(right(predictor, distinct, [clean(case) for case in distinct]))
    print(f"{len(files)} fonts, {len(drawn):,} pictures: {np.mean(read):.1%} read; clean glyphs: {ideal:.1%}")
    for title, key in (
        ("digit", lambda case: case.digit),
        ("size", lambda case: str(case.size)),
        ("polarity", lambda case: "dark" if case.dark else "light"),
        ("font", lambda case: case.font.stem),
    ):
        seen = Counter(key(case) for case in drawn)
        hits = Counter(key(case) for case, was in zip(drawn, read, strict=True) if was)
        print(f"\nby {title}:", "  ".join(f"{name} {hits[name] / seen[name]:.1%}" for name in seen))


if __name__ == "__main__":
    run_study(main)
