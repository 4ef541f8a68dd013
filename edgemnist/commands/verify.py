"""`edgemnist verify`: prove an artifact folder again, from its files alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import literal, messages, print_json, results
from ..runtime.errors import ProofError
from .options import Atol, Data, Json, MaxAccuracyDrop, MinAgreement

if TYPE_CHECKING:
    from ..export.verifying import Verdict

EXAMPLES = """
**Examples**

- `edgemnist verify artifacts` on any machine that has a copy of the folder; TensorFlow is not needed
- `edgemnist verify artifacts --min-agreement 0.9985`
- `edgemnist verify my-artifacts --data my-data.npz --json`
"""


def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of artifacts and their manifest.")
    ],
    min_agreement: MinAgreement = None,
    max_accuracy_drop: MaxAccuracyDrop = None,
    atol: Atol = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Prove every artifact of a folder again: hashes, structure, metadata, and answers on the whole test set.

    Nothing in the manifest is believed. The answers are compared with those in `reference.npz`; where
    TensorFlow is installed, the Keras model must give these too. An export that was interrupted is finished
    first.

    Prints one line per file; exits with 0 if everything holds and with 3 if anything does not.
    """
    from dataclasses import replace

    from ..benchmarks.datasets import load_test_split
    from ..export.formats import FORMATS
    from ..export.verifying import verify as prove_again

    test = load_test_split(data)
    rows = [replace(row, gates=row.gates.replaced(min_agreement, max_accuracy_drop, atol)) for row in FORMATS]
    with messages.status("verifying") as status:
        verdicts = prove_again(
            folder, test, formats=rows, report=lambda name: status.update(f"verifying {literal(name)}")
        )
    failed = [verdict for verdict in verdicts if verdict.failures]
    if json:
        print_json({"holds": not failed, "files": [_document(verdict) for verdict in verdicts]})
    else:
        width = max(len(verdict.file) for verdict in verdicts)
        for verdict in verdicts:
            results.print(_line(verdict, width), soft_wrap=True, highlight=False)
    if failed:
        raise ProofError(f"{len(failed)} of {len(verdicts)} files do not hold")


def _line(verdict: "Verdict", width: int) -> str:
    if verdict.failures:
        found = "[red]fails[/]  " + literal("; ".join(verdict.failures))
    elif verdict.parity is not None:
        parity = verdict.parity
        found = f"[green]holds[/]  accuracy {parity.accuracy:.2%}, agreement {parity.agreement:.2%}"
    else:
        found = f"[green]holds[/]  {verdict.note}"
    return f"{literal(verdict.file.ljust(width))}  {found.rstrip()}"


def _document(verdict: "Verdict") -> dict[str, object]:
    from dataclasses import asdict

    return {"holds": not verdict.failures, **asdict(verdict)}
