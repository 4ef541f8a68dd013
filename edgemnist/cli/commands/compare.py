"""`edgemnist compare`: what changed between two benchmarks."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument

from ...benchmarks.regression import (
    Change,
    added_rows,
    changed_versions,
    differences,
    find_changes,
    require_same_machine,
    require_scipy,
    verdict,
)
from ...benchmarks.report.document import read_document
from ...benchmarks.report.units import duration
from ..console import literal, print_json, print_message, print_result, print_table
from ..options import Force, Json

EXAMPLES = """
**Examples**

- `edgemnist compare old/bench.json artifacts/bench.json`
- `edgemnist compare pi.json laptop.json --force` different machines all the same
- `edgemnist compare old.json new.json --json`
"""


def compare(
    old: Annotated[Path, Argument(metavar="OLD.json", help="The earlier bench.json.")],
    new: Annotated[Path, Argument(metavar="NEW.json", help="The later bench.json.")],
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare two benchmarks row by row: how many times slower, how much more accurate.

    A ratio has a 95 % interval and is called a change only where that excludes 1. Benchmarks of different
    machines or thread counts are refused unless --force is given. To fail on a change, use
    `edgemnist bench --baseline`.
    """
    before, after = read_document(old), read_document(new)
    require_scipy("comparing benchmarks")
    require_same_machine(before, after, force=force)
    changes, added = find_changes(before, after), added_rows(before, after)
    versions, machines = changed_versions(before, after), differences(before, after)
    if json:
        rows = [asdict(change) for change in changes]
        print_json({"rows": rows, "added": added, "versions": versions, "machines": machines})
        return
    print_table(("model", ">old p50", ">new p50", ">new / old", ">interval"), map(_cells, changes))
    for line in (
        *(f"- {verdict(change)}" for change in changes),
        *(f"{title} is new" for title in added),
        *(f"changed: {version}" for version in versions),
    ):
        print_result(literal(line))
    for difference in machines:
        print_message(f"[yellow]different machines:[/] {literal(difference)}")


def _cells(change: Change) -> tuple[str, ...]:
    cells = (literal(change.title), duration(change.old_p50_ns))
    if change.slowdown is None or change.new_p50_ns is None:
        return cells
    interval = change.slowdown.interval
    limits = f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-"
    return (*cells, duration(change.new_p50_ns), f"{change.slowdown.value:.2f}", limits)
