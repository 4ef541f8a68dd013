"""How many calibration images full-integer quantization needs.

`python -m edgemnist.benchmarks.studies.calibration [--models DIR] [--model-seeds 0,1,2,3,4] [--draws 3]`

Each model of the default recipe is quantized with 10 to 5,000 training images, several random draws each, and
compared with Keras on the whole test set. A row of the table is the mean over all models and draws; the worst
agreement is the lowest of them. The table is Markdown, for docs/exports.md.
"""

import statistics
from pathlib import Path
from typing import Annotated

import typer

from .converted import proof_of, source_for, trained_model
from .program import run_study

SAMPLES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
FORMATS = ("int8.tflite", "int8.onnx")


def main(
    models: Annotated[
        Path, typer.Option(metavar="DIR", help="Where seed0.keras and so on are, or are made.")
    ] = Path("build/models"),
    model_seeds: Annotated[str, typer.Option(help="Seeds of the models, separated by commas.")] = "0,1,2,3,4",
    draws: Annotated[int, typer.Option(min=1, help="Random draws of the images for each model.")] = 3,
) -> None:
    """Print agreement and accuracy difference for each number of calibration images."""
    from ...export.training.data import load_dataset
    from ...proof.formats import find_format

    dataset = load_dataset(None)
    paths = [trained_model(models, int(seed), dataset) for seed in model_seeds.split(",")]
    for name in FORMATS:
        row = find_format(name)
        print(f"\n| images | {name}: mean agreement | worst | mean accuracy difference | from | to |")
        print("|---|---|---|---|---|---|")
        for samples in SAMPLES:
            found = [
                proof_of(source_for(path, samples, draw, dataset), row, dataset).parity
                for path in paths
                for draw in range(draws)
            ]
            parities = [parity for parity in found if parity is not None]
            agreements = [parity.agreement for parity in parities]
            points = [100 * parity.accuracy_difference for parity in parities]
            print(
                f"| {samples:,} | {statistics.mean(agreements):.3%} | {min(agreements):.2%}"
                f" | {statistics.mean(points):+.3f} | {min(points):+.2f} | {max(points):+.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    run_study(main)
