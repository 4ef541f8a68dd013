"""Weights that several kernels read in other orders are written once."""

import subprocess

import numpy as np
import pytest

from edgemnist.export.codegen import generate
from edgemnist.export.codegen.emitting.sharing import shared_table, with_macros
from edgemnist.export.codegen.emitting.writing import read_plan
from edgemnist.export.codegen.variants import dsp, mve

from .run import WARNINGS
from .test_microcontrollers import LAYERS

GUARDS = ("defined(VECTORS)", "defined(WORDS)", "")
PRINT = """
#include <stdint.h>
#include <stdio.h>
{tables}
int main(void)
{{
    for (unsigned i = 0; i < sizeof t / sizeof t[0]; ++i) {{
        printf("%d\\n", (int)t[i]);
    }}
    return 0;
}}
"""


@pytest.mark.parametrize("name", ["64 to 64", "large", "dense, bytes", "dense, with the least weight"])
def test_each_kernel_gets_its_own_order(name, tmp_path):
    (step,) = (step for step in read_plan(LAYERS[name]).steps if step.tables)
    tables = [
        variant.VARIANT.implementations[step.kernel].tables(step)[0].values.ravel() for variant in (mve, dsp)
    ]
    tables.append(step.tables[0].values.ravel())
    text = shared_table("t", tables, GUARDS, "")
    (tmp_path / "print.c").write_text(PRINT.format(tables="\n".join(with_macros(GUARDS, [text]))))
    for define, expected in zip(("VECTORS", "WORDS", "NEITHER"), tables, strict=True):
        command = ["gcc", *WARNINGS, f"-D{define}", "print.c", "-o", "print"]
        subprocess.run(command, cwd=tmp_path, check=True)
        done = subprocess.run([tmp_path / "print"], capture_output=True, check=True)
        np.testing.assert_array_equal(np.array(done.stdout.split(), np.int64), expected)


def test_the_text_is_hardly_longer_than_the_weights_once():
    weights = 64 * 3 * 3 * 64
    assert len(generate(LAYERS["64 to 64"], "model").model) < 6.5 * weights


def test_other_weights_than_those_of_the_same_blocks_are_not_shared():
    block = np.arange(64, dtype=np.int8)
    words = np.zeros(16, np.int32)
    assert shared_table("t", [block, words, block], GUARDS, "") is None
    assert shared_table("t", [None, words, block], GUARDS, "") is None
