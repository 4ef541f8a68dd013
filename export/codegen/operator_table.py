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

The column "int16x8" is for files of 16-bit activations and 8-bit weights: how the operator rounds there, and
which runtime has it if only one has.

| operator | when | elements | rounding | int16x8 | notes |
|---|---|---|---|---|---|
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
        _int16(operator),
        operator.notes,
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def _int16(operator: Operator) -> str:
    same = operator.lower is None or "any" in operator.element_types
    return operator.int16 or (operator.rounding if same else "no")


if __name__ == "__main__":
    sys.stdout.write(operator_table())
