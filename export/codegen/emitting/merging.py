"""Several programs in one file: what differs between them under conditions, what does not once."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from .emit import Program
from .kernel_files import read_kernel
from .sharing import shared_table, with_macros


def by_guard(guards: Sequence[str], pieces: Sequence[str | None]) -> str:
    """Return a piece of C for each variant under the condition for it, or once if all are equal.

    Args:
        guards: The conditions; the last is never written, it is what is left.
        pieces: The texts; None where a variant has none.
    """
    if len(set(pieces)) == 1:
        return pieces[0] or ""
    lines: list[str] = []
    for piece, group in groupby(zip(guards, pieces, strict=True), lambda pair: pair[1]):
        conditions = [guard for guard, _ in group]
        is_last = conditions[-1] == guards[-1]
        if is_last and piece is None:
            break
        any_of = conditions[0] if len(conditions) == 1 else f"({') || ('.join(conditions)})"
        word = "#else" if is_last else f"#{'elif' if lines else 'if'} {any_of}"
        lines.append(f"{word}\n{piece}" if piece else word)
    return "\n".join([*lines, "#endif"])


def merged(
    guards: Sequence[str], programs: Sequence[Program], pieces: Callable[[Program], dict[str, str]]
) -> dict[str, str]:
    """Return the named pieces of several programs, each under the conditions of those that have it."""
    found = [pieces(program) for program in programs]
    names: Iterable[str] = dict.fromkeys(name for each in found for name in each)
    return {name: by_guard(guards, [each.get(name) for each in found]) for name in names}


def merged_tables(guards: Sequence[str], programs: Sequence[Program]) -> list[str]:
    """Return the tables of several programs, those that are the same weights in other orders written once."""
    found = []
    for name, text in merged(guards, programs, lambda program: program.tables).items():
        comment = next(each.tables[name] for each in programs if name in each.tables)
        note = comment[: comment.index("static const")]
        shared = shared_table(name, [each.values.get(name) for each in programs], guards, note)
        found.append(text if shared is None else shared)
    return with_macros(guards, found)


def kernel_texts(program: Program) -> dict[str, str]:
    """Return the text of a program's kernel files, by name."""
    return {name: read_kernel(name).text for name in program.kernels}
