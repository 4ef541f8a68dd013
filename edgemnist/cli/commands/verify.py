"""`edgemnist verify`: prove an artifact folder again, from its files alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...runtime.errors import ProofError
from ..console import literal, messages, print_json, print_result
from ..options import Atol, Data, Json, MaxAccuracyDrop, MinAgreement

if TYPE_CHECKING:
    from ...proof.verify import Verdict

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
    """Prove every artifact of a folder again: hashes, structure, metadata, and all outputs.

    Nothing in the manifest is believed, and no code in the folder is run: C is generated again from the
    TFLite file beside it and compared byte for byte, and the generator's own copy is compiled; a library that
    was not built here is not loaded. Outputs on the whole test set are compared with `reference.npz`, and
    where TensorFlow is installed the Keras model's too. An export that was interrupted is finished first.

    Prints one line per file; exits with 0 if everything passed and with 3 if anything failed or is unproven.
    """
    from dataclasses import replace

    from ...data.datasets import load_test_split
    from ...export.codegen.compiler import libraries
    from ...export.codegen.exactness import prove_generated
    from ...export.codegen.regenerate import regenerate
    from ...proof.formats import FORMATS, SOURCE
    from ...proof.verify import verify as prove_again

    test = load_test_split(data)
    limits = (min_agreement, max_accuracy_drop, atol)
    rows = [replace(row, tolerances=row.tolerances.replaced(*limits)) for row in FORMATS]
    with messages.status("verifying") as status:

        def report(name: str) -> None:
            status.update(f"verifying {literal(name)}")
            if name.endswith(f".{SOURCE.format}") and SOURCE.engine.available:
                from ...export import backend  # noqa: F401 - starts TensorFlow without its log

        verdicts = prove_again(
            folder,
            test,
            generate=regenerate,
            build=libraries,
            prove_exact=prove_generated,
            formats=rows,
            report=report,
        )
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if json:
        print_json({"holds": not failed, "files": [_document(verdict) for verdict in verdicts]})
    else:
        width = max(len(verdict.file) for verdict in verdicts)
        for verdict in verdicts:
            print_result(_line(verdict, width))
    if failed:
        raise ProofError(_summary(verdicts))


def _summary(verdicts: "tuple[Verdict, ...]") -> str:
    counts = {
        "failed": sum(bool(verdict.failures) for verdict in verdicts),
        "are unproven": sum(bool(verdict.unproven) for verdict in verdicts),
    }
    return ", ".join(f"{count} of {len(verdicts)} files {what}" for what, count in counts.items() if count)


def _line(verdict: "Verdict", width: int) -> str:
    from ...proof.verify import NOT_CHECKED

    if verdict.failures:
        found = "[red]failed[/]  " + literal("; ".join(verdict.failures))
    elif verdict.unproven:
        found = "[yellow]unproven[/]  " + literal(verdict.unproven)
    elif verdict.parity is not None:
        parity = verdict.parity
        found = f"[green]passed[/]  accuracy {parity.accuracy:.2%}, agreement {parity.agreement:.2%}"
    elif verdict.note == NOT_CHECKED:
        found = f"[yellow]other[/]  {verdict.note}"
    else:
        found = f"[green]passed[/]  {verdict.note}"
    return f"{literal(verdict.file.ljust(width))}  {found.rstrip()}"


def _document(verdict: "Verdict") -> dict[str, object]:
    from dataclasses import asdict

    return {"holds": verdict.passed, **asdict(verdict)}
