"""How well quantized artifacts agree with Keras, over seeds and numbers of calibration images.

`python -m edgemnist.benchmarks.studies.training.quantization seeds|calibration [--models DIR] [--seeds 0,1]`

The models are those of the default recipe, trained first where DIR does not hold them; each artifact is
compared with its Keras model on the whole test set. The tables are Markdown, for docs/exports.md.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ....runtime.errors import ProofError
from .. import Seeds, parsed_seeds, run_study

if TYPE_CHECKING:
    from ....data.datasets import Dataset
    from ....proof.artifact import Proof
    from ....proof.formats import Format
    from ....proof.parity import Parity

MIN_AGREEMENT, MAX_MEAN_POINTS = 0.9985, 0.05
CALIBRATION_SAMPLES = 1000
SAMPLES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
CALIBRATED = ("int8.tflite", "int8.onnx")
EXIT_PROOF = 3
Models = Annotated[Path, typer.Option(metavar="DIR", help="Where seed0.keras and so on are, or are made.")]


def seeds(models: Models = Path("build/models"), seeds: Seeds = "0,1,2,3,4") -> None:
    """Print agreement and accuracy difference of every quantized format for each seed.

    Exit code 3 if an int8 format agrees on less than 99.85 % for some seed, or its mean accuracy difference
    is more than 0.05 points.
    """
    from ....export.training.data import load_dataset
    from ....proof.formats import FORMATS

    dataset = load_dataset(None)
    paths = _trained(models, seeds, dataset)
    failed = []
    print(f"| format | {' | '.join(path.stem for path in paths)} | worst agreement | mean difference |")
    print(f"|---|{'---|' * len(paths)}---|---|")
    for row in [row for row in FORMATS if row.precision != "float32"]:
        proofs = [_proof(path, row, CALIBRATION_SAMPLES, 0, dataset) for path in paths]
        found = [_losses(one) for proof in proofs if (one := proof.parity)]
        if not found:  # C is proven from the TFLite file that it is made of, where nothing is compiled
            continue
        worst, mean = min(agreement for agreement, _ in found), statistics.mean(points for _, points in found)
        cells = " | ".join(f"{agreement:.2%}, {points:+.2f}" for agreement, points in found)
        print(f"| {row.name} | {cells} | {worst:.2%} | {mean:+.3f} |", flush=True)
        failed += [f"{row.name}: {failure}" for proof in proofs for failure in proof.failures]
        if row.precision == "int8" and (worst < MIN_AGREEMENT or abs(mean) > MAX_MEAN_POINTS):
            failed.append(f"{row.name}: agreement {worst:.2%}, mean difference {mean:+.3f} points")
    print("\n".join(failed) or "all passed")
    if failed:
        sys.exit(EXIT_PROOF)


def calibration(
    models: Models = Path("build/models"),
    seeds: Seeds = "0,1,2,3,4",
    draws: Annotated[int, typer.Option(min=1, help="Random draws of the images for each model.")] = 3,
) -> None:
    """Print agreement and accuracy difference of the int8 formats for each number of calibration images.

    A row is the mean over all models and draws; the worst agreement is the lowest of them.
    """
    from ....export.training.data import load_dataset
    from ....proof.formats import find_format

    dataset = load_dataset(None)
    paths = _trained(models, seeds, dataset)
    for name in CALIBRATED:
        row = find_format(name)
        print(f"\n| images | {name}: mean agreement | worst | mean accuracy difference | from | to |")
        print("|---|---|---|---|---|---|")
        for samples in SAMPLES:
            found = [_proof(path, row, samples, draw, dataset) for path in paths for draw in range(draws)]
            parities = [proof.parity for proof in found if proof.parity is not None]
            agreements, points = zip(*map(_losses, parities), strict=True)
            print(
                f"| {samples:,} | {statistics.mean(agreements):.3%} | {min(agreements):.2%}"
                f" | {statistics.mean(points):+.3f} | {min(points):+.2f} | {max(points):+.2f} |",
                flush=True,
            )


def _trained(folder: Path, seeds: str, dataset: "Dataset") -> list[Path]:
    """Return the models that the default recipe trains from seeds, trained first where they are missing."""
    from ....export.training.data import validated_by_test
    from ....export.training.loop import TrainingRun
    from ....export.training.recipe import NOTEBOOK
    from ....runtime.files import replacing

    paths = []
    for seed in parsed_seeds(seeds):
        path = folder / f"seed{seed}.keras"
        if not path.exists():
            run = TrainingRun(NOTEBOOK, validated_by_test(dataset), seed)
            for epoch in run:
                print(f"seed {seed}, epoch {epoch.number} of {NOTEBOOK.epochs}", end="\r", flush=True)
            with replacing(path) as temporary:
                run.model.save(temporary)
        paths.append(path)
    return paths


def _losses(parity: "Parity") -> tuple[float, float]:
    """Return the agreement with the source model and the points of accuracy that are gained over it."""
    if parity.agreement is None or parity.accuracy_difference is None:
        raise ProofError("MNIST has labels, so there are both")
    return parity.agreement, 100 * parity.accuracy_difference


def _proof(path: Path, row: "Format", samples: int, seed: int, dataset: "Dataset") -> "Proof":
    """Convert a model with calibration images drawn from a seed, and prove the result."""
    from ....export.calibration import choose_calibration
    from ....export.convert.options import ExportOptions
    from ....export.convert.registry import convert
    from ....export.convert.source import load_source
    from ....proof.artifact import prove
    from ....runtime.signature import SignatureOptions

    images = choose_calibration(dataset.train, len(dataset.class_names), samples, seed)
    source = load_source(path, images, SignatureOptions(labels=dataset.class_names))
    reference = source.predictor.predict(dataset.test.array).probabilities
    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder, row.file_name(source.name))
        artifact.write_bytes(convert(row, source, ExportOptions()).content)
        return prove(artifact, row, reference, dataset.test, ours=True)


if __name__ == "__main__":
    run_study(seeds, calibration)
