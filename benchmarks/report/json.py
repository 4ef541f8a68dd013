"""`bench.json`: the figures, everything they depend on, and the raw samples they were computed from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from ...data.datasets import Split
from ...runtime.artifact.documents import encode
from ...runtime.errors import ArtifactNotFoundError
from ...runtime.files import write_text
from ..analysis.comparisons import Comparison
from ..analysis.metrics import ResultRow
from ..analysis.results import Results
from ..emulation.metrics import DeviceMetrics, DeviceRow
from ..runner.collect import Collection, Measurement
from ..runner.processes import MEASURED
from .compact_arrays import encode_array
from .document import REPORT


def to_document(
    results: Results, collection: Collection, split: Split, verdicts: tuple[str, ...]
) -> dict[str, Any]:
    """Return the benchmark as the JSON object that `document.Bench` describes."""
    return {
        "schema_version": REPORT.version,
        "created": results.created,
        "elapsed_secs": results.elapsed_secs,
        "machine": asdict(results.machine) | {"load_before": results.load_before},
        "plan": asdict(results.plan),
        "images": results.images,
        "images_sha256": results.images_sha256,
        "labels": encode_array(split.known_labels),
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
    """Check a document and write it.

    Raises:
        ArtifactError: It is not as its type has it.
        OutputError: It cannot be written.
    """
    text = encode(document)
    REPORT.decode(text.encode(), path)
    write_text(path, text)


def read_document(path: Path) -> dict[str, Any]:
    """Read and check a `bench.json`.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is not JSON, not as its type has it, or written by a newer version.
    """
    try:
        document = REPORT.read(path)
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(
            f"no such file: {path}", fix="`edgemnist bench` writes bench.json."
        ) from error
    return cast("dict[str, Any]", json.loads(encode(document)))


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
