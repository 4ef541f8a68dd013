"""Pictures of three shapes as PNG files, and a small Keras network that learns to tell them apart.

`draw FOLDER` stands in for the pictures that you have; `train FOLDER MODEL` is Keras as anybody writes it.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "square", "triangle")
SIZE = 32


def draw(folder: Path, count: int) -> None:
    """Write so many training pictures of each shape, and a third as many to test with."""
    rng = np.random.default_rng(0)
    for part, pictures in (("train", count), ("test", count // 3)):
        for shape in SHAPES:
            target = folder / part / shape
            target.mkdir(parents=True, exist_ok=True)
            for number in range(pictures):
                _picture(shape, rng).save(target / f"{number:04}.png")


def _picture(shape: str, rng: np.random.Generator) -> Image.Image:
    noise = rng.integers(0, 90, (SIZE, SIZE, 3), np.uint8)
    picture = Image.fromarray(noise)
    brush = ImageDraw.Draw(picture)
    colour = tuple(rng.integers(110, 256, 3).tolist())
    radius = int(rng.integers(6, 12))
    x, y = rng.integers(radius, SIZE - radius, 2).tolist()
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circle":
        brush.ellipse(box, fill=colour)
    elif shape == "square":
        brush.rectangle(box, fill=colour)
    else:
        brush.polygon(((x, y - radius), (x - radius, y + radius), (x + radius, y + radius)), fill=colour)
    return picture


def train(folder: Path, model_path: Path, epochs: int) -> None:
    """Train on the folder `train`, and save the model."""
    import keras

    keras.utils.set_random_seed(0)
    pictures = keras.utils.image_dataset_from_directory(
        folder / "train", image_size=(SIZE, SIZE), batch_size=32, seed=0
    )
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(24, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(24, activation="relu"),
            keras.layers.Dense(len(SHAPES), activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(pictures, epochs=epochs, verbose=2)
    model.save(model_path)


def main() -> None:
    """Run one of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    drawing = steps.add_parser("draw", help="write pictures")
    drawing.add_argument("folder", type=Path)
    drawing.add_argument("--count", type=int, default=300, help="training pictures of each shape")
    training = steps.add_parser("train", help="train a network")
    training.add_argument("folder", type=Path)
    training.add_argument("model", type=Path)
    training.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    if options.step == "draw":
        draw(options.folder, options.count)
    else:
        train(options.folder, options.model, options.epochs)


if __name__ == "__main__":
    main()
