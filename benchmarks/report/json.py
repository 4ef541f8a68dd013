"""`bench.json`: the figures, everything they depend on, and the raw samples they were computed from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...data.datasets import Split
from ...runtime.artifact.documents import DocumentKind
from ...runtime.errors import ArtifactError, ArtifactNotFoundError
from ...runtime.files import write_text
from ...runtime.printable import json_text
from ...runtime.reading import read_json
from ..analysis.comparisons import Comparison
from ..analysis.metrics import ResultRow
from ..analysis.results import Results
from ..emulation.metrics import DeviceMetrics, DeviceRow
from ..runner.collect import Collection, Measurement
from ..runner.processes import MEASURED
from .compact_arrays import encode_array

SCHEMA_VERSION = 1
REPORT = DocumentKind(
    "a benchmark report",
    SCHEMA_VERSION,
    __package__,
    "bench.schema.json",
    ArtifactError,
    "`edgemnist bench` writes one.",
)
_BATCH = "batch_"
_LARGEST_NS = 1e15  # eleven days


def to_document(
    results: Results, collection: Collection, split: Split, verdicts: tuple[str, ...]
) -> dict[str, Any]:
    """Return the benchmark as one JSON object that keeps `bench.schema.json`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "created": results.created,
        "elapsed_secs": results.elapsed_secs,
        "machine": asdict(results.machine) | {"load_before": results.load_before},
        "plan": asdict(results.plan),
        "images": results.images,
        "images_sha256": results.images_sha256,
        "labels": encode_array(split.labels),
        "reference": results.reference,
        "verdicts": list(verdicts),
        "doubts": [{"code": one.code, "target": one.case, "text": one.text} for one in results.warnings],
        "notes": list(results.notes),
        "comparisons": [_comparison(one) for one in results.comparisons],
        "rows": [
            _row(row, measured) for row, measured in zip(results.rows, collection.measurements, strict=True)
        ],
        "devices": [_device(row) for row in results.devices],
    }


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Check a document against the schema and write it.

    Raises:
        ArtifactError: It is not as the schema says.
        OutputError: It cannot be written.
    """
    text = json_text(document) + "\n"
    REPORT.check(json.loads(text), path)
    write_text(path, text)


def read_document(path: Path) -> dict[str, Any]:
    """Read and check a `bench.json`.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is not JSON, not as the schema says, or written by a newer version.
    """
    try:
        document = read_json(path)
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(
            f"no such file: {path}", fix="`edgemnist bench` writes bench.json."
        ) from error
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{path} cannot be read as JSON", received=error) from error
    REPORT.check(document, path)
    checked: dict[str, Any] = document
    for row in checked["rows"]:
        _check_figures(row, checked["images"], path)
    return checked


def _check_figures(row: dict[str, Any], images: int, path: Path) -> None:
    """Check what no schema can, so that two reports can be compared."""
    figures, predicted = row["figures"], row["predicted"]
    measured = row["status"] == MEASURED
    complete = figures is not None and predicted is not None and predicted["count"] == images
    times = [figures["end_to_end"]["p50_ns"], *figures["end_to_end"]["round_p50_ns"]] if figures else []
    if (
        measured != (figures is not None)
        or (measured and not complete)
        or not all(0 < one < _LARGEST_NS for one in times)
    ):
        raise ArtifactError(
            f"{path} is not {REPORT.name}",
            received=f"figures of {row['file']} ({row['engine']}) that do not fit together",
            fix=REPORT.fix,
        )


def _row(row: ResultRow, measured: Measurement) -> dict[str, Any]:
    target = row.case
    answers = {number: one for number, one in measured.rounds.items() if one.status == MEASURED}
    return {
        "file": target.name,
        "engine": target.engine,
        "format": target.format,
        "precision": target.precision,
        "size_bytes": target.size_bytes,
        "sha256": target.sha256,
        "status": row.status,
        "reason": row.reason,
        "figures": asdict(row.metrics) if row.metrics else None,
        "predicted": encode_array(_predicted(measured)) if row.metrics else None,
        "rounds": [
            {
                "round": number,
                **(asdict(answer.facts) if answer.facts else {}),
                "samples_ns": {
                    name.removesuffix("_ns"): encode_array(samples)
                    for name, samples in answer.arrays.items()
                    if name.endswith("_ns")
                },
            }
            for number, answer in answers.items()
        ],
    }


def _device(row: DeviceRow) -> dict[str, Any]:
    outcome, device, run = row.outcome, row.outcome.device, row.outcome.run
    counts = None if run is None else run.answers.instructions
    return {
        "file": outcome.model.source.name,
        "sha256": outcome.model.sha256,
        "target": device.name,
        "title": device.title,
        "compiler": [device.compiler, *device.flags],
        "emulator": list(device.emulator),
        "compiler_version": None if run is None else run.compiler,
        "emulator_version": None if run is None else run.emulator,
        "status": outcome.status,
        "reason": outcome.reason,
        "figures": _device_metrics(row.metrics) if row.metrics else None,
        "predicted": None if run is None else encode_array(run.answers.labels),
        "instructions": None if counts is None else encode_array(counts),
    }


def _device_metrics(figures: DeviceMetrics) -> dict[str, Any]:
    document = asdict(figures) | {"exact": figures.exact}
    if figures.footprint is not None:
        document["footprint"]["ram_bytes"] = figures.footprint.ram_bytes
    return document


def _predicted(measured: Measurement) -> Any:
    return next(iter(measured.rounds.values())).arrays["probabilities"].argmax(axis=1)


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "target": comparison.case.title,
        "base": comparison.base.title,
        "size_ratio": comparison.size_ratio,
        "speed": asdict(comparison.speed) | {"differs": comparison.speed.differs},
        "parity": asdict(comparison.parity) if comparison.parity else None,
    }
