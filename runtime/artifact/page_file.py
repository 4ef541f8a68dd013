"""Pages that hold a model, `<model>.int8.html`: the WebAssembly modules and the texts inside them.

A page stores what its two modules share once: `rest`, the data and the description, which follows the code of
either, `simd` and `plain`.
"""

import base64
import gzip
import re
import zlib

from ..errors import ArtifactError

BLOB = re.compile(rb'<script type="application/octet-stream" id="([a-z-]{1,40})">\n([^<&]*)</script>\n')
MODULES = ("simd", "plain")
REST = "rest"
_MAX_BYTES = 64 << 20
_GZIP = 31  # zlib's window size for gzip
_LINE = 4000
# Python's base 85 with two characters changed that mean something in HTML.
_INTO_HTML, _FROM_HTML = bytes.maketrans(b"<&", b",."), bytes.maketrans(b",.", b"<&")


def read_blobs(content: bytes) -> dict[str, bytes]:
    """Return the binary parts of a page, by their names.

    Raises:
        ArtifactError: One is damaged, or unpacks to too much.
    """
    return {name.decode(): _unpacked(text) for name, text in BLOB.findall(content)}


def read_modules(content: bytes) -> dict[str, bytes]:
    """Return the modules of a page, by the names in `MODULES`.

    Raises:
        ArtifactError: There are none, or they are damaged.
    """
    blobs = read_blobs(content)
    missing = [name for name in (*MODULES, REST) if name not in blobs]
    if missing:
        raise ArtifactError(
            "it is not a page with a model",
            received=f"none called {', '.join(missing)}",
            expected="the parts of two WebAssembly modules",
        )
    return {name: blobs[name] + blobs[REST] for name in MODULES}


def packed(content: bytes) -> str:
    """Return bytes as a page stores them: by gzip, in base 85."""
    text = base64.b85encode(gzip.compress(content, mtime=0)).translate(_INTO_HTML).decode("ascii")
    return "\n".join(text[start : start + _LINE] for start in range(0, len(text), _LINE))


def _unpacked(text: bytes) -> bytes:
    try:
        content = base64.b85decode(text.replace(b"\n", b"").translate(_FROM_HTML))
        unpacking = zlib.decompressobj(_GZIP)
        unpacked = unpacking.decompress(content, _MAX_BYTES)
    except (ValueError, zlib.error) as error:
        raise ArtifactError("a binary part of the page is damaged", received=error) from error
    if not unpacking.eof:
        raise ArtifactError(
            "a binary part of the page is damaged or too large", expected=f"at most {_MAX_BYTES:,} bytes"
        )
    return unpacked
