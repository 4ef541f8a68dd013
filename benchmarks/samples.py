"""Raw samples in compact form: a JSON object that holds one array of nanoseconds without loss."""

import base64
import binascii
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import ArtifactError

_COMPRESSION_LEVEL = 9


def encode_samples(samples: NDArray[np.int64]) -> dict[str, Any]:
    """Return (calls,) int64 nanoseconds as a JSON object: zlib, then base64, of little-endian integers."""
    dtype = "<u4" if samples.max(initial=0) <= np.iinfo("<u4").max else "<u8"
    packed = zlib.compress(samples.astype(dtype).tobytes(), _COMPRESSION_LEVEL)
    return {"dtype": dtype, "count": len(samples), "zlib_base64": base64.b64encode(packed).decode("ascii")}


def decode_samples(document: dict[str, Any]) -> NDArray[np.int64]:
    """Return the (count,) int64 nanoseconds that `encode_samples` was given.

    Raises:
        ArtifactError: The text is damaged.
    """
    try:
        raw = zlib.decompress(base64.b64decode(document["zlib_base64"], validate=True))
        samples = np.frombuffer(raw, document["dtype"]).astype(np.int64)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ArtifactError("the raw samples are damaged", received=error) from error
    if len(samples) != document["count"]:
        raise ArtifactError(
            "the raw samples are damaged", received=f"{len(samples)} samples", expected=document["count"]
        )
    return samples
