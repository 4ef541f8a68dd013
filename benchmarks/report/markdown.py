"""`bench.md`: the report as Markdown, for a repository or a pull request."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from ...runtime.printable import printable
from ..emulation.collect import DeviceRow
from ..runner.benchmark import Benchmark
from . import sections
from .blocks import Items, Note, Pairs, Section, Table

_MARKUP = re.compile(r"[\\\[\]<]")


def render(benchmark: Benchmark) -> str:
    """Return the report as a Markdown document."""
    results = benchmark.results
    lines = ["# Benchmark", "", f"{results.created}, {results.machine.cpu}."]
    for section in sections.describe(benchmark, sections.MARKDOWN):
        lines += _lines(section)
    return "\n".join(lines) + "\n"


def device_lines(rows: Sequence[DeviceRow]) -> list[str]:
    """Return the sections about emulated devices; none where there are no devices."""
    described = chain(sections.device_sections(rows), sections.device_tools(rows))
    return [line for section in described for line in _lines(section)]


def _lines(section: Section) -> list[str]:
    lines = ["", f"## {section.title}"] if section.title else []
    for block in section.blocks:
        lines += ["", *_block(block)]
    return lines


def _block(block: Any) -> Iterator[str]:
    match block:
        case Table():
            yield from _table(
                (*block.headings, *(column.heading for column in block.columns)),
                ("---", "---", *("---:" for _ in block.columns)),
            )
            for row in block.rows:
                cells = row.cells or (row.outcome, *[""] * (len(block.columns) - 1))
                yield _line((*row.names, *cells))
        case Pairs():
            yield from _table(block.headings, ("---", "---"))
            for name, value in block.pairs:
                yield _line((name, f"`{value}`" if block.code else value))
        case Items():
            for subject, text in block.items:
                yield f"- {_literal(f'{subject}: {text}' if subject else text)}"
        case Note():
            yield _literal(block.text)


def _table(headings: Iterable[str], alignment: Iterable[str]) -> Iterator[str]:
    yield _line(headings)
    yield _line(alignment)


def _line(texts: Iterable[str]) -> str:
    return "| " + " | ".join(_literal(text).replace("|", "\\|") for text in texts) + " |"


def _literal(text: str) -> str:
    """Return a text that is no link, image or HTML in Markdown, whatever a file calls itself."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))
