"""`bench.json`: the figures, everything they depend on, and the raw samples they were computed from."""

from dataclasses import asdict
from typing import Any

from .collect import Collection, Measured
from .results import Results, Row
from .samples import encode_samples

SCHEMA_VERSION = 1
_SAMPLES = ("warmup_ns", "latency_ns", "bare_ns")


def to_document(results: Results, collection: Collection) -> dict[str, Any]:
    """Return the benchmark as one JSON object."""
    return {
        "schema_version": SCHEMA_VERSION,
        "created": results.created,
        "elapsed_secs": results.elapsed_secs,
        "machine": asdict(results.machine) | {"load_before": collection.load_before},
        "plan": asdict(results.plan),
        "images": results.images,
        "reference": results.reference,
        "notes": list(results.notes),
        "rows": [
            _row(row, measured) for row, measured in zip(results.rows, collection.measured, strict=True)
        ],
    }


def _row(row: Row, measured: Measured) -> dict[str, Any]:
    target = row.target
    return {
        "file": target.name,
        "engine": target.engine,
        "format": target.format,
        "precision": target.precision,
        "size_bytes": target.size_bytes,
        "sha256": target.sha256,
        "status": row.status,
        "reason": row.reason,
        "figures": asdict(row.figures) if row.figures else None,
        "rounds": [
            {
                "round": number,
                **answer.facts,
                **{name: encode_samples(answer.arrays[name]) for name in _SAMPLES},
                "batches_ns": {
                    name.split("_")[1]: encode_samples(samples)
                    for name, samples in answer.arrays.items()
                    if name.startswith("batch_")
                },
            }
            for number, answer in measured.answers.items()
            if answer.status == "measured"
        ],
    }
