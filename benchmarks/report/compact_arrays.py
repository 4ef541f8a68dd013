"""Arrays of whole numbers in compact form: a JSON object that holds them without loss."""

import base64
import binascii
import zlib
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import ArtifactError

_COMPRESSION_LEVEL = 9
_MAX_COUNT = 20_000_000
_DTYPES = ("<u1", "<u2", "<u4", "<u8")


class Samples(msgspec.Struct, frozen=True):
    """Whole numbers: little-endian bytes of `dtype`, zlib, base64."""

    dtype: Literal["<u1", "<u2", "<u4", "<u8"]
    count: Annotated[int, msgspec.Meta(ge=0)]
    zlib_base64: str


def encode_array(samples: NDArray[np.integer]) -> dict[str, Any]:
    """Return (N,) integers, at least 0, as a JSON object: little-endian bytes, zlib, base64."""
    largest = int(samples.max(initial=0))
    dtype = next(name for name in _DTYPES if largest <= np.iinfo(name).max)
    packed = zlib.compress(samples.astype(dtype).tobytes(), _COMPRESSION_LEVEL)
    return {"dtype": dtype, "count": len(samples), "zlib_base64": base64.b64encode(packed).decode("ascii")}


def decode_array(document: dict[str, Any]) -> NDArray[np.int64]:
    """Return the (count,) int64 that `encode_array` was given.

    Raises:
        ArtifactError: The text is damaged.
    """
    try:
        dtype, count = np.dtype(_DTYPES[_DTYPES.index(document["dtype"])]), min(document["count"], _MAX_COUNT)
        packed = base64.b64decode(document["zlib_base64"], validate=True)
        raw = zlib.decompressobj().decompress(packed, count * dtype.itemsize + 1)  # no more than is expected
        samples = np.frombuffer(raw, dtype).astype(np.int64)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ArtifactError("the raw samples are damaged", received=error) from error
    if len(samples) != document["count"]:
        raise ArtifactError(
            "the raw samples are damaged",
            received=f"{document['count']} samples announced, {len(samples)} or more there",
            expected=f"as many as announced, at most {_MAX_COUNT:,}",
        )
    return samples
