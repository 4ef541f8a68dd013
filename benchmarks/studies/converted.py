"""What the studies of quantization share: models of the default recipe, and the proof of a conversion."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...data.datasets import Dataset
    from ...export.convert.source import Source
    from ...proof.artifact import Proof
    from ...proof.formats import Format


def trained_model(folder: Path, seed: int, dataset: "Dataset") -> Path:
    """Return the model that the default recipe trains from a seed, trained first if it is not there."""
    from ...export.training.data import validated_by_test
    from ...export.training.loop import TrainingRun
    from ...export.training.recipe import NOTEBOOK
    from ...runtime.files import replacing

    path = folder / f"seed{seed}.keras"
    if not path.exists():
        run = TrainingRun(NOTEBOOK, validated_by_test(dataset), seed)
        for epoch in run:
            print(f"seed {seed}, epoch {epoch.number} of {NOTEBOOK.epochs}", end="\r", flush=True)
        with replacing(path) as temporary:
            run.model.save(temporary)
    return path


def source_for(path: Path, samples: int, seed: int, dataset: "Dataset") -> "Source":
    """Return a model with calibration images drawn from a seed."""
    from ...export.calibration import choose_calibration
    from ...export.convert.source import load_source

    calibration = choose_calibration(dataset.train, len(dataset.class_names), samples, seed)
    return load_source(path, calibration, dataset.class_names)


def proof_of(source: "Source", row: "Format", dataset: "Dataset") -> "Proof":
    """Convert a model and prove the result."""
    from ...export.convert.options import ExportOptions
    from ...export.convert.registry import convert
    from ...proof.artifact import prove

    reference = source.predictor.predict(dataset.test.images).probabilities
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, row.file_name(source.name))
        path.write_bytes(convert(row, source, ExportOptions()).content)
        return prove(path, row, reference, dataset.test, ours=True)
