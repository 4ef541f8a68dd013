"""`edgemnist curves`: the curves of several trainings in one picture."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from ...data.history import read_history
from ..console import literal, print_result

EXAMPLES = """
**Examples**

- `edgemnist curves notebook edge` two trainings in one picture
- `edgemnist curves artifacts --output one.png`
"""
_FOLDERS_HELP = "Folders that `edgemnist train` wrote, or their history.json."
Output = Annotated[Path, Option("--output", "-o", metavar="FILE.png", help="The picture to write.")]


def curves(
    folders: Annotated[list[Path], Argument(metavar="DIR...", help=_FOLDERS_HELP)],
    output: Output = Path("curves.png"),
) -> None:
    """Draw accuracy and loss of several trainings over their epochs, a colour for each.

    Needs no TensorFlow. In bench.html the same curves are drawn with `edgemnist bench --history DIR`.
    """
    from ...benchmarks.report.training.plots import draw_curves  # needs matplotlib

    draw_curves(output, [read_history(folder) for folder in folders])
    print_result(literal(output))
