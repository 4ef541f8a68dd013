"""Proving folders with WebAssembly, pages and older C: what is the maker's own passes, nothing else does."""

import dataclasses
import json
import re

import numpy as np
import pytest

from edgemnist.data.datasets import Split
from edgemnist.export.codegen.compiler import libraries
from edgemnist.export.codegen.proving.exactness import prove_generated
from edgemnist.export.codegen.proving.regenerate import regenerate
from edgemnist.export.tflite_source import export_kinds
from edgemnist.export.web import regenerate as web
from edgemnist.export.web.sandbox import _strange, prove_foreign_c
from edgemnist.proof.formats import FORMATS
from edgemnist.proof.inspect.structure import read_structure
from edgemnist.proof.recorded import Artifacts
from edgemnist.proof.verify import verify
from edgemnist.runtime import load_predictor
from edgemnist.runtime.artifact.manifest import read_manifest
from edgemnist.runtime.artifact.page_file import packed, read_blobs
from edgemnist.runtime.errors import ArtifactError
from edgemnist.runtime.files import sha256_of

from .conftest import raw_inputs
from .test_modules import changed_weight

NO_IMAGES = np.empty((0, 1), np.uint8)
NO_TEST = Split(np.zeros((1, 2, 2), np.uint8), np.zeros(1, np.uint8))


@pytest.fixture(scope="session")
def exported(small, tmp_path_factory):
    """A folder with C, WebAssembly and a page of the small network."""
    folder = tmp_path_factory.mktemp("small") / "small.int8.tflite"
    folder.write_bytes(small.made_of)
    export_kinds(folder, folder.parent / "artifacts", NO_IMAGES, ("c", "wasm", "html"))
    return folder.parent / "artifacts"


@pytest.fixture
def folder(exported, tmp_path):
    import shutil

    return shutil.copytree(exported, tmp_path / "artifacts")


MAKERS = {
    "generate": regenerate,
    "build": libraries,
    "prove_exact": prove_generated,
    "prove_web": web.prove_web,
    "prove_foreign_c": prove_foreign_c,
}


def verdict(folder, name):
    """Return what is found of one file."""
    manifest = read_manifest(folder)
    artifacts = Artifacts(folder, manifest, None, NO_TEST, FORMATS, {}, **MAKERS)
    return artifacts.verify(next(record for record in manifest.artifacts if record.file == name))


def record_again(folder, **changed):
    """Write the hashes of the folder's files into its manifest, as a forger would."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for record in manifest["artifacts"]:
        file = folder / record["file"]
        record["sha256"], record["size_bytes"] = sha256_of(file), file.stat().st_size
        for name in record["companions"]:
            record["companions"][name] = sha256_of(folder / name)
            record["companion_bytes"][name] = (folder / name).stat().st_size
        if "compiler" in record:
            record.update(changed)
    path.write_text(json.dumps(manifest))


@pytest.mark.slow
def test_what_was_made_here_passes_and_says_how_it_was_proven(exported):
    found = {each.file: each for each in verify(exported, NO_TEST, **MAKERS)}
    assert all(each.passed for each in found.values()), found
    for name in ("small.int8.wasm", "small.int8.html"):
        assert "1,000 random inputs are those of litert" in found[name].note


def test_the_manifest_names_the_compiler(exported, compiler):
    records = json.loads((exported / "manifest.json").read_text())["artifacts"]
    assert [record["compiler"] for record in records if record["format"] in ("wasm", "html")] == [
        compiler.name
    ] * 2


@pytest.mark.parametrize("name", ["small.int8.wasm", "small.int8.plain.wasm"])
def test_a_module_with_another_weight_fails(folder, name):
    (folder / name).write_bytes(changed_weight((folder / name).read_bytes()))
    record_again(folder)
    assert "is not what edgemnist" in verdict(folder, "small.int8.wasm").failures[0]


def test_a_module_of_another_compiler_is_run_in_a_sandbox(folder):
    for name in ("small.int8.wasm", "small.int8.plain.wasm"):
        (folder / name).write_bytes(with_another_function((folder / name).read_bytes()))
    record_again(folder, compiler="clang 99.0")
    found = verdict(folder, "small.int8.wasm")
    assert found.passed and "compiled by clang 99.0" in found.note


def test_a_page_of_another_compiler_is_run_in_a_sandbox(folder, small):
    modules = {name: with_another_function(content) for name, content in small.by_name.items()}
    other = dataclasses.replace(small, **modules, compiler="clang 99.0")
    from edgemnist.export.web.artifact import prove_without_data

    _, _, page = prove_without_data(other, "html", NO_IMAGES)
    (folder / "small.int8.html").write_bytes(page)
    record_again(folder, compiler="clang 99.0")
    found = verdict(folder, "small.int8.html")
    assert found.passed and "compiled by clang 99.0" in found.note


def with_another_function(module: bytes) -> bytes:
    """Return a module that computes the same, and is another: with a section that nothing reads."""
    from edgemnist.runtime.artifact.wasm_file import CUSTOM, Section, read_sections, write_sections

    return write_sections((Section(CUSTOM, b"\x05other"), *read_sections(module)))


def test_a_module_of_another_compiler_with_other_answers_fails(folder):
    for name in ("small.int8.wasm", "small.int8.plain.wasm"):
        (folder / name).write_bytes(changed_weight((folder / name).read_bytes()))
    record_again(folder, compiler="clang 99.0")
    assert "does not give the runtime's bytes" in verdict(folder, "small.int8.wasm").failures[0]


def test_a_module_that_wants_something_from_outside_fails(folder):
    import wasmtime

    module = wasmtime.wat2wasm('(module (import "env" "system" (func)))')
    (folder / "small.int8.wasm").write_bytes(module)
    record_again(folder, compiler="clang 99.0")
    assert not verdict(folder, "small.int8.wasm").passed


@pytest.mark.parametrize("name", ["small.int8.mjs", "small.int8.d.ts"])
def test_javascript_with_another_line_fails(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b"\nfetch('https://example.org');\n")
    record_again(folder)
    assert f"{name} is not what edgemnist" in verdict(folder, "small.int8.wasm").failures[0]


def test_a_page_with_another_script_or_another_policy_fails(folder):
    page = (folder / "small.int8.html").read_bytes()
    for before, after in ((b"</body>", b"<script>alert(1)</script></body>"), (b"&#39;none&#39;", b"*")):
        assert before in page
        (folder / "small.int8.html").write_bytes(page.replace(before, after, 1))
        record_again(folder)
        assert "small.int8.html is not what edgemnist" in verdict(folder, "small.int8.html").failures[0]


def test_a_page_packed_by_another_zlib_passes(folder):
    path = folder / "small.int8.html"
    page = path.read_bytes()
    golden = read_blobs(page)["golden"]
    import gzip

    assert packed(golden).encode() in page
    import base64

    other = base64.b85encode(gzip.compress(golden, 1, mtime=0)).translate(bytes.maketrans(b"<&", b",."))
    assert other not in page
    path.write_bytes(page.replace(packed(golden).encode(), other))
    record_again(folder)
    assert verdict(folder, "small.int8.html").passed


def test_without_the_tflite_file_or_a_compiler_it_is_unproven(folder, monkeypatch):
    from edgemnist.export.web.compiler import MissingWebCompilerError

    def missing():
        raise MissingWebCompilerError

    monkeypatch.setattr(web, "find_web_compiler", missing)
    found = verdict(folder, "small.int8.wasm")
    assert not found.failures and "pip install 'edgemnist[web]'" in found.unproven


def test_another_page_in_the_folder_is_no_artifact(folder):
    for name in ("bench.html", "other.int8.html"):
        (folder / name).write_text("<p>a page</p>")
    found = {each.file: each for each in verify(folder, NO_TEST)}
    assert "bench.html" not in found
    assert found["other.int8.html"].failures == ("it is not in the manifest",)


def older(folder):
    """Make the folder's C that of an older version, with a line that the generator here does not write."""
    for path in folder.glob("small.int8*.[ch]"):
        text = path.read_text()
        text = re.sub(r"Generated by edgemnist \S+ to", "Generated by edgemnist 0.0.7 to", text)
        path.write_text(text.replace("#include", "/* as it was */\n#include", 1))
    record_again(folder)


def test_c_of_another_version_is_proven_in_a_sandbox(folder):
    older(folder)
    found = verdict(folder, "small.int8.c")
    assert found.passed
    assert "written by edgemnist 0.0.7" in found.note and "all 5,000 bytes" in found.note


def test_c_of_another_version_with_other_answers_fails(folder):
    older(folder)
    path = folder / "small.int8.c"
    text = path.read_text()
    path.write_text(re.sub(r"(bias\[6\] = \{\n\s+)(-?\d+)", r"\g<1>9999", text))
    assert path.read_text() != text
    record_again(folder)
    assert "does not give the runtime's bytes" in verdict(folder, "small.int8.c").failures[0]


@pytest.mark.parametrize(
    "line",
    [
        '#include "/etc/passwd"',
        '__asm__(".incbin \\"/etc/passwd\\"");',
        '/* x */ #include "/etc/passwd"',
        "#pragma comment(lib, x)",
    ],
)
def test_c_of_another_version_that_reads_files_is_not_compiled(folder, line):
    older(folder)
    path = folder / "small.int8.c"
    path.write_text(f"{path.read_text()}\n{line}\n")
    record_again(folder)
    found = verdict(folder, "small.int8.c")
    assert not found.failures and "holds what no generator writes" in found.unproven


@pytest.mark.parametrize(
    "text",
    [
        'int a;\f#include "x"\n',
        '#inc\\\nlude "x"\n',
        '_Pra\\\ngma("x")\n',
        "// which goes on \\ \n/*\nint hidden;\n*/\n",
        "// which goes on \\\\\n \n/*\nint hidden;\n*/\n",
        '// x\r#include "x"\n',
        '%:include "x"\n',
        '??=include "x"\n',
        "#define A a##b\n",
        "#include <stdio.h>\n",
        "#include HEADER\n",
        '#if __has_include("/x")\n',
        "int x = '\"'; _Pragma",
        'asm(".incbin \\"x\\"");',
        'asm("nop" ".incbin x");',
        'asm("\\056incbin x");',
        '#define TEXT ".incbin"\n',
        "#define TEXT(x) #x\n",
        "/* never ends",
        '#define X /*\n#include "x" */\n',
        '#embed "x"\n',
        '_Pragma("x")',
        "#define inc asm\n",
    ],
)
def test_spellings_that_hide_a_directive_are_seen(text):
    assert list(_strange(text, '"m.h"'))


@pytest.mark.parametrize(
    "text",
    [
        '#include "m.h"\n#include <stdint.h>\n',
        "/* # asm */ int x;\n// asm\n",
        '"asm # \\" "',
        'void f(void) { __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b)); } char *b = "St. X";',
        "#pragma GCC unroll 8\n#if defined(A) && !defined(B)\n#else\n#endif\n",
        "#pragma clang loop vectorize_width(32) interleave_count(2)\n",
        '#pragma clang diagnostic ignored "-Wpass-failed"\n',
        "#define A(b, c) \\\n    b + c\n",
        "x = a % b; c = '#';",
    ],
)
def test_spellings_of_generated_c_are_allowed(text):
    assert not list(_strange(text, '"m.h"'))


def test_the_engine_runs_modules_and_the_module_in_a_page(exported, small):
    from edgemnist.runtime.engines.registry import ENGINES, EngineOptions

    inputs = raw_inputs(small, 6)[:, 0]
    answers = []
    for name in ("small.int8.wasm", "small.int8.plain.wasm", "small.int8.html"):
        path = exported / name
        engine = ENGINES["wasmtime"].load(path, path.read_bytes(), EngineOptions())
        assert engine.input.shape == (None, 9, 7, 3) and engine.output.shape == (None, 5)
        answers.append(engine.run(inputs))
        engine.close()
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_a_stranger_that_never_ends_or_lies_about_its_memory_is_an_error(small, tmp_path):
    import wasmtime

    from edgemnist.runtime.artifact.wasm_file import CUSTOM, read_sections, with_description

    document = [s.content for s in read_sections(small.simd) if s.kind == CUSTOM][-1].partition(b"{")
    path = tmp_path / "m.wasm"
    for code, place in (("(loop br 0)", 64), ("", 70000), ("", -4)):
        module = wasmtime.wat2wasm(
            f'(module (memory (export "memory") 1) (func (export "run") {code})'
            f' (func (export "input") (param i32) (result i32) (i32.const {place}))'
            f' (func (export "output") (param i32) (result i32) (i32.const {place})))'
        )
        path.write_bytes(with_description(bytes(module), b"{" + document[2], vectors=False))
        with pytest.raises(ArtifactError):
            load_predictor(path)


def test_the_structure_of_a_module_and_of_a_page_is_read(exported):
    for name, runtime in (("wasm", "2.0"), ("plain.wasm", "1.0"), ("html", "2.0")):
        structure = read_structure(exported / f"small.int8.{name}")
        assert structure.oldest_runtime == f"WebAssembly {runtime}"
