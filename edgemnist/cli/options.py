"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Artifacts = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the model and its artifacts.")]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="A folder of IDX files (plain or .gz), or an .npz with x_train, y_train, x_test, y_test."
        " Default: the original MNIST.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything drawn at random.")]
AllowEmptyClasses = Annotated[
    bool,
    typer.Option(
        "--allow-empty-classes", help="Train although a class number below the largest has no image."
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Compare benchmarks of different machines all the same.")
]
RunForeignCode = Annotated[
    bool,
    typer.Option(
        "--run-foreign-code",
        help="Run native code that was not built here or cannot be proven, with all that you may do on this"
        " machine.",
    ),
]
MinAgreement = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Smallest share of images with Keras' label, such as 0.9985, instead of each precision's own.",
    ),
]
MaxAccuracyDrop = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", help="Largest loss of accuracy, such as 0.001, instead of each precision's own."
    ),
]
Atol = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Largest difference of any probability from Keras', instead of each precision's own.",
    ),
]
