"""Weights that the kernels of all microcontrollers read in other orders, written once.

A block is the weights of four channels for sixteen taps. It is the arguments of a macro that puts them in the
order of plain C (`kernels/sum_four.c`), of DSP (words, `variants/dsp.py`) or of MVE, as they are.
"""

import textwrap
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..graph.ir import C_TYPES
from . import texts

_CHANNELS, _TAPS = 4, 16
_COLUMNS = 110
_PAIR = "#define PAIR(a, b, c, d) (((c) * 256 + (d)) * 65536 + (((a) * 256 + (b)) & 0xffff))"
_WORDS = (("BESIDE", False), ("APART", True))
"""The macros, by whether the second of two weights in 16 bits is taken as a byte without a sign."""
_NAMES = np.array([[f"{channel}{tap}" for tap in range(_TAPS)] for channel in "abcd"])


def shared_table(
    name: str, tables: Sequence[NDArray[np.generic] | None], guards: Sequence[str], comment: str
) -> str | None:
    """Return a table of several layouts as text; None where they are not those of the same blocks.

    Args:
        name: Its name in C.
        tables: The entries for MVE, for DSP and for plain C.
        guards: The conditions for the first two, and one that is never written.
        comment: What stands before it.
    """
    vectors, words, plain = tables
    if vectors is None or words is None or plain is None or vectors.size % (_CHANNELS * _TAPS):
        return None
    if [str(table.dtype) for table in (vectors, words, plain)] != ["int8", "int32", "int8"]:
        return None
    blocks = vectors.reshape(-1, _CHANNELS, _TAPS)
    macro = next((macro for macro, apart in _WORDS if np.array_equal(words, _in_words(blocks, apart))), None)
    if macro is None or not np.array_equal(plain, blocks.transpose(0, 2, 1).ravel()):
        return None
    heads = [
        f"static const {C_TYPES[str(table.dtype)]} {name}[{table.size}] = {{"
        for table in (vectors, words, plain)
    ]
    lines = [f"{macro}({texts.rows(block.ravel().tolist()).strip().rstrip(',')})," for block in blocks]
    head = f"#if {guards[1]}\n{heads[1]}\n#else\n{heads[0]}\n#endif"
    return "\n".join([f"{comment}{head}", *lines, "};"])


def _in_words(blocks: NDArray[np.generic], apart: bool) -> NDArray[np.int32]:
    rows = blocks.astype(np.int64).reshape(-1, 2, 2, _TAPS // 4, 2, 2)  # channels in pairs, taps in fours
    first, second = rows[:, :, 0], rows[:, :, 1]
    halves = (first * 256 + (second & 0xFF if apart else second)).transpose(0, 2, 1, 4, 3)
    words = halves[..., 1] * 65536 + (halves[..., 0] & 0xFFFF)
    return words.astype(np.int32).ravel()


def with_macros(guards: Sequence[str], tables: Sequence[str]) -> list[str]:
    """Return tables with the definitions of the macros that they are written with before them."""
    used = [one for one in _WORDS if any(f"\n{one[0]}(" in table for table in tables)]
    if not used:
        return list(tables)
    lines = ["/* Four channels' weights for sixteen taps, in the order of each kernel. */", _PAIR]
    for macro, apart in used:
        lines += [f"#if {guards[0]}", f"#define {macro}(...) __VA_ARGS__"]
        head = f"#define {macro}({', '.join(_NAMES.ravel())}) "
        for condition, items in ((f"#elif {guards[1]}", _words(apart)), ("#else", _NAMES.T.ravel().tolist())):
            wrapped = textwrap.wrap(head + ", ".join(items), _COLUMNS, subsequent_indent="    ")
            lines += [condition, " \\\n".join(wrapped)]
        lines.append("#endif")
    return ["\n".join(lines), *tables]


def _words(apart: bool) -> list[str]:
    byte = "({} & 0xff)" if apart else "{}"
    found = []
    for four in range(0, _TAPS, 4):
        for first, second in (_NAMES[:2], _NAMES[2:]):
            for tap in (four, four + 1):
                beside = [byte.format(second[at]) for at in (tap, tap + 2)]
                found.append(f"PAIR({first[tap]}, {beside[0]}, {first[tap + 2]}, {beside[1]})")
    return found
