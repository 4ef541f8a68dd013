"""What a camera or a touch pad loses that does not give pictures as MNIST has them.

`python -m edgemnist.benchmarks.studies.pictures.wrong_pictures MODEL`

Changes all 10,000 test images as a careless input would, and prints the accuracy in Markdown, for
docs/boards.md.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from ....data.datasets import load_test_split
from ....runtime import load_predictor
from ...report.units import percent
from .. import run_study

Images = NDArray[np.uint8]
_PIXEL_MAX = 255


def _scaled(images: Images, share: float) -> Images:
    from PIL import Image

    size = images.shape[1]
    drawn = round(share * size)
    first, cut = max(0, (size - drawn) // 2), max(0, (drawn - size) // 2)
    changed = np.zeros_like(images)
    for one, image in zip(changed, images, strict=True):
        small = np.asarray(Image.fromarray(image).resize((drawn, drawn), Image.Resampling.LANCZOS))
        one[first : first + drawn, first : first + drawn] = small[cut : cut + size, cut : cut + size]
    return changed


FAULTS: dict[str, Callable[[Images], Images]] = {
    "none": lambda images: images,
    "1 pixel off the centre": lambda images: np.roll(images, 1, axis=2),
    "2 pixels": lambda images: np.roll(images, 2, axis=2),
    "3 pixels": lambda images: np.roll(images, 3, axis=2),
    "4 pixels": lambda images: np.roll(images, 4, axis=2),
    "digit 17 pixels high instead of 20": partial(_scaled, share=0.85),
    "14 pixels": partial(_scaled, share=0.7),
    "24 pixels": partial(_scaled, share=1.2),
    "ink half as light": lambda images: images // 2,
    "black and white, no grey": lambda images: ((images > _PIXEL_MAX // 2) * _PIXEL_MAX).astype(np.uint8),
    "background at 30, not 0": lambda images: np.maximum(images, np.uint8(30)),
    "rows and columns exchanged": lambda images: images.transpose(0, 2, 1),
    "dark ink on light ground": lambda images: _PIXEL_MAX - images,
}
"""What can be wrong with pictures, and how to make it so."""


def main(model: Annotated[Path, typer.Argument(help="A model file.")]) -> None:
    """Print the accuracy on changed test images."""
    split = load_test_split()
    print("| what is wrong | accuracy |\n|---|---|")
    with load_predictor(model) as predictor:
        for name, change in FAULTS.items():
            answers = predictor.predict(np.ascontiguousarray(change(split.array))).probabilities
            print(f"| {name} | {percent(float((answers.argmax(axis=1) == split.known_labels).mean()))} |")


if __name__ == "__main__":
    run_study(main)
