"""`edgemnist compare`: what changed between two benchmarks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import literal, plain_table, print_json, print_message, print_result, results
from ..options import Force, Json

if TYPE_CHECKING:
    from rich.table import Table

    from ...benchmarks.regression import Change

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

    from ...benchmarks.regression import (
        added_rows,
        changed_versions,
        differences,
        find_changes,
        require_same_machine,
        require_scipy,
        verdict,
    )
    from ...benchmarks.report.document import read_document

    before, after = read_document(old), read_document(new)
    require_scipy("comparing benchmarks")
    require_same_machine(before, after, force=force)
    changes = find_changes(before, after)
    added, versions = added_rows(before, after), changed_versions(before, after)
    machines = differences(before, after)
    if json:
        print_json(
            {
                "rows": [asdict(change) for change in changes],
                "added": list(added),
                "versions": list(versions),
                "machines": list(machines),
            }
        )
        return
    results.print(_table(changes))
    for line in (
        *(f"- {verdict(change)}" for change in changes),
        *(f"{title} is new" for title in added),
        *(f"changed: {version}" for version in versions),
    ):
        print_result(literal(line))
    for difference in machines:
        print_message(f"[yellow]different machines:[/] {literal(difference)}")


def _table(changes: "tuple[Change, ...]") -> "Table":
    from ...benchmarks.report.units import duration

    table = plain_table("model", ">old p50", ">new p50", ">new / old", ">interval")
    for change in changes:
        cells: tuple[str, ...] = (literal(change.title), duration(change.old_p50_ns))
        if change.slowdown is not None and change.new_p50_ns is not None:
            interval = change.slowdown.interval
            limits = f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-"
            cells = (*cells, duration(change.new_p50_ns), f"{change.slowdown.value:.2f}", limits)
        table.add_row(*cells)
    return table
