"""`edgemnist bench --serial`: what it prints and writes of a microcontroller."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..benchmarks.devices.serial import SerialRun, find_model, identify, open_line, run_on_board
from ..benchmarks.emulation.expected import Expected, expected_answers
from ..benchmarks.emulation.model import c_models, proven_copies
from ..benchmarks.runner.inputs import find_inputs
from ..data.datasets import Split
from ..runtime.artifact.documents import encode
from ..runtime.errors import ProofError
from ..runtime.files import write_text
from .console import literal, print_json, print_message, print_result
from .progress import rows_progress

DEFAULT_RUNS = 100


def bench_serial(
    line: tuple[str, int],
    files: Sequence[Path],
    folder: Path,
    data: Path | None,
    runs: int | None,
    output: Path,
    *,
    json: bool,
) -> None:
    """Measure the model that a board on a serial line runs, against the C of it in a folder.

    `line` is its port and speed.

    Raises:
        EngineError: The board does not answer, or runs another model.
        ProofError: A byte of its outputs is not the reference's, or its self-test fails.
        EdgeMnistError: There is no model in C, or its data set cannot be read.
    """
    from ..export.codegen.proving.regenerate import regenerate  # needs LiteRT

    port, baud = line
    models = c_models(files or [folder])
    inputs = find_inputs(folder, list(files), data)
    with open_line(port, baud) as board:
        identity = identify(board)
        print_message(literal(f"{port}: {identity.model}, cycles by {identity.counter}"))
        model = find_model(identity, models)
        split = inputs.split.select(np.arange(min(runs or DEFAULT_RUNS, len(inputs.split))))
        with proven_copies([model], regenerate) as (proven,):
            expected = expected_answers(proven, split.array)
        with rows_progress() as report:
            run = run_on_board(board, identity, expected, len(split), report)
    document = _document(run, expected, split, port)
    write_text(output / "serial.json", encode(document, indent=1))
    if json:
        print_json(document)
    else:
        print_result(literal(_sentence(document)))
    print_message(literal(f"wrote {output / 'serial.json'}"))
    if document["wrong_bytes"] or document["self_test"]:
        raise ProofError(
            "the model on the board is not exact",
            received=f"{document['wrong_bytes']} bytes differ, self-test {document['self_test']}",
        )


def _document(run: SerialRun, expected: Expected, split: Split, port: str) -> dict[str, Any]:
    wrong = run.outputs != expected.outputs[: len(run.outputs)]
    predicted = expected.predicted(run.outputs)
    right = None
    if expected.tested and predicted is not None and split.labels is not None:
        right = float((predicted == split.labels[: len(predicted)]).mean())
    known = run.cycles[run.cycles > 0]
    return {
        "port": port,
        "file": f"{run.identity.model}.c",
        "counter": run.identity.counter,
        "inputs": len(run.outputs),
        "accuracy": right,
        "agreement": float((~wrong.any(axis=1)).mean()),
        "wrong_bytes": int(np.count_nonzero(wrong)),
        "self_test": run.self_test,
        "cycles": {"least": int(known.min()), "median": float(np.median(known)), "most": int(known.max())}
        if len(known)
        else None,
    }


def _sentence(document: dict[str, Any]) -> str:
    parts = [f"{document['file']} on {document['port']}: {document['inputs']} inputs"]
    if document["accuracy"] is not None:
        parts.append(f"accuracy {document['accuracy']:.2%}")
    parts.append(f"agreement {document['agreement']:.2%}")
    parts.append("self-test passed" if not document["self_test"] else f"self-test {document['self_test']}")
    if cycles := document["cycles"]:
        counter = document["counter"]
        parts.append(
            f"{cycles['median']:,.0f} cycles ({cycles['least']:,} to {cycles['most']:,}, by {counter})"
        )
    else:
        parts.append("cycles not known")
    return ", ".join(parts)
