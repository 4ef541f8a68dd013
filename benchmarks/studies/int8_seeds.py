"""Whether full-integer artifacts stay within the tolerances on models of other seeds.

`python -m edgemnist.benchmarks.studies.int8_seeds [--models DIR] [--seeds 0,1,2,3,4]`

Trains the default recipe from each seed (or takes the models from DIR), exports every quantized format with
the default options, and compares each with its Keras model on the whole test set. The table is Markdown,
for docs/exports.md. Exit code 3 if an int8 format agrees on less than 99.85 % for some seed, or its mean
accuracy difference is more than 0.05 points.
"""

import statistics
import sys
from pathlib import Path
from typing import Annotated

import typer

from .converted import proof_of, source_for, trained_model
from .program import run_study

MIN_AGREEMENT = 0.9985
MAX_MEAN_POINTS = 0.05
CALIBRATION_SAMPLES = 1000
EXIT_PROOF = 3


def main(
    models: Annotated[
        Path, typer.Option(metavar="DIR", help="Where seed0.keras and so on are, or are made.")
    ] = Path("build/models"),
    seeds: Annotated[str, typer.Option(help="Seeds of the models, separated by commas.")] = "0,1,2,3,4",
) -> None:
    """Print agreement and accuracy difference of every quantized format for each seed."""
    from ...export.training.data import load_dataset
    from ...proof.formats import FORMATS

    dataset = load_dataset(None)
    numbers = [int(seed) for seed in seeds.split(",")]
    paths = [trained_model(models, seed, dataset) for seed in numbers]
    broken = []
    print(
        f"| format | {' | '.join(f'seed {seed}' for seed in numbers)} | worst agreement | mean difference |"
    )
    print(f"|---|{'---|' * len(numbers)}---|---|")
    for row in [row for row in FORMATS if row.spec.weights != "float32"]:
        proofs = [proof_of(source_for(path, CALIBRATION_SAMPLES, 0, dataset), row, dataset) for path in paths]
        parities = [proof.parity for proof in proofs if proof.parity is not None]
        worst = min(parity.agreement for parity in parities)
        mean = statistics.mean(100 * parity.accuracy_difference for parity in parities)
        cells = " | ".join(
            f"{parity.agreement:.2%}, {100 * parity.accuracy_difference:+.2f}" for parity in parities
        )
        print(f"| {row.name} | {cells} | {worst:.2%} | {mean:+.3f} |", flush=True)
        broken += [f"{row.name}: {failure}" for proof in proofs for failure in proof.failures]
        if row.precision == "int8" and (worst < MIN_AGREEMENT or abs(mean) > MAX_MEAN_POINTS):
            broken.append(f"{row.name}: agreement {worst:.2%}, mean difference {mean:+.3f} points")
    print("\n".join(broken) or "all within the tolerances")
    if broken:
        sys.exit(EXIT_PROOF)


if __name__ == "__main__":
    run_study(main)
