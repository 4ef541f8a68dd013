"""`bench.html`: the report as one page that needs no network."""

from functools import partial
from importlib import resources
from importlib.util import find_spec
from typing import Any

from ...runtime.printable import printable
from ..runner.benchmark import Benchmark
from . import page_sections as own
from . import sections as common
from .cards import shortened
from .svg import COLOURS
from .training.outputs import Trained

TEMPLATE = "bench.html.jinja"
NEEDED = ("jinja2", "matplotlib", "PIL")


def render_if_possible(benchmark: Benchmark, trained: Trained | None = None) -> str | None:
    """Return the page, or None where the packages that draw it are not installed."""
    return render(benchmark, trained) if all(find_spec(package) for package in NEEDED) else None


def render(benchmark: Benchmark, trained: Trained | None = None) -> str:
    """Return the page; `trained` is how the model was trained, where that is known."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shortened"] = shortened
    layout = (
        *(common.verdicts, common.warnings, common.missing, common.results, common.legend_of_all),
        *(common.devices, common.tools, own.charts, own.flips, own.differences, own.confusions, own.mistakes),
        *(partial(own.training, trained=trained), common.details, common.throughput),
        *(common.method, common.files, own.governor),
    )
    template = resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(template).render(
        results=benchmark.results, sections=common.describe(benchmark, layout), colours=COLOURS
    )


def _finalized(value: Any) -> Any:
    """Return a text with what is no mark on paper escaped; our own drawings are no plain `str`."""
    return printable(value) if type(value) is str else value
