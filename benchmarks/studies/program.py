"""A study as a program."""

import sys
from collections.abc import Callable

import typer

from ...runtime.errors import EdgeMnistError


def run_study(main: Callable[..., None]) -> None:
    """Run `main` with the options of the command line; an error of this project ends it with one line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except EdgeMnistError as error:
        sys.exit(f"error: {error}")
