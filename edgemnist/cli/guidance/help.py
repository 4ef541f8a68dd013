"""Help as plain text, as wide as the terminal: every name whole, and examples that can be copied."""

import inspect
import re
import shutil
import textwrap
from typing import Any

from typer.core import TyperCommand, TyperGroup

from ..console import results
from ..encodings import encodable

WIDEST, NARROWEST = 120, 50
_EXAMPLE = re.compile(r"- `([^`]+)`\s*(.*)")
_UNBROKEN = re.compile(r"--[\w-]+|\[[^\]]*\]$|`[^`]+`")
_JOINED = str.maketrans("- ", "\ue000\ue001")  # of private use: what wraps lines takes neither for a gap
_PLAIN = str.maketrans({there: chr(was) for was, there in _JOINED.items()})


class HelpfulCommand(TyperCommand):
    """A command whose help takes the terminal's width and ends with its examples, one below the other."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings | {"context_settings": context_settings()})

    def get_help(self, ctx: Any) -> str:
        """Return the help, in which no option and no default was broken at its hyphens and spaces.

        What prints it would write UTF-8 to a stream that is ASCII.
        """
        return encodable(super().get_help(ctx).translate(_PLAIN), results.encoding)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        for heading, kind in (("Arguments", "argument"), ("Options", "option")):
            records = [
                one.get_help_record(ctx) for one in self.get_params(ctx) if one.param_type_name == kind
            ]
            if rows := [(name, _unbroken(text)) for name, text in filter(None, records)]:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        """Write each example on a line of its own, and below what it does."""
        with formatter.section("Examples"):
            for line in inspect.cleandoc(self.epilog or "").splitlines():
                if example := _EXAMPLE.fullmatch(line):
                    command, what = example.groups()
                    _write_lines(formatter, command, " \\")
                    formatter.indent()
                    formatter.indent()
                    _write_lines(formatter, what, "")
                    formatter.dedent()
                    formatter.dedent()


class HelpfulGroup(TyperGroup):
    """A group whose help has the whole line of each command."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line for each command, wrapped rather than cut."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.help or "") for name, one in commands if one and not one.hidden])


def context_settings() -> dict[str, Any]:
    """Return what makes help as wide as the terminal."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return {"terminal_width": max(width - 1, NARROWEST), "help_option_names": ["--help", "-h"]}


def _unbroken(text: str) -> str:
    """Return a text in which what is one word to its reader is one to what wraps lines."""
    return _UNBROKEN.sub(lambda found: found[0].translate(_JOINED), text)


def _write_lines(formatter: Any, text: str, ending: str) -> None:
    """Write a text wrapped; `ending` joins its lines where they are copied to a shell."""
    indent = " " * formatter.current_indent
    lines = textwrap.wrap(
        text, formatter.width - len(indent + ending) - 4, break_long_words=False, break_on_hyphens=False
    )
    for number, line in enumerate(lines):
        further = "    " if ending and number else ""
        formatter.write(f"{indent}{further}{line}{ending if line != lines[-1] else ''}\n")
