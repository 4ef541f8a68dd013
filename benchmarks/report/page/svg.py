"""Drawing with matplotlib into SVG that takes its colours and fonts from the page's style sheet."""

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

COLOURS = 8
INK = "#010101"  # placeholders: matplotlib takes no names from a style sheet
GRID = "#020202"
_WIDTH_INCHES = 4.2  # about as wide as a phone, so that the text is as large there as the page's


def series(index: int) -> str:
    """Return the placeholder of a series' colour, which `draw_svg` makes the style sheet's."""
    return f"#0303{index % COLOURS:02x}"


def draw_svg(draw: "Callable[[Axes], None]", height_inches: float, name: str) -> str:
    """Return what `draw` draws as an SVG element.

    `name` makes the identifiers in this element differ from those in others on the page.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {
        "axes.edgecolor": GRID,
        "axes.labelcolor": INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "font.size": 10,
        "grid.color": GRID,
        "grid.linewidth": 0.5,
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    buffer = io.StringIO()
    with mpl.rc_context(style):
        figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True, alpha=0.5)
        axes.set_axisbelow(True)
        draw(axes)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(buffer.getvalue(), name)


def _themed(svg: str, name: str) -> str:
    """Return the SVG element alone, its colours and fonts left to the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\b(id|xlink:href)="(#?)', rf'\1="\2{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1; font-family: inherit", svg)
    svg = svg.replace(INK, "var(--ink)").replace(GRID, "var(--line)")
    return re.sub(r"#0303([0-9a-f]{2})", lambda found: f"var(--series-{int(found[1], 16)})", svg)
