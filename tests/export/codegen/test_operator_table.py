from pathlib import Path

from edgemnist.export.codegen.operator_table import operator_table
from edgemnist.export.codegen.operators import OPERATORS

PAGE = Path(__file__).parents[3] / "docs" / "operators.md"


def test_the_documented_operators_are_those_of_the_registry():
    assert PAGE.read_text(encoding="utf-8") == operator_table()
    assert all(f"| {name} |" in operator_table() for name in OPERATORS)
