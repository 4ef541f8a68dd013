"""Scripts that repeat every measured claim; run from a checkout, for they are no part of the wheel."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")
Artifacts = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the artifacts.")]
Seeds = Annotated[str, typer.Option(help="Seeds, separated by commas.")]


def run_study(*mains: Callable[..., None]) -> None:
    """Run a study with the options of the command line; several functions are its commands.

    An error of this project ends it with one line.
    """
    # Here, so that `fuzz_target` can import the runtime with libFuzzer's instruments.
    from ...runtime.errors import EdgeMnistError

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    for main in mains:
        app.command()(main)
    try:
        app()
    except EdgeMnistError as error:
        sys.exit(f"error: {error}")


def required(module: str, package: str) -> Any:
    """Import and return a module of a package that only a study needs.

    Raises:
        EdgeMnistError: It is not installed.
    """
    from ...runtime.errors import EdgeMnistError

    try:
        return import_module(module)
    except ImportError as error:
        fix = f"Install it with: pip install {package}"
        raise EdgeMnistError(f"this study needs {package}", fix=fix) from error


def parsed_seeds(seeds: str) -> list[int]:
    """Return the numbers in `seeds`, which commas separate.

    Raises:
        OptionError: They are no numbers.
    """
    from ...runtime.errors import OptionError

    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError as error:
        raise OptionError("the seeds are not numbers", received=seeds, expected="such as 0,1,2") from error


def take_turns(ways: Mapping[str, Callable[[int], T]], rounds: int) -> dict[str, list[T]]:
    """Call each way once a round, with the round's number, and return its results.

    The order turns around after each round, so that a machine whose speed changes favours none.
    """
    found: dict[str, list[T]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            found[name].append(ways[name](number))
    return found
