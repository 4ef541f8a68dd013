"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

_DATA_HELP = (
    "A folder of IDX files (plain or .gz), or an .npz with x_train, y_train, x_test, y_test. Default: MNIST."
)
_EMPTY_HELP = "Train although a class number below the largest has no image."
_FOREIGN_HELP = (
    "Run native code that was not built here or cannot be proven, with all that you may do on this machine."
)
_AGREEMENT_HELP = "Smallest share of images with Keras' label, such as 0.9985"
_DROP_HELP = "Largest loss of accuracy, such as 0.001"
_ATOL_HELP = "Largest difference of any probability from Keras'"
_INSTEAD = ", instead of each precision's own."

Artifacts = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the model and its artifacts.")]
Data = Annotated[Path | None, typer.Option(metavar="PATH", help=_DATA_HELP)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything drawn at random.")]
AllowEmptyClasses = Annotated[bool, typer.Option("--allow-empty-classes", help=_EMPTY_HELP)]
Force = Annotated[
    bool, typer.Option("--force", help="Compare benchmarks of different machines all the same.")
]
RunForeignCode = Annotated[bool, typer.Option("--run-foreign-code", help=_FOREIGN_HELP)]
MinAgreement = Annotated[float | None, typer.Option(metavar="SHARE", help=_AGREEMENT_HELP + _INSTEAD)]
MaxAccuracyDrop = Annotated[float | None, typer.Option(metavar="SHARE", help=_DROP_HELP + _INSTEAD)]
Atol = Annotated[float | None, typer.Option(metavar="X", help=_ATOL_HELP + _INSTEAD)]
