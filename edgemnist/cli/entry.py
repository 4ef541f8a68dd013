"""The `edgemnist` command: its subcommands, and how an error becomes a message and an exit code."""

import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from .. import __version__
from ..runtime.errors import EdgeMnistError, MendedModelWarning, MissingExtraError, ProofError
from .commands import ALIASES, SUMMARIES, load_module
from .console import literal, print_error, print_message
from .encodings import replace_what_encodings_lack
from .guidance.help import HelpfulCommand, HelpfulGroup, context_settings
from .guidance.nearest import nearest_file

# What reads TFLite files and generates C, and lies in rooms that other commands do without.
_IN_VERIFY = ("ai_edge_litert", "jinja2", "onnx", "scipy")
PROJECT_FILE = Path("edgemnist.toml")
_HELP = {"-h", "--help"}
EXIT_FAILED = 1
EXIT_PROOF = 3


def load_command(name: str) -> TyperCommand:
    """Import the module of a command, and return what runs it."""
    module = load_module(ALIASES.get(name, name))
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(name, cls=HelpfulCommand, epilog=module.EXAMPLES)(getattr(module, ALIASES.get(name, name)))
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)  # noqa: S101 - narrows the type: one command makes no group
    return command


def _project_defaults(name: str, command: TyperCommand) -> dict[str, Any]:
    """Return what the project's file in the current folder sets of a command's options."""
    if not PROJECT_FILE.exists():
        return {}
    from .project import read_defaults

    defaults = read_defaults(name, {str(parameter.name) for parameter in command.params}, PROJECT_FILE)
    if defaults:
        print_message(literal(f"using {PROJECT_FILE}: {', '.join(defaults)}"))
    return defaults


class LazyGroup(HelpfulGroup):
    """Commands that are imported when they run; until then each is a name and a line of help."""

    def __init__(self, **settings: Any) -> None:
        settings["commands"] = {
            **{name: TyperCommand(name, help=summary) for name, summary in SUMMARIES.items()},
            **{alias: TyperCommand(alias, hidden=True) for alias in ALIASES},
        }
        super().__init__(**settings)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return a command's name, the command itself and the arguments left."""
        name, command, rest = super().resolve_command(ctx, args)
        if not command or not name:
            return name, command, rest
        command = load_command(name)
        if not ctx.resilient_parsing and not _HELP & {*rest}:  # a broken file keeps nobody from help
            ctx.default_map = {name: _project_defaults(ALIASES.get(name, name), command)}
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; where it is interrupted, say what is kept."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interruption:
            print_message(f"Interrupted. {literal(str(interruption) or 'Nothing was changed.')}")
            raise


app = typer.Typer(
    cls=LazyGroup,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=context_settings(),
    help="Export small Keras models to TFLite, ONNX and C; prove accuracy and latency. MNIST is on board.",
    epilog="Start with: `edgemnist export --int8`, then `edgemnist bench`.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"edgemnist {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    ctx: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Options of `edgemnist` itself, before any command; without one, what to do next in this folder."""
    if ctx.invoked_subcommand is None:
        from .guidance.next_steps import show_next_steps

        show_next_steps(PROJECT_FILE)


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage, 3 a proof failed, 130 interrupted."""
    replace_what_encodings_lack()
    warnings.showwarning = _showing_mended_models(warnings.showwarning)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except ProofError as error:
        _fail(error, EXIT_PROOF)
    except EdgeMnistError as error:
        _fail(error, EXIT_FAILED)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _IN_VERIFY:
            raise
        _fail(MissingExtraError(package, "verify", "this command"), EXIT_FAILED)


def _showing_mended_models(show: Callable[..., None]) -> Callable[..., None]:
    """Return what shows a warning; the project's own is a message like any other, without a line of code."""
    told: set[str] = set()

    def shown(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, MendedModelWarning):
            if str(message) not in told:  # a model may be loaded several times
                print_message(f"note: {literal(message)}")
            told.add(str(message))
        else:
            show(message, category, *where, **more)

    return shown


def _terminate(_number: int, _frame: object) -> NoReturn:
    """Leave as with Ctrl-C, so that what is half done is cleared away and a training says how to resume."""
    raise KeyboardInterrupt


def _fail(error: EdgeMnistError, exit_code: int) -> NoReturn:
    print_error(error, nearest_file(str(error), sys.argv[1:]))
    sys.exit(exit_code)
