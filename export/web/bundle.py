"""The page's scripts and style, each as one text, and the policy that lets only these run."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

# In the order in which they are put together: each after those that it imports.
SCRIPTS = (
    "model",
    "resample",
    "ink",
    "pictures",
    "blobs",
    "raw",
    "pad",
    "results",
    "gallery",
    "features",
    "testset",
    "proof",
    "camera",
    "files",
    "main",
)
_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
# What only a reader of the files needs; no text of several lines is in them.
_COMMENT = re.compile(r"^ *(//.*|/\*\*(.|\n)*?\*/)\n", re.MULTILINE)
_INDENT, _EMPTY = re.compile(r"^ +", re.MULTILINE), re.compile(r"\n{2,}")


@cache
def script() -> str:
    """Return the page's modules as one: without their imports, since all names are in one scope then."""
    texts = [_EXPORT.sub("", _IMPORT.sub("", _text(f"{name}.js"))) for name in SCRIPTS]
    return _short("\n".join(texts))


@cache
def style() -> str:
    """Return the style without what only its readers need."""
    return _short(_text("style.css"))


def _short(text: str) -> str:
    return "\n" + _EMPTY.sub("\n", _INDENT.sub("", _COMMENT.sub("", text))).strip() + "\n"


@cache
def _text(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def policy(script: str, style: str) -> str:
    """Return a policy that lets nothing be fetched and only these texts run."""

    def source(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {source(script)} 'wasm-unsafe-eval'; style-src {source(style)};"
        " img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
