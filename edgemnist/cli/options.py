"""Options that several commands share."""

import re
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from ..runtime.errors import OptionError, require_one_of

_DATA_HELP = (
    "IDX files, an .npz with x_train, y_train, x_test, y_test, class folders of pictures, or a .csv. Default:"
    " the recorded one, or MNIST."
)
_EMPTY_HELP = "Train although a class number below the largest has no image."
_FOREIGN_HELP = (
    "Run native code that was not built here or cannot be proven, with all that you may do on this machine."
)
_AGREEMENT_HELP = "Smallest share of images with Keras' label, such as 0.9985"
_DROP_HELP = "Largest loss of accuracy, such as 0.001"
_ATOL_HELP = "Largest difference of any probability from Keras'"
_LABELS_HELP = "The class names, one a line or a JSON list, in the order of the model's outputs."
_SCALE_HELP = (
    "What raw input is multiplied with for the Keras model, one number or one a channel. Default: 1 where the"
    " model scales its input itself, else 1/255 for images."
)
_OFFSET_HELP = "What is added then. Default: 0."
_ERROR_HELP = "For models of values: the largest difference, as a share of the range of Keras' values"
_AMOUNT = re.compile(r"(\d+)\s*([kKmM]?)(?:i?[bB])?")
_FACTORS = {"": 1, "k": 1024, "m": 1024 * 1024}
_INSTEAD = ", instead of each precision's own."


def _class_names(given: object) -> tuple[str, ...]:
    from ..data.labels import checked_names, read_class_names  # needs numpy

    return read_class_names(Path(given)) if isinstance(given, str) else checked_names(given, "labels")  # type: ignore[arg-type]


_AMOUNT = re.compile(r"(\d+)\s*([kKmM]?)(?:i?[bB])?")
_FACTORS = {"": 1, "k": 1024, "m": 1024 * 1024}

Artifacts = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the model and its artifacts.")]
Data = Annotated[Path | None, typer.Option(metavar="PATH", help=_DATA_HELP)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Seed of everything drawn at random.")]
AllowEmptyClasses = Annotated[bool, typer.Option("--allow-empty-classes", help=_EMPTY_HELP)]
Resize = Annotated[
    bool, typer.Option("--resize", help="Resize the data set's pictures to the model's input.")
]
# A tuple of names, or None; a project's file may have them as a list.
Labels = Annotated[Any, typer.Option(metavar="FILE", help=_LABELS_HELP, parser=_class_names)]
Scale = Annotated[str | None, typer.Option(metavar="X[,X...]", help=_SCALE_HELP)]
Offset = Annotated[str | None, typer.Option(metavar="X[,X...]", help=_OFFSET_HELP)]
MaxError = Annotated[float | None, typer.Option(metavar="SHARE", help=_ERROR_HELP + _INSTEAD)]
Force = Annotated[
    bool, typer.Option("--force", help="Compare benchmarks of different machines all the same.")
]
RunForeignCode = Annotated[bool, typer.Option("--run-foreign-code", help=_FOREIGN_HELP)]
MinAgreement = Annotated[float | None, typer.Option(metavar="SHARE", help=_AGREEMENT_HELP + _INSTEAD)]
MaxAccuracyDrop = Annotated[float | None, typer.Option(metavar="SHARE", help=_DROP_HELP + _INSTEAD)]
Atol = Annotated[float | None, typer.Option(metavar="X", help=_ATOL_HELP + _INSTEAD)]


def numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """Return the numbers of an option such as "0.5" or "0.2,0.3,0.5"; None if it was not given."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise OptionError(
            f"{option} is no number, nor several with commas between them", received=repr(text)
        ) from error


def choice(option: str, value: str | None, kind: Any) -> Any:
    """Return an option's value if it is one of a literal type's; None if it was not given."""
    if value is not None:
        require_one_of(option, value, get_args(kind))
    return value


def byte_count(option: str, text: str | None) -> int | None:
    """Return the number of an option such as 256k or 64000; None if it was not given."""
    if text is None:
        return None
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise OptionError(
            f"{option} is no number of bytes", received=repr(text), expected="such as 256k or 64000"
        )
    return int(found[1]) * _FACTORS[found[2].lower()]
