"""How Sphinx builds the documentation; `make docs` runs it. What is made of the code is in `generated.py`."""

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

from generated import MOVED, PAGES, ROOT, rooted

from edgemnist import __version__

project = "edgemnist"
copyright = "the edgemnist contributors"  # noqa: A001 - the name that Sphinx reads
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_typehints = "description"
autodoc_member_order = "bysource"
default_role = "code"  # docstrings are Markdown there
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"edgemnist {release}"
html_show_sourcelink = False
html_copy_source = False
# furo's buttons link to a host; the pages are read from a folder too.
html_theme_options = {"top_of_page_buttons": []}

_MARK = "<!-- generated -->"


def _fill_in(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put what is generated at a page's mark, and let links lead where pages are on the site."""
    text = source[0].replace(_MARK, PAGES[page]()) if page in PAGES else source[0]
    for path, moved in MOVED.items():
        if page == moved and page not in PAGES:
            text = (ROOT / path).read_text(encoding="utf-8")
    source[0] = rooted(page, text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the generated pages."""
    app.connect("source-read", _fill_in)
    return {"parallel_read_safe": True}
