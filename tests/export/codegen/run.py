"""Generated C, compiled and run here, with the bytes of every layer."""

import ctypes
import platform
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgemnist.export.codegen import Match, generate
from edgemnist.export.codegen.proving.reference import random_inputs, run_reference

WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror")
_CANARY = 0xA5
_SLACK = 64

_TRACER = """
#include <stdint.h>
uint8_t trace[{trace} + 1];
int64_t traced;
static void record(const void *bytes, int64_t size)
{{
    for (int64_t i = 0; i < size; ++i) {{
        trace[traced++] = ((const uint8_t *)bytes)[i];
    }}
}}
#define {macro}_AFTER_LAYER(number, bytes, size) record(bytes, size)
#include "{file}_host.c"
"""


_HEADERS = tempfile.TemporaryDirectory(prefix="edgemnist-headers-")


@cache
def _intrinsics(compiler, flags):
    """Return options that have declared x86 intrinsics already, which takes longer than most models."""
    if platform.machine() != "x86_64" or compiler != "gcc":
        return ()
    header = Path(_HEADERS.name, f"{len(list(Path(_HEADERS.name).iterdir()))}.h")
    header.write_text("#include <immintrin.h>\n")
    subprocess.run([compiler, *WARNINGS, *flags, "-fPIC", header, "-o", f"{header}.gch"], check=True)
    return ("-include", str(header))


class Compiled:
    """A model in C, ready to run."""

    def __init__(self, content, name="model", match=Match.LITERT, flags=("-O1",), compiler="gcc"):
        self.content, self.match = content, match
        self.sources = generate(content, name, match=match)
        self.plan = self.sources.plan
        self.trace_bytes = sum(step.outputs[0].size_bytes for step in self.plan.steps)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / f"{name}.int8.c").write_bytes(self.sources.model)
            for ending, text in self.sources.companions.items():
                (path / f"{name}.int8{ending}").write_bytes(text)
            facts = {"trace": self.trace_bytes, "macro": name.upper(), "file": f"{name}.int8"}
            (path / "trace.c").write_text(_TRACER.format(**facts))
            options = (*WARNINGS, *flags, "-shared", "-fPIC", *_intrinsics(compiler, flags))
            command = [compiler, *options, "trace.c", "-o", "trace.so"]
            done = subprocess.run(command, cwd=path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[:3000]
            self.library = ctypes.CDLL(str(path / "trace.so"))
            self.library.edgemnist_arena_bytes.restype = ctypes.c_int64
        self.function = getattr(self.library, f"{name}_run")

    def run(self, arrays):
        """Return the outputs of one input each, and what each step wrote."""
        graph = self.plan.graph
        arrays = [np.ascontiguousarray(array) for array in arrays]
        outputs = [np.zeros(tensor.shape, tensor.dtype) for tensor in graph.outputs]
        arena = np.full(self.plan.arena_bytes + 2 * _SLACK, _CANARY, np.uint8)
        ctypes.c_int64.in_dll(self.library, "traced").value = 0
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (*arrays, *outputs)]
        self.function(*pointers, ctypes.c_void_p(arena.ctypes.data + _SLACK))
        assert (arena[:_SLACK] == _CANARY).all() and (arena[-_SLACK:] == _CANARY).all(), "outside the arena"
        trace = bytes((ctypes.c_uint8 * self.trace_bytes).in_dll(self.library, "trace"))
        steps, at = [], 0
        for step in self.plan.steps:
            tensor = step.outputs[0]
            raw = np.frombuffer(trace[at : at + tensor.size_bytes], tensor.dtype)
            steps.append(raw.reshape(tensor.shape))
            at += tensor.size_bytes
        return outputs, steps

    def run_host(self, arrays):
        """Yield the outputs of each variant of the library that this processor can run."""
        arrays = [np.ascontiguousarray(array) for array in arrays]
        for variant in range(self.library.edgemnist_variants()):
            if not self.library.edgemnist_supports(variant):
                continue
            outputs = [np.zeros(tensor.shape, tensor.dtype) for tensor in self.plan.graph.outputs]
            # As the engine gives it, with slack for what vectors read too much; the front is a canary.
            arena = np.full(self.library.edgemnist_arena_bytes(variant) + 2 * _SLACK, _CANARY, np.uint8)
            given, taken = (
                (ctypes.c_void_p * len(these))(*(one.ctypes.data for one in these))
                for these in (arrays, outputs)
            )
            ctypes.c_int64.in_dll(self.library, "traced").value = 0
            self.library.edgemnist_run(variant, given, taken, ctypes.c_void_p(arena.ctypes.data + _SLACK))
            assert (arena[:_SLACK] == _CANARY).all() and (arena[-_SLACK:] == _CANARY).all(), (
                "outside the arena"
            )
            yield outputs


def assert_exact(content, match=Match.LITERT, inputs=None, count=3, **options):
    """Check that C and the runtime that it matches give the same bytes."""
    compiled = Compiled(content, match=match, **options)
    inputs = inputs or random_inputs(compiled.plan.graph, count, seed=1)
    golden = run_reference(content, inputs, match)
    for number in range(len(inputs[0])):
        outputs, _ = compiled.run([array[number] for array in inputs])
        for each in (outputs, *compiled.run_host([array[number] for array in inputs])):
            for found, expected in zip(each, golden.outputs, strict=True):
                np.testing.assert_array_equal(found, expected[number].reshape(found.shape))
    return compiled


def assert_layers_exact(content, count=20, **options):
    """Check that each layer's bytes are those of LiteRT's reference kernels."""
    compiled = Compiled(content, **options)
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (end,) = interpreter.get_input_details()
    numbers = {detail["name"]: detail["index"] for detail in interpreter.get_tensor_details()}
    last = {step.outputs[0]: position for position, step in enumerate(compiled.plan.steps)}
    for array in random_inputs(compiled.plan.graph, count, seed=2)[0]:
        interpreter.set_tensor(end["index"], array)
        interpreter.invoke()
        _, steps = compiled.run([array])
        for tensor, position in last.items():
            expected = interpreter.get_tensor(numbers[tensor.name])
            np.testing.assert_array_equal(steps[position], expected.reshape(tensor.shape), tensor.name)
    return compiled
