"""The `edgemnist` command: its subcommands, and how an error becomes a message and an exit code."""

import signal
import sys
from typing import Annotated, NoReturn

import typer

from .. import __version__
from ..runtime.errors import EdgeMnistError, ProofError
from . import bench, compare, curves, env, export, formats, inspect, predict, size, train, verify
from .console import literal, messages
from .encodings import print_whatever_the_encoding

EXIT_FAILED = 1
EXIT_PROOF = 3

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train the Keras MNIST network, export it to TFLite and ONNX, and prove accuracy and latency.",
    epilog="Start with: `edgemnist export --int8`, then `edgemnist bench`.",
)
app.command(epilog=train.EXAMPLES)(train.train)
app.command(epilog=curves.EXAMPLES)(curves.curves)
app.command(epilog=export.EXAMPLES)(export.export)
app.command(epilog=formats.EXAMPLES)(formats.formats)
app.command(epilog=predict.EXAMPLES)(predict.predict)
app.command(epilog=inspect.EXAMPLES)(inspect.inspect)
app.command(epilog=verify.EXAMPLES)(verify.verify)
app.command(epilog=bench.EXAMPLES)(bench.bench)
app.command("benchmark", hidden=True, epilog=bench.EXAMPLES)(bench.bench)
app.command(epilog=size.EXAMPLES)(size.size)
app.command(epilog=compare.EXAMPLES)(compare.compare)
app.command(epilog=env.EXAMPLES)(env.env)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"edgemnist {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Options of `edgemnist` itself, before any command."""


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage, 3 a proof did not hold."""
    print_whatever_the_encoding()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except ProofError as error:
        _fail(error, EXIT_PROOF)
    except EdgeMnistError as error:
        _fail(error, EXIT_FAILED)


def _terminate(_number: int, _frame: object) -> NoReturn:
    """Leave as with Ctrl-C, so that what is half done is cleared away and a training says how to go on."""
    raise KeyboardInterrupt


def _fail(error: EdgeMnistError, exit_code: int) -> NoReturn:
    messages.print("[bold red]error:[/]", literal(error), soft_wrap=True, highlight=False)
    sys.exit(exit_code)
