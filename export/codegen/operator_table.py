"""The table of operators in the documentation, made of the registry."""

import sys

from .operators import OPERATORS, Operator

_HEAD = """# Operators of the model as C

What `edgemnist export --format c` can make C of. Generated from the registry in `export/codegen/operators`
(`python -m edgemnist.export.codegen.operator_table > docs/operators.md`); a test keeps it up to date.

"Run time" operators give the bytes of LiteRT's reference kernels (`--match litert`) and of TensorFlow Lite
Micro (`--match tflm`), each compared with its own runtime in `tests/export/codegen` on random shapes, scales
and zero points by Hypothesis, with canaries around the arena. "Before" operators are calculated while C is
generated.

| operator | when | elements | rounding | notes |
|---|---|---|---|---|
"""


def operator_table() -> str:
    """Return the page in Markdown."""
    return _HEAD + "".join(_row(operator) for operator in OPERATORS.values())


def _row(operator: Operator) -> str:
    when = [name for name, there in (("run time", operator.lower), ("before", operator.fold)) if there]
    cells = (
        operator.name,
        " or ".join(when),
        ", ".join(operator.element_types),
        operator.rounding,
        operator.notes,
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(operator_table())
