"""`edgemnist formats`: what `export` can make, and what can run here."""

from .console import print_json, results
from .options import Json

EXAMPLES = """
**Examples**

- `edgemnist formats`
- `edgemnist formats --json`
"""


def formats(json: Json = False) -> None:
    """List every export format: the engine that runs it, the extra that brings it, and if it runs here."""
    from rich.table import Table

    from ..proof.formats import FORMATS

    if json:
        print_json(
            [
                {
                    "format": row.name,
                    "file": row.file_name("mnist"),
                    "suffix": f".{row.format}",
                    "summary": row.summary,
                    "engine": row.engine.name,
                    "extra": row.engine.extra,
                    "available": row.engine.available,
                }
                for row in FORMATS
            ]
        )
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("--format", "engine", "extra", "runs here", "what"):
        table.add_column(heading, no_wrap=True)
    for row in FORMATS:
        here = "[green]yes[/]" if row.engine.available else "[yellow]no[/]"
        table.add_row(row.name, row.engine.name, row.engine.extra or "-", here, row.summary)
    results.print(table)
    results.print("The file of each is <model>.<format>, such as mnist.int8.tflite.", highlight=False)
    results.print("Making them needs: pip install 'edgemnist\\[export]'", highlight=False)
