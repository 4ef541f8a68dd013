"""`edgemnist curves`: the curves of several trainings in one picture."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import literal, print_result

EXAMPLES = """
**Examples**

- `edgemnist curves notebook edge` two trainings in one picture
- `edgemnist curves artifacts --output one.png`
"""


def curves(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders that `edgemnist train` wrote, or their history.json."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.png", help="The picture to write.")
    ] = Path("curves.png"),
) -> None:
    """Draw accuracy and loss of several trainings over their epochs, a colour for each.

    Needs no TensorFlow. In bench.html the same curves are drawn with `edgemnist bench --history DIR`.
    """
    from ...benchmarks.report.training.plots import draw_curves
    from ...data.history import read_history

    draw_curves(output, [read_history(folder) for folder in folders])
    print_result(literal(output))
