"""Where libFuzzer damages a file: in its parts, whose checksums are made right again, and near its edges.

Most of a model is weights, in which damage only makes another valid model, and a checksum refuses nearly all
damage in an archive before the reader that is of interest sees it.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random

Damage = Callable[[bytes], bytes]
_WINDOW_BYTES = 4096
_PNG_SIGNATURE_BYTES = 8
_PNG_CHUNK_BYTES = 12  # length, kind and checksum, beside the content
_DAMAGED_EARLIER = (
    *(zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, RuntimeError, zlib.error, EOFError),
)


def damaged(content: bytes, suffix: str, random: Random, damage: Damage) -> bytes:
    """Return a file with one part of it changed by `damage`; now and then the checksums are left wrong."""
    change = {".keras": _in_archive, ".png": _in_chunk}.get(suffix, _in_window)
    try:
        return (_in_window if random.random() < 0.2 else change)(content, random, damage)  # noqa: PLR2004 - a share
    except _DAMAGED_EARLIER:
        return _in_window(content, random, damage)


def _in_window(content: bytes, random: Random, damage: Damage) -> bytes:
    edge = max(1, min(_WINDOW_BYTES, len(content)))
    starts = (
        random.randrange(edge),
        len(content) - edge + random.randrange(edge),
        random.randrange(len(content) + 1),
    )
    start = max(0, random.choice(starts))
    end = start + random.choice((8, 64, 512, _WINDOW_BYTES))
    part = content[start:end]
    changed = damage(part or b"\0")
    if part and random.random() < 0.7:  # noqa: PLR2004 - offsets after it go on to be right
        changed = changed[: len(part)].ljust(len(part), b"\0")
    return content[:start] + changed + content[end:]


def _in_archive(content: bytes, random: Random, damage: Damage) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    chosen = random.choice(sorted(entries))
    entries[chosen] = _in_window(entries[chosen], random, damage)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in entries.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    return buffer.getvalue()


def _in_chunk(content: bytes, random: Random, damage: Damage) -> bytes:
    chunks, position = [], _PNG_SIGNATURE_BYTES
    while position + _PNG_CHUNK_BYTES <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        chunks.append((kind, content[position + 8 : position + 8 + length]))
        position += length + _PNG_CHUNK_BYTES
    chosen = random.randrange(len(chunks))
    kind, part = chunks[chosen]
    if kind == b"IDAT" and random.random() < 0.5:  # noqa: PLR2004 - what is packed, not how
        unpacked = zlib.decompressobj().decompress(part, 1 << 20)
        part = zlib.compress(_in_window(unpacked, random, damage))
    else:
        part = _in_window(part, random, damage)
    chunks[chosen] = (kind, part)
    return content[:_PNG_SIGNATURE_BYTES] + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in chunks
    )
