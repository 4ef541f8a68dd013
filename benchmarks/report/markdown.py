"""`bench.md`: the report as Markdown, for a repository or a pull request."""

from collections.abc import Iterable

from ..results import Results
from .wording import COLUMNS, cells, method, outcome


def render(results: Results) -> str:
    """Return the report as a Markdown document."""
    lines = ["# Benchmark", "", _line(column.heading for column in COLUMNS)]
    lines.append(_line("---:" if column.figures else "---" for column in COLUMNS))
    for row in results.rows:
        texts = cells(row) or (row.target.name, row.target.engine, outcome(row), *[""] * (len(COLUMNS) - 3))
        lines.append(_line(texts))
    lines += ["", method(results), ""]
    lines += [f"- {note}" for note in results.notes]
    lines += ["", "| artifact | sha256 |", "|---|---|"]
    lines += [f"| {row.target.name} | `{row.target.sha256}` |" for row in results.rows]
    lines += ["", "| package | version |", "|---|---|"]
    lines += [f"| {name} | {version} |" for name, version in results.machine.versions.items()]
    return "\n".join(lines) + "\n"


def _line(texts: Iterable[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in texts) + " |"
