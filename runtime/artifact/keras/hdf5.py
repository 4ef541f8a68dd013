"""HDF5 files that a stranger may have written: plain numbers and texts, all inside the file, of limited size.

HDF5 can refer to other files (external links, external storage, virtual datasets), hold pickled objects and
references, load filters from plug-ins, and promise arrays that fill the memory; none of it is in a model.
"""

import io
import math
from collections.abc import Iterator
from typing import Any

from ...archives import max_unpacked_bytes

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_OBJECTS = 100_000
_MAX_DEPTH = 64
_MAX_TEXTS = 65_536
# What HDF5 itself brings: deflate, shuffle, fletcher32, szip, nbit, scaleoffset (H5Zpublic.h).
_OWN_FILTERS = range(1, 7)


def open_checked(content: bytes, *, writable: bool = False) -> Any:
    """Return an open `h5py.File` of a content whose every object was checked; the caller closes it.

    Args:
        content: The file's bytes, which are not changed.
        writable: Open a copy that can be changed.

    Raises:
        ValueError: It is damaged, or has what no model has.
        OSError: The HDF5 library cannot read it.
    """
    import h5py

    if not content.startswith(SIGNATURE):
        raise ValueError(f"no HDF5 file: it begins with {content[:8]!r}")
    file = h5py.File(io.BytesIO(content), "r+" if writable else "r")
    try:
        _check(file, max_unpacked_bytes(len(content)))
    except BaseException:
        file.close()
        raise
    return file


def read_every_array(file: Any) -> None:
    """Read all that a checked file holds, so that what is damaged in it shows."""
    for _, found in _objects(file):
        if hasattr(found, "shape"):
            found[()]


def _check(file: Any, max_bytes: int) -> None:
    unpacked = 0
    for path, found in _objects(file):
        _check_attributes(path, found)
        if hasattr(found, "shape"):
            _check_dataset(path, found)
            unpacked += math.prod(found.shape) * found.dtype.itemsize
            if unpacked > max_bytes:
                raise ValueError(f"arrays of more than {max_bytes:,} bytes")


def _objects(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield every group and dataset once; links that lead elsewhere are errors."""
    import h5py

    waiting: list[tuple[str, Any, int]] = [("/", file, 0)]
    seen: set[int] = set()
    while waiting:
        path, found, depth = waiting.pop()
        address = h5py.h5o.get_info(found.id).addr
        if address in seen:
            continue
        seen.add(address)
        if len(seen) > _MAX_OBJECTS or depth > _MAX_DEPTH:
            raise ValueError(f"more than {_MAX_OBJECTS:,} groups and arrays, or more than {_MAX_DEPTH} deep")
        yield path, found
        if not isinstance(found, h5py.Group):
            continue
        for name in found:
            inner = f"{path.rstrip('/')}/{name}"
            link = found.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                kind = type(link).__name__
                raise ValueError(f"{inner} is a link to elsewhere ({kind})")  # noqa: TRY004 - not an argument
            entry = found[name]
            if not isinstance(entry, h5py.Group | h5py.Dataset):
                raise ValueError(f"{inner} is a {type(entry).__name__}")  # noqa: TRY004 - nor is this
            waiting.append((inner, entry, depth + 1))


def _check_dataset(path: str, dataset: Any) -> None:
    if dataset.shape is None or dataset.dtype.kind not in "fiub":
        raise ValueError(f"{path} holds {dataset.dtype}, not numbers")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{path} lies in another file")
    properties = dataset.id.get_create_plist()
    foreign = [
        number
        for index in range(properties.get_nfilters())
        if (number := properties.get_filter(index)[0]) not in _OWN_FILTERS
    ]
    if foreign:
        raise ValueError(f"{path} is packed by a plug-in (HDF5 filter {foreign[0]})")


def _check_attributes(path: str, found: Any) -> None:
    import h5py

    for name in found.attrs:
        attribute = found.attrs.get_id(name)
        if attribute.dtype.kind in "fiubSUV" and attribute.dtype.subdtype is None:
            continue
        text = h5py.check_string_dtype(attribute.dtype) is not None
        if not text or math.prod(attribute.shape) > _MAX_TEXTS:
            raise ValueError(f"the attribute {name} of {path} holds {attribute.dtype}, not a few texts")
