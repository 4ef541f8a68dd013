"""`edgemnist verify`: prove an artifact folder again, from its files alone."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument

from ...proof.formats import SOURCE
from ...proof.parity import Parity
from ...proof.verify import NOT_CHECKED, Verdict, recorded_test
from ...proof.verify import verify as prove_again
from ...runtime.errors import ProofError
from ..console import literal, messages, print_json, print_message, print_result
from ..options import Atol, Data, Json, MaxAccuracyDrop, MaxError, MinAgreement

EXAMPLES = """
**Examples**

- `edgemnist verify artifacts` on any machine that has a copy of the folder; TensorFlow is not needed
- `edgemnist verify artifacts --min-agreement 0.9985`
- `edgemnist verify my-artifacts --data my-data.npz --json`
"""


def verify(
    folder: Annotated[Path, Argument(metavar="DIR", help="The folder of artifacts and their manifest.")],
    min_agreement: MinAgreement = None,
    max_accuracy_drop: MaxAccuracyDrop = None,
    atol: Atol = None,
    max_error: MaxError = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Prove every artifact of a folder again: hashes, structure, metadata, and all outputs.

    Nothing in the manifest is believed, and no code in the folder is run: C is generated again from the
    TFLite file beside it and compared byte for byte, and the generator's own copy is compiled; a library that
    was not built here is not loaded. Outputs on the whole test set are compared with `reference.npz`, and
    where TensorFlow is installed the Keras model's too. An export that was interrupted is finished first.

    Without --data the test set is the one that the manifest records, if it is still there and the same. The
    limits are the stricter of each precision's own and those on record; one that is given replaces them.

    Prints one line per file; exits with 0 if everything passed and with 3 if anything failed or is unproven.
    """
    from ...export.codegen.compiler import libraries  # needs LiteRT
    from ...export.codegen.proving.exactness import prove_generated
    from ...export.codegen.proving.regenerate import regenerate
    from ...export.web.regenerate import prove_web
    from ...export.web.sandbox import prove_foreign_c

    test = recorded_test(
        folder, data, lambda path: print_message(literal(f"reading the test set on record: {path}"))
    )
    limits = {
        "min_agreement": min_agreement,
        "max_accuracy_drop": max_accuracy_drop,
        "atol": atol,
        "max_error": max_error,
    }
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
            prove_web=prove_web,
            prove_foreign_c=prove_foreign_c,
            limits=limits,
            report=report,
        )
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if json:
        files = [{"holds": verdict.passed, **asdict(verdict)} for verdict in verdicts]
        print_json({"holds": not failed, "files": files})
    else:
        width = max(len(verdict.file) for verdict in verdicts)
        for verdict in verdicts:
            print_result(f"{literal(verdict.file.ljust(width))}  {_found(verdict).rstrip()}")
    if failed:
        counts = {
            "failed": sum(bool(verdict.failures) for verdict in verdicts),
            "are unproven": sum(bool(verdict.unproven) for verdict in verdicts),
        }
        total = len(verdicts)
        raise ProofError(
            ", ".join(f"{count} of {total} files {what}" for what, count in counts.items() if count)
        )


def _found(verdict: Verdict) -> str:
    if verdict.failures:
        return "[red]failed[/]  " + literal("; ".join(verdict.failures))
    if verdict.unproven:
        return "[yellow]unproven[/]  " + literal(verdict.unproven)
    if verdict.parity is not None:
        note = f"; {literal(verdict.note)}" if verdict.note else ""
        return f"[green]passed[/]  {_measured(verdict.parity)}{note}"
    return f"{'[yellow]other' if verdict.note == NOT_CHECKED else '[green]passed'}[/]  {verdict.note}"


def _measured(parity: Parity) -> str:
    if parity.agreement is None:
        scale = parity.output_range or 1.0
        largest = f"largest error {parity.max_abs_difference / scale:.2%} of the range"
        return largest if parity.r2 is None else f"R² {parity.r2:.4f}, {largest}"
    agreement = f"agreement {parity.agreement:.2%}"
    return agreement if parity.accuracy is None else f"accuracy {parity.accuracy:.2%}, {agreement}"
