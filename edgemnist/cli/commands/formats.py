"""`edgemnist formats`: what `export` can make, and what can run here."""

from ...proof.formats import KNOWN_FORMATS
from ..console import literal, print_json, print_result, print_table
from ..options import Json

EXAMPLES = """
**Examples**

- `edgemnist formats`
- `edgemnist formats --json`
"""


def formats(json: Json = False) -> None:
    """List every export format, its engine, the extra that brings it, and if it runs here."""
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
                for row in KNOWN_FORMATS
            ]
        )
        return
    here = {True: "[green]yes[/]", False: "[yellow]no[/]"}
    print_table(
        ("--format", "engine", "extra", "runs", "what"),
        [
            (row.name, row.engine.name, row.engine.extra or "-", here[row.engine.available], row.summary)
            for row in KNOWN_FORMATS
        ],
    )
    print_result("The file of each is <model>.<format>, such as mnist.int8.tflite.")
    print_result(literal("Making them needs: pip install 'edgemnist[export]', and [web] for wasm and html."))
