"""The parts of the documentation that are made of the code, in Markdown, whenever it is built."""

import importlib
import inspect
import json
import os
import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from messages import error_messages
from typer import Context

from edgemnist.cli.commands import ALIASES, SUMMARIES
from edgemnist.cli.entry import load_command
from edgemnist.runtime import errors

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
# In the order in which one needs them; pages that are not named here come after them.
HOW_TO = (
    "own-models", "data", "training", "recipes", "script", "service", "desktop", "web", "other-languages",
    "device", "boards", "c", "devices", "pyinstaller", "layers", "ci", "sweeps", "robustness",
)  # fmt: skip
ELSEWHERE = (
    "index", "tutorial", "explanation", "benchmarks", "exports", "studies", "architecture", "operators",
    "formats",
)  # fmt: skip
# Files that lie in the root, where people look for them, and are pages of the site too.
MOVED = {
    "SECURITY.md": "reference/security",
    "CHANGELOG.md": "reference/changelog",
    "CONTRIBUTING.md": "reference/contributing",
    "README.md": "index",
}
API = (
    "edgemnist.runtime",
    "edgemnist.runtime.signature",
    "edgemnist.data",
    "edgemnist.proof",
    "edgemnist.proof.parity",
    "edgemnist.proof.tolerances",
    "edgemnist.proof.verify",
    "edgemnist.export.pipeline",
    "edgemnist.export.convert.options",
    "edgemnist.export.codegen",
    "edgemnist.benchmarks.runner.benchmark",
    "edgemnist.benchmarks.report.document",
    "edgemnist.benchmarks.regression",
)


def how_to_pages() -> str:
    """Return the entries of the list of how-to pages: those that there are."""
    there = {page.stem for page in DOCS.glob("*.md")} - set(ELSEWHERE)
    named = [name for name in HOW_TO if name in there]
    return "\n".join([*named, *sorted(there - set(named))])


def rooted(page: str, text: str) -> str:
    """Return a page's text with links that lead where the files are on the site; others become plain text."""
    start = ROOT if page in MOVED.values() and page not in PAGES else (DOCS / page).parent

    def replaced(link: re.Match[str]) -> str:
        target = (start / link[2]).resolve()
        moved = MOVED.get(target.relative_to(ROOT).as_posix())
        if moved is None and not target.is_relative_to(DOCS):
            return link[1]
        found = DOCS / f"{moved}.md" if moved else target
        return f"[{link[1]}]({os.path.relpath(found, (DOCS / page).parent)}{link[3] or ''})"

    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)", replaced, text)


def commands() -> str:
    """Return a section for each command: what it does, its arguments and options, examples."""
    return "\n".join(_command(name) for name in SUMMARIES)


def _command(name: str) -> str:
    command = load_command(name)
    records = [one.get_help_record(Context(command)) for one in command.params]
    aliases = [f"`{alias}`" for alias, meant in ALIASES.items() if meant == name]
    lines = [f"## edgemnist {name}", "", inspect.cleandoc(command.help or ""), ""]
    if aliases:
        lines += [f"Also called {', '.join(aliases)}.", ""]
    lines += ["| argument or option | |", "|---|---|"]
    lines += [f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record]
    examples = inspect.cleandoc(command.epilog or "").replace("**Examples**", "Examples:")
    return "\n".join([*lines, "", examples, ""])


def error_classes() -> str:
    """Return a section for each error: what it means, what else catches it, how a command ends with it."""
    found = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.EdgeMnistError)
    ]
    rows = ["| error | is raised for | caught as | exit code |", "|---|---|---|---|"]
    for one in sorted(found, key=lambda kind: (len(kind.__mro__), kind.__name__)):
        summary = inspect.cleandoc(one.__doc__ or "").partition("\n")[0]
        bases = ", ".join(f"`{base.__name__}`" for base in one.__mro__[1:-1] if base is not BaseException)
        code = 3 if issubclass(one, errors.ProofError) else 1
        rows.append(f"| `{one.__name__}` | {_cell(summary)} | {bases} | {code} |")
    return "\n".join(rows)


def manifest_schema() -> str:
    """Return the tables of `manifest.json`."""
    return _schema("edgemnist.runtime.artifact", "manifest.schema.json")


def bench_schema() -> str:
    """Return the tables of `bench.json`."""
    return _schema("edgemnist.benchmarks.report", "bench.schema.json")


def _schema(package: str, name: str) -> str:
    content = (resources.files(package) / name).read_text(encoding="utf-8")
    return "\n".join(_definition(*pair) for pair in json.loads(content)["$defs"].items())


def _definition(name: str, definition: dict[str, Any]) -> str:
    lines = [f"## {name}", ""]
    if definition.get("description"):
        # An indented list would be code.
        text = "\n".join(line.strip() for line in definition["description"].splitlines())
        summary, _, attributes = text.partition("Attributes:")
        lines += [summary.strip(), ""]
    else:
        attributes = ""
    notes = _attributes(attributes)
    required = definition.get("required", [])
    lines += ["| key | type | | |", "|---|---|---|---|"]
    for key, kind in definition.get("properties", {}).items():
        there = "" if key in required else "optional"
        lines.append(f"| `{key}` | {_kind(kind)} | {there} | {_cell(notes.get(key, ''))} |")
    return "\n".join([*lines, ""])


def _attributes(text: str) -> dict[str, str]:
    notes: dict[str, str] = {}
    last = ""
    for line in filter(None, text.splitlines()):
        name, colon, rest = line.partition(": ")
        if colon and name.isidentifier():
            last, notes[name] = name, rest
        elif last:
            notes[last] += f" {line}"
    return notes


def _kind(kind: dict[str, Any]) -> str:
    if "$ref" in kind:
        name = kind["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in kind:
        return " or ".join(_kind(one) for one in kind["anyOf"])
    if "enum" in kind:
        return ", ".join(f"`{json.dumps(value)}`" for value in kind["enum"])
    if kind.get("type") == "array":
        return f"array of {_kind(kind['items'])}" if isinstance(kind.get("items"), dict) else "array"
    limits = [
        f"{words} {kind[key]}"
        for key, words in (("minimum", "at least"), ("maximum", "at most"))
        if key in kind
    ]
    return " ".join([str(kind.get("type", "any")), *limits])


def api() -> str:
    """Return the directives that take the API from docstrings."""
    return "\n".join(line for name in API for line in _module(name))


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    summary = inspect.cleandoc(module.__doc__ or "").partition("\n\n")[0]
    yield f"## {name}\n\n{summary}\n\n```{{eval-rst}}\n.. py:module:: {name}\n"
    for member in _public_names(module):
        found = getattr(module, member)
        kind = "class" if inspect.isclass(found) else "function" if callable(found) else "data"
        if kind == "class" and issubclass(found, Exception):
            kind = "exception"
        if kind == "data":  # whose docstring is that of its type
            yield f".. py:data:: {name}.{member}\n"
            continue
        yield f".. auto{kind}:: {name}.{member}\n" + ("   :members:\n" if kind == "class" else "")
    yield "```\n"


def _public_names(module: Any) -> list[str]:
    if hasattr(module, "_MODULES"):  # imported on first use
        return sorted(module._MODULES)  # noqa: SLF001 - its own documentation
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, found in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(found) or inspect.isfunction(found))
        and found.__module__ == module.__name__
    ]


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "index": how_to_pages,
    "reference/commands": commands,
    "reference/errors": lambda: f"{error_classes()}\n\n{error_messages()}",
    "reference/manifest": manifest_schema,
    "reference/bench": bench_schema,
    "reference/api": api,
}
