"""`edgemnist verify`: prove an artifact folder again, from its files alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..runtime.errors import ProofError
from .console import literal, messages, print_json, results
from .options import Atol, Data, Json, MaxAccuracyDrop, MinAgreement

if TYPE_CHECKING:
    from ..proof.verdict import Verdict

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

    Nothing in the manifest is believed, and no code in the folder is run: C is generated again from the
    TFLite file beside it and compared byte for byte, and the generator's own copy is compiled; a library that
    was not built here is not loaded. The answers are compared with those in `reference.npz`; where TensorFlow
    is installed, the Keras model must give these too. An export that was interrupted is finished first.

    Prints one line per file; exits with 0 if everything holds and with 3 if anything fails or is unproven.
    """
    from dataclasses import replace

    from ..data.datasets import load_test_split
    from ..export.codegen.regenerate import regenerate
    from ..export.convert.registry import FORMATS
    from ..proof.verify import verify as prove_again

    test = load_test_split(data)
    rows = [replace(row, gates=row.gates.replaced(min_agreement, max_accuracy_drop, atol)) for row in FORMATS]
    with messages.status("verifying") as status:
        verdicts = prove_again(
            folder,
            test,
            generate=regenerate,
            formats=rows,
            report=lambda name: status.update(f"verifying {literal(name)}"),
        )
    failed = [verdict for verdict in verdicts if not verdict.holds]
    if json:
        print_json({"holds": not failed, "files": [_document(verdict) for verdict in verdicts]})
    else:
        width = max(len(verdict.file) for verdict in verdicts)
        for verdict in verdicts:
            results.print(_line(verdict, width), soft_wrap=True, highlight=False)
    if failed:
        raise ProofError(_summary(verdicts))


def _summary(verdicts: "tuple[Verdict, ...]") -> str:
    counts = {
        "do not hold": sum(bool(verdict.failures) for verdict in verdicts),
        "are unproven": sum(bool(verdict.unproven) for verdict in verdicts),
    }
    return ", ".join(f"{count} of {len(verdicts)} files {what}" for what, count in counts.items() if count)


def _line(verdict: "Verdict", width: int) -> str:
    from ..proof.verdict import NOT_CHECKED

    if verdict.failures:
        found = "[red]fails[/]  " + literal("; ".join(verdict.failures))
    elif verdict.unproven:
        found = "[yellow]unproven[/]  " + literal(verdict.unproven)
    elif verdict.parity is not None:
        parity = verdict.parity
        found = f"[green]holds[/]  accuracy {parity.accuracy:.2%}, agreement {parity.agreement:.2%}"
    elif verdict.note == NOT_CHECKED:
        found = f"[yellow]other[/]  {verdict.note}"
    else:
        found = f"[green]holds[/]  {verdict.note}"
    return f"{literal(verdict.file.ljust(width))}  {found.rstrip()}"


def _document(verdict: "Verdict") -> dict[str, object]:
    from dataclasses import asdict

    return {"holds": verdict.holds, **asdict(verdict)}
