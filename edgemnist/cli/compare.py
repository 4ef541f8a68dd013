"""`edgemnist compare`: what changed between two benchmarks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import literal, messages, print_json, results
from .options import Force, Json

if TYPE_CHECKING:
    from rich.table import Table

    from ..benchmarks.regression import Change

EXAMPLES = """
**Examples**

- `edgemnist compare old/bench.json artifacts/bench.json`
- `edgemnist compare pi.json laptop.json --force` different machines all the same
- `edgemnist compare old.json new.json --json`
"""


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="The earlier bench.json.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="The later bench.json.")],
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare two benchmarks row by row: how many times slower, how much more accurate.

    A ratio has a 95 % interval and is called a change only where that excludes 1. Benchmarks of different
    machines or thread counts are refused unless --force is given. To fail on a change, use
    `edgemnist bench --baseline`.
    """
    from dataclasses import asdict

    from ..benchmarks.regression import (
        added_rows,
        changed_versions,
        differences,
        find_changes,
        require_same_machine,
        require_scipy,
        verdict,
    )
    from ..benchmarks.report.json import read_document

    before, after = read_document(old), read_document(new)
    require_scipy("comparing benchmarks")
    require_same_machine(before, after, force=force)
    changes = find_changes(before, after)
    added = added_rows(before, after)
    versions = changed_versions(before, after)
    if json:
        print_json(
            {
                "rows": [asdict(change) for change in changes],
                "added": list(added),
                "versions": list(versions),
                "machines": list(differences(before, after)),
            }
        )
        return
    results.print(_table(changes))
    for change in changes:
        results.print(f"- {literal(verdict(change))}", highlight=False)
    for title in added:
        results.print(f"{literal(title)} is new", highlight=False)
    for version in versions:
        results.print(f"changed: {literal(version)}", highlight=False)
    for difference in differences(before, after):
        messages.print(f"[yellow]different machines:[/] {literal(difference)}", highlight=False)


def _table(changes: "tuple[Change, ...]") -> "Table":
    from rich.table import Table

    from ..benchmarks.report.units import duration

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("model", no_wrap=True)
    for heading in ("old p50", "new p50", "new / old", "interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for change in changes:
        cells: tuple[str, ...] = (literal(change.title), duration(change.old_p50_ns))
        if change.slowdown is not None and change.new_p50_ns is not None:
            interval = change.slowdown.interval
            limits = f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-"
            cells = (*cells, duration(change.new_p50_ns), f"{change.slowdown.value:.2f}", limits)
        table.add_row(*cells)
    return table
