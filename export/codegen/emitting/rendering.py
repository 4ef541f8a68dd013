"""What fills in templates: jinja2, for text that is not HTML."""

from functools import cache
from typing import TYPE_CHECKING, Literal

from ....runtime.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment


# By the folder of templates: the extra of edgemnist with which to write C, or WebAssembly and the page.
_EXTRAS = {"codegen": "verify", "web": "web"}


@cache
def environment(folder: Literal["codegen", "web"]) -> "Environment":
    """Return what renders the templates of a folder of `export`.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError("jinja2", _EXTRAS[folder], "writing C") from error
    return jinja2.Environment(
        loader=jinja2.PackageLoader(f"edgemnist.export.{folder}", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - the result is C, JavaScript or a page that escapes by itself
    )
