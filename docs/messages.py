"""The error messages of the code and what to do about each, in Markdown, read from where they are raised."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("runtime", "edgemnist", "export", "benchmarks")


def error_messages() -> str:
    """Return a table of each error's messages that say how to fix it."""
    found: dict[str, dict[str, str]] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "studies" not in path.parts:
                for error, problem, fix in _raised(ast.parse(path.read_text(encoding="utf-8"))):
                    found.setdefault(error, {})[problem] = fix
    sections = []
    for error, messages in sorted(found.items()):
        rows = [f"| {_cell(problem)} | {_cell(fix)} |" for problem, fix in sorted(messages.items())]
        sections += [f"## {error}", "", "| message | what to do |", "|---|---|", *rows, ""]
    return "\n".join(sections)


def _raised(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Yield the class, the problem and the fix of each error that has both as texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
            fix = next((one.value for one in node.keywords if one.arg == "fix"), None)
            problem = _text(node.args[0]) if node.args else ""
            if problem.strip("… ") and fix is not None and _text(fix).strip("… "):
                yield node.func.id, problem, _text(fix)


def _text(node: ast.expr) -> str:
    """Return a text as it is in the code, with … where a value is put in; "" where it is no text."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
