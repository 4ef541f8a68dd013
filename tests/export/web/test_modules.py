"""The WebAssembly: the runtime's bytes for any shape, with vectors and without, and it asks for nothing."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from edgemnist.export.codegen.arithmetic.fixed_point import Match
from edgemnist.export.codegen.proving.reference import random_inputs, run_reference
from edgemnist.export.web.compiler import MissingWebCompilerError, find_web_compiler
from edgemnist.export.web.modules import make_modules
from edgemnist.export.web.proving import prove_modules, run_in_wasmtime
from edgemnist.export.web.source import write_source
from edgemnist.runtime.artifact.wasm_file import (
    CODE,
    DATA,
    IMPORT,
    Section,
    read_description,
    read_sections,
    uses_vectors,
    write_sections,
)
from edgemnist.runtime.errors import ArtifactError, ProofError

from ..codegen.test_operators import binary, convolutions, dense_layers, matches

exact = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def check(content: bytes, match: Match) -> None:
    modules = make_modules(content, "model", match, find_web_compiler())
    inputs = random_inputs(modules.graph, 3, seed=1)
    expected = run_reference(content, inputs, match).outputs
    for name, module in modules.by_name.items():
        for found, right in zip(run_in_wasmtime(module, modules.graph, inputs), expected, strict=True):
            np.testing.assert_array_equal(found, right, name)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@exact
@given(content=convolutions(depthwise=False), match=matches)
def test_convolutions_are_exact(content, match):
    check(content, match)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@exact
@given(content=convolutions(depthwise=True), match=matches)
def test_depthwise_convolutions_are_exact(content, match):
    check(content, match)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@exact
@given(content=dense_layers(), match=matches)
def test_dense_layers_are_exact(content, match):
    check(content, match)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@exact
@given(content=binary("ADD"), match=matches)
def test_additions_are_exact(content, match):
    check(content, match)


def test_a_network_takes_the_kernels_for_webassembly(small):
    text = write_source(small.made_of, "small", Match.LITERT).text.decode()
    for kernel in ("conv_2d", "depthwise_conv_2d", "add", "fully_connected"):
        assert f" {kernel}_wasm(s, " in text


def test_both_modules_give_the_runtimes_bytes_in_every_engine(small):
    from edgemnist.export.web.artifact import files_of

    record, expected, of_images = prove_modules(small, files_of(small), np.empty((0, 1), np.uint8))
    assert (record.random_inputs, record.output_bytes, record.runtime) == (1000, 5000, "litert")
    assert expected[0].shape == (1000, 1, 5) and of_images == ()


def test_a_module_that_gives_other_bytes_is_found(small):
    from edgemnist.export.web.artifact import files_of

    wrong = dataclasses.replace(small, plain=changed_weight(small.plain))
    with pytest.raises(ProofError, match=r"plain .* does not give the runtime's bytes"):
        prove_modules(wrong, files_of(wrong), np.empty((0, 1), np.uint8))


def changed_weight(module: bytes) -> bytes:
    """Return a module with another weight."""
    sections = list(read_sections(module))
    number = next(number for number, section in enumerate(sections) if section.kind == DATA)
    content = bytearray(sections[number].content)
    content[40] ^= 0x55
    sections[number] = Section(DATA, bytes(content))
    return write_sections(tuple(sections))


def test_the_modules_share_their_tables_and_ask_for_nothing(small):
    simd, plain = ({s.kind: s.content for s in read_sections(one)} for one in (small.simd, small.plain))
    assert simd[DATA] == plain[DATA] and simd[CODE] != plain[CODE]
    assert IMPORT not in simd and IMPORT not in plain
    assert uses_vectors(small.simd) and not uses_vectors(small.plain)


def test_the_plain_module_runs_in_an_engine_without_vectors(small):
    import wasmtime

    config = wasmtime.Config()
    config.wasm_relaxed_simd = False
    config.wasm_simd = False
    engine = wasmtime.Engine(config)
    wasmtime.Module(engine, small.plain)
    with pytest.raises(wasmtime.WasmtimeError, match="SIMD"):
        wasmtime.Module(engine, small.simd)


def test_the_same_compiler_makes_the_same_bytes(small, compiler):
    again = make_modules.__wrapped__(small.made_of, "small", Match.LITERT, compiler)
    assert (again.simd, again.plain) == (small.simd, small.plain)


def test_without_a_compiler_one_error_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr("edgemnist.export.web.compiler._ZIG", "no_such_package")
    monkeypatch.setattr("edgemnist.export.web.compiler._clang", lambda: None)
    with pytest.raises(MissingWebCompilerError, match=r"pip install 'edgemnist\[web\]'"):
        find_web_compiler()


def test_a_damaged_module_is_an_error(small):
    for content in (b"", small.simd[:40], small.simd[:-5], b"\0asm\x01\0\0\0\x0a\xff"):
        with pytest.raises(ArtifactError):
            read_description(content)


def test_sections_are_written_as_they_were_read(small):
    assert write_sections(read_sections(small.simd)) == small.simd
