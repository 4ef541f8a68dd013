"""`edgemnist compare`: what changed between two benchmarks."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument

from ...benchmarks.devices.page import COLUMNS, table_rows
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
- `edgemnist compare report/*/bench.json` several devices next to each other
- `edgemnist compare old.json new.json --json`
"""


_NEW_HELP = "The later bench.json; of several, such as devices', all rows are shown next to each other."


def compare(
    old: Annotated[Path, Argument(metavar="OLD.json", help="The earlier bench.json.")],
    new: Annotated[list[Path], Argument(metavar="NEW.json...", help=_NEW_HELP)],
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare two benchmarks row by row: how many times slower, how much more accurate.

    More than two are a table: the rows of a model next to each other, by the folders that the files lie in.

    A ratio has a 95 % interval and is called a change only where that excludes 1. Benchmarks of different
    machines or thread counts are refused unless --force is given. To fail on a change, use
    `edgemnist bench --baseline`.
    """
    if len(new) > 1:
        _show_side_by_side((old, *new), json=json)
        return
    before, after = read_document(old), read_document(new[0])
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


def _show_side_by_side(paths: Sequence[Path], *, json: bool) -> None:
    names = [path.resolve().parent.name for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    documents = list(zip(names, map(read_document, paths), strict=True))
    if json:
        print_json([{"device": name, "bench": document} for name, document in documents])
        return
    print_table(
        [*COLUMNS[:3], *(f">{column}" for column in COLUMNS[3:])],
        [[literal(text) for text in row] for row in table_rows(documents)],
    )


def _cells(change: Change) -> tuple[str, ...]:
    cells = (literal(change.title), duration(change.old_p50_ns))
    if change.slowdown is None or change.new_p50_ns is None:
        return cells
    interval = change.slowdown.interval
    limits = f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-"
    return (*cells, duration(change.new_p50_ns), f"{change.slowdown.value:.2f}", limits)
