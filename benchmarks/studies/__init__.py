"""Scripts that repeat every measured claim; run from a checkout, for they are no part of the wheel."""

import sys
from collections.abc import Callable


def run_study(*mains: Callable[..., None]) -> None:
    """Run a study with the options of the command line; several functions are its commands.

    An error of this project ends it with one line.
    """
    # Here, so that `fuzz_target` can import the runtime with libFuzzer's instruments.
    import typer

    from ...runtime.errors import EdgeMnistError

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    for main in mains:
        app.command()(main)
    try:
        app()
    except EdgeMnistError as error:
        sys.exit(f"error: {error}")
