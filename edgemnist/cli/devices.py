"""`edgemnist bench` on devices of one's own: what it prints and writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..benchmarks.devices.page import COLUMNS, render_if_possible, table_rows
from ..benchmarks.devices.remote import Remote, RemoteOutcome, bench_remotely
from ..benchmarks.report.document import write_document
from ..runtime.errors import EngineError
from ..runtime.files import write_text
from .console import literal, print_json, print_message, print_table

PAGE = "devices.html"


def bench_devices(devices: Sequence[str], remote: Remote, output: Path, *, json: bool) -> None:
    """Measure on devices over ssh, print their rows next to each other, and write what they measured.

    Raises:
        EngineError: A device could not be measured; the others were.
        OutputError: A file cannot be written.
    """
    outcomes = bench_remotely(
        list(dict.fromkeys(devices)),
        remote,
        lambda device, doing: print_message(literal(f"{device}: {doing}")),
    )
    measured = [(outcome.device, outcome.document) for outcome in outcomes if outcome.document is not None]
    for device, document in measured:
        folder = output / folder_name(device)
        write_document(folder / "bench.json", document)
        print_message(literal(f"wrote {folder / 'bench.json'}"))
    if measured:
        page = render_if_possible(measured)
        if page is not None:
            write_text(output / PAGE, page)
            print_message(literal(f"wrote {output / PAGE}"))
    _show(outcomes, measured, json=json)
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed:
        raise EngineError(
            f"{len(failed)} of {len(outcomes)} devices could not be measured",
            received="; ".join(outcome.error for outcome in failed),
        )


def folder_name(device: str) -> str:
    """Return a folder's name for a device's results."""
    return "".join(sign if sign.isalnum() or sign in "@.-_" else "-" for sign in device)


def _show(
    outcomes: Sequence[RemoteOutcome], measured: Sequence[tuple[str, dict[str, Any]]], *, json: bool
) -> None:
    if json:
        documents = [
            {"device": outcome.device, "error": outcome.error, "bench": outcome.document}
            for outcome in outcomes
        ]
        print_json(documents)
        return
    if measured:
        headings = [f">{name}" for name in COLUMNS[3:]]
        rows = [[literal(text) for text in row] for row in table_rows(measured)]
        print_table([*COLUMNS[:3], *headings], rows)
