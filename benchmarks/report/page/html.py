"""`bench.html`: the report as one page that needs no network."""

import os
from functools import partial
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ....runtime.printable import printable
from ...runner.benchmark import Benchmark
from .. import sections as common
from ..training.outputs import Trained
from . import sections as own
from .cards import shortened
from .svg import COLOURS

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "bench.html.jinja"
NEEDED = ("jinja2", "matplotlib", "PIL")


def render_if_possible(
    benchmark: Benchmark, trained: Trained | None = None, folder: Path | None = None
) -> str | None:
    """Return the page, or None where the packages that draw it are not installed."""
    return render(benchmark, trained, folder) if all(find_spec(package) for package in NEEDED) else None


def render(benchmark: Benchmark, trained: Trained | None = None, folder: Path | None = None) -> str:
    """Return the page.

    Args:
        benchmark: What it shows.
        trained: How the model was trained, where that is known.
        folder: Where the page will lie, to link to the measured files from there; None links to nothing.
    """
    environment = page_environment()
    layout = (
        *(common.verdicts, common.warnings, common.missing, common.results, common.legend_of_all),
        *(common.devices, common.tools, own.charts, own.flips, own.differences, own.confusions, own.mistakes),
        *(partial(own.training, trained=trained), common.details, common.throughput),
        *(common.method, common.files, own.governor),
    )
    return environment.from_string(_template()).render(
        results=benchmark.results,
        sections=common.describe(benchmark, layout),
        colours=COLOURS,
        links={} if folder is None else _links(benchmark, folder),
    )


def _links(benchmark: Benchmark, folder: Path) -> dict[str, str]:
    """Return where each measured file is from a folder, by its name."""
    paths = {row.case.name: row.case.path for row in benchmark.results.rows if row.case.path.is_file()}
    return {name: f"./{quote(os.fsencode(os.path.relpath(path, folder)))}" for name, path in paths.items()}


def page_environment() -> "Environment":
    """Return what fills in the templates of pages; whatever a stranger named is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shortened"] = shortened
    return environment


def style_sheet() -> str:
    """Return the `<style>` element of the page as a template, for other pages that look like it."""
    template = _template()
    end = "</style>"
    return template[template.index("<style>") : template.index(end) + len(end)]


def _template() -> str:
    return resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")


def _finalized(value: Any) -> Any:
    """Return a text with what is no mark on paper escaped; our own drawings are no plain `str`."""
    return printable(value) if type(value) is str else value
