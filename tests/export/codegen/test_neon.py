"""The library's variant for 64-bit Arm, run by an emulator: the same bytes as the reference."""

import subprocess

import numpy as np
import pytest
from hypothesis import given, settings

from edgemnist.benchmarks.emulation.boards import DEVICES
from edgemnist.export.codegen import Match, generate
from edgemnist.export.codegen.proving.reference import random_inputs, run_reference

from .test_graphs import MODELS
from .test_microcontrollers import LAYERS
from .test_operators import convolutions, dense_layers, exact, matches
from .test_plan import networks

ARM = DEVICES["aarch64"]
pytestmark = pytest.mark.skipif(bool(ARM.missing), reason=ARM.missing)
_VARIANT = 1  # of the numbers in the library: 0 is plain C
# Inputs come from stdin; each variant's outputs go to stdout.
_MAIN = """
#include "model.int8_host.c"
#include <stdio.h>
#include <stdlib.h>

int main(void)
{{
    static uint8_t input[{input_bytes}], output[{output_bytes}];
    const void *inputs[] = {{ input }};
    void *outputs[] = {{ output }};

    if (!edgemnist_supports({variant})) {{
        return 1;
    }}
    while (fread(input, sizeof input, 1, stdin) == 1) {{
        for (int32_t variant = 0; variant <= {variant}; ++variant) {{
            void *arena = malloc((size_t)edgemnist_arena_bytes(variant) + 64);

            edgemnist_run(variant, inputs, outputs, arena);
            fwrite(output, sizeof output, 1, stdout);
            free(arena);
        }}
    }}
    return 0;
}}
"""


def assert_exact_on_arm(content, match, folder, *, uses=True):
    sources = generate(content, "model", match=match)
    graph = sources.plan.graph
    (folder / "model.int8.c").write_bytes(sources.model)
    for ending, text in sources.companions.items():
        (folder / f"model.int8{ending}").write_bytes(text)
    assert not uses or b"_neon(s, input, output" in sources.companions["_host.c"]
    sizes = {"input_bytes": graph.inputs[0].size_bytes, "output_bytes": graph.outputs[0].size_bytes}
    (folder / "main.c").write_text(_MAIN.format(variant=_VARIANT, **sizes))
    warnings = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
    command = [ARM.compiler, "-std=c99", *warnings, "-O2", "-static", "main.c", "-o", "main"]
    subprocess.run(command, cwd=folder, check=True)
    inputs = random_inputs(graph, 3, seed=5)
    (expected,) = run_reference(content, inputs, match).outputs
    given = np.ascontiguousarray(inputs[0]).tobytes()
    done = subprocess.run(
        [ARM.emulator[0], folder / "main"], input=given, capture_output=True, check=True, cwd=folder
    )
    found = np.frombuffer(done.stdout, expected.dtype).reshape(len(expected), _VARIANT + 1, -1)
    for variant in range(_VARIANT + 1):
        np.testing.assert_array_equal(found[:, variant], expected.reshape(len(expected), -1))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "16 to 16" else pytest.mark.slow)
        for name in LAYERS
        if name not in {"sum", "difference", "sum of small and large"}  # as in plain C
    ],
)
def test_layers_of_networks_are_exact(name, tmp_path):
    plain = {"two filters a channel", "twelve channels"}
    assert_exact_on_arm(LAYERS[name], Match.LITERT, tmp_path, uses=name not in plain)


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy", [convolutions(False), convolutions(True), dense_layers(), networks()], ids=str
)
def test_random_layers_are_exact(strategy, tmp_path_factory):
    @settings(exact, max_examples=8)
    @given(strategy, matches)
    def check(content, match):
        assert_exact_on_arm(content, match, tmp_path_factory.mktemp("arm"), uses=False)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws.int8.tflite", "resnet8.int8.tflite"])
def test_a_real_network_is_exact(name, tmp_path):
    if not (MODELS / name).is_file():
        pytest.skip("EDGEMNIST_MODELS names no folder that holds it")
    assert_exact_on_arm((MODELS / name).read_bytes(), Match.LITERT, tmp_path)
