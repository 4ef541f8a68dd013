"""libFuzzer and gcc's analyzer on every operator's kernels: nothing is undefined, and all variants agree."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings

from edgemnist.export.codegen import generate
from edgemnist.export.codegen.operators import OPERATORS

from . import test_int16 as wide
from . import test_moving as moving
from . import test_operators as single
from .run import WARNINGS
from .test_plan import networks

pytestmark = [
    pytest.mark.slow,  # dozens of programs
    pytest.mark.skipif(shutil.which("clang") is None, reason="clang not found: apt-get install clang"),
]
_FILES, _RUNS = 2, 2000
_SANITIZED = ("-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
_STRATEGIES = {
    "CONV_2D": single.convolutions(False),
    "DEPTHWISE_CONV_2D": single.convolutions(True),
    "FULLY_CONNECTED": single.dense_layers(),
    "ADD": single.binary("ADD"),
    "SUB": single.binary("SUB"),
    "MUL": single.binary("MUL"),
    "AVERAGE_POOL_2D": single.pools("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": single.pools("MAX_POOL_2D"),
    "MEAN": single.means(),
    "SOFTMAX": single.softmaxes(),
    "LOGISTIC": single.activation_layers("LOGISTIC"),
    "PAD": moving.paddings(),
    "TRANSPOSE": moving.transpositions(),
    "CONCATENATION": moving.concatenations(),
    "STRIDED_SLICE": moving.slices(),
    "RESIZE_NEAREST_NEIGHBOR": moving.resizes(),
    "BATCH_TO_SPACE_ND": moving.dilated_blocks(),
    "TILE": moving.tiles(),
    "REDUCE_MAX": moving.extremes(),
    "DEQUANTIZE": moving.float_ends().map(lambda case: case[0]),
    "CAST": wide.scaled_pixels(by_channel=True),
    "networks": networks(),
}
_WIDE_STRATEGIES = {
    "CONV_2D": wide.convolutions(False),
    "DEPTHWISE_CONV_2D": wide.convolutions(True),
    "FULLY_CONNECTED": wide.dense_layers(),
    "ADD": wide.binary("ADD"),
    "MUL": wide.binary("MUL"),
    "AVERAGE_POOL_2D": wide.pools("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": wide.pools("MAX_POOL_2D"),
    "MEAN": wide.means("MEAN"),
    "REDUCE_MIN": wide.means("REDUCE_MIN"),
    "SOFTMAX": wide.softmaxes(),
    "LEAKY_RELU": wide.unary("LEAKY_RELU", 300),
    "LOGISTIC": wide.unary("LOGISTIC", 300),
    "TANH": wide.unary("TANH", 300),
    "PAD": moving.paddings(dtype="int16"),
}
# Bytes of inputs come again where there are too few; what an arena holds before may be anything.
_TARGET = """
#include "{stem}_host.c"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{{
    static const size_t sizes[] = {{ {sizes} }};
    enum {{ INPUTS = {inputs}, ENDS = sizeof sizes / sizeof sizes[0] }};
    void *ends[ENDS], *expected[ENDS];
    size_t read = 0;

    if (size == 0) {{
        return 0;
    }}
    for (int end = 0; end < ENDS; ++end) {{
        ends[end] = malloc(sizes[end]);
        expected[end] = malloc(sizes[end]);
        for (size_t i = 0; i < sizes[end]; ++i) {{
            ((uint8_t *)ends[end])[i] = data[read++ % size];
        }}
    }}
    for (int32_t variant = 0; variant < edgemnist_variants(); ++variant) {{
        if (edgemnist_supports(variant)) {{
            /* the engine's slack, in front of which nothing may be read */
            void *arena = malloc((size_t)edgemnist_arena_bytes(variant) + 64);

            edgemnist_run(
                variant, (const void *const *)ends, (variant ? ends : expected) + INPUTS, arena);
            for (int end = INPUTS; variant > 0 && end < ENDS; ++end) {{
                if (memcmp(ends[end], expected[end], sizes[end]) != 0) {{
                    abort();
                }}
            }}
            free(arena);
        }}
    }}
    for (int end = 0; end < ENDS; ++end) {{
        free(ends[end]);
        free(expected[end]);
    }}
    return 0;
}}
"""


@pytest.mark.parametrize("name", _STRATEGIES)
def test_no_input_is_undefined_behaviour(name, tmp_path):
    _fuzz_some(_STRATEGIES[name], tmp_path)


@pytest.mark.parametrize("name", _WIDE_STRATEGIES)
def test_no_input_of_16_bits_is_undefined_behaviour(name, tmp_path):
    _fuzz_some(_WIDE_STRATEGIES[name], tmp_path)


def _fuzz_some(strategy, tmp_path):
    found = []

    @settings(single.exact, max_examples=_FILES)
    @given(strategy)
    def collect(content):
        found.append(content)

    collect()
    for number, content in enumerate(found):
        _fuzz(content, tmp_path / str(number))


def _fuzz(content, folder):
    folder.mkdir()
    sources = generate(content, "model")
    graph = sources.plan.graph
    (folder / f"{sources.stem}.c").write_bytes(sources.model)
    for ending, text in sources.companions.items():
        (folder / f"{sources.stem}{ending}").write_bytes(text)
    analyzed = ["gcc", *WARNINGS, "-O1", "-fanalyzer", "-c", f"{sources.stem}.c", "-o", "analyzed.o"]
    subprocess.run(analyzed, cwd=folder, check=True)
    sizes = ", ".join(str(tensor.size_bytes) for tensor in (*graph.inputs, *graph.outputs))
    (folder / "target.c").write_text(_TARGET.format(stem=sources.stem, sizes=sizes, inputs=len(graph.inputs)))
    command = ["clang", "-std=c99", *_SANITIZED, "target.c", "-o", "target"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(
        [folder / "target", f"-runs={_RUNS}", "-seed=1", "-max_len=4096"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(rf"Done {_RUNS} runs", done.stderr)


def test_every_kernel_is_fuzzed():
    """Operators that are not named above lower to kernels of others, or to nothing."""
    lowered = {name for name, operator in OPERATORS.items() if operator.lower}
    same = {
        *("RESHAPE", "SQUEEZE", "EXPAND_DIMS"),  # nothing
        *("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "TANH", "HARD_SWISH"),  # `lookup`
        *("SLICE", "SPLIT", "SPLIT_V", "UNPACK", "PACK", "BROADCAST_TO", "SPACE_TO_BATCH_ND"),  # `copy`
        *("PADV2", "QUANTIZE", "REDUCE_MIN"),
    }
    assert lowered - same == _STRATEGIES.keys() - {"networks"}
