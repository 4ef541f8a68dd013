"""The format int8.c in export, inspect and verify, with and without a C compiler."""

import importlib.util
import json
import os
import re
import shutil
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.emulation.expected import expected_answers
from edgemnist.benchmarks.emulation.model import c_models
from edgemnist.benchmarks.runner.benchmark import run_benchmark
from edgemnist.benchmarks.runner.cases import cases_for, cases_in
from edgemnist.benchmarks.runner.plan import QUICK
from edgemnist.export.codegen.compiler import find_compiler, libraries
from edgemnist.export.codegen.proving.regenerate import regenerate
from edgemnist.export.convert.options import ExportOptions
from edgemnist.export.convert.registry import convert
from edgemnist.export.pipeline import export_all
from edgemnist.proof.formats import find_format
from edgemnist.proof.verify import verify
from edgemnist.runtime import read_manifest
from edgemnist.runtime.errors import ConversionError, MissingCompilerError
from edgemnist.runtime.files import sha256_of

_SPEC = importlib.util.spec_from_file_location("foreign", Path(__file__).parents[1] / "foreign.py")
foreign = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(foreign)
ROW = find_format("int8.c")
ROWS = [find_format("int8.tflite"), ROW]
FILES = ["mnist.int8.c", "mnist.int8.h", "mnist.int8_host.c", "mnist.int8_selftest.c"]
LIBRARY = "mnist.int8.so"
VERSION = metadata.version("edgemnist")


@pytest.fixture(scope="module")
def exported(source, quick_mnist, tmp_path_factory):
    """A folder with int8.c, its library, and the TFLite file that it is made of."""
    folder = tmp_path_factory.mktemp("c")
    outcomes = export_all(source, ROWS, quick_mnist, folder, options=ExportOptions(compile=True))
    assert [outcome.failures for outcome in outcomes] == [(), (), ()]
    return folder


@pytest.fixture
def folder(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "artifacts")


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)


def verdict_of(folder, test, file="mnist.int8.c"):
    return next(
        verdict
        for verdict in verify(folder, test, generate=regenerate, build=libraries)
        if verdict.file == file
    )


def c_files(folder):
    return sorted(path.name for path in folder.glob("mnist.int8*") if path.suffix != ".tflite")


def record(folder):
    (found,) = [record for record in read_manifest(folder).artifacts if record.format == "c"]
    return found


def record_changed_file(folder, name):
    document = json.loads((folder / "manifest.json").read_text())
    for entry in document["artifacts"]:
        for files, sizes in ((entry["companions"], entry["companion_bytes"]),):
            if name in files:
                files[name] = sha256_of(folder / name)
                sizes[name] = (folder / name).stat().st_size
    (folder / "manifest.json").write_text(json.dumps(document))


def test_c_alone_means_int8_c():
    assert find_format("c") is ROW


def test_the_manifest_records_every_file_with_hash_and_size(exported):
    found = record(exported)
    assert sorted([found.file, *found.companions]) == sorted([*FILES, LIBRARY]) == c_files(exported)
    for name, sha256 in found.companions.items():
        assert sha256_of(exported / name) == sha256
        assert found.companion_bytes[name] == (exported / name).stat().st_size
    assert found.versions == {"c": 199901}
    assert found.oldest_runtime == "ISO C 1999"


@pytest.mark.slow
def test_without_compile_there_is_no_library_and_an_old_one_goes(folder, source, quick_mnist):
    export_all(source, [ROW], quick_mnist, folder)
    assert c_files(folder) == sorted(FILES)


@pytest.mark.slow
def test_the_same_model_gives_the_same_files(exported, source):
    converted = convert(ROW, source, ExportOptions(compile=True))
    assert converted.content == (exported / "mnist.int8.c").read_bytes()
    for ending, content in converted.companions.items():
        assert content == (exported / f"mnist.int8{ending}").read_bytes(), ending


def test_the_generator_tells_the_structure(source):
    structure = convert(ROW, source, ExportOptions()).structure
    assert structure.operator_names == ("FULLY_CONNECTED", "SOFTMAX", "QUANTIZE")
    weights = [tensor.shape for tensor in structure.tensors if tensor.is_weight]
    assert weights == [(128, 784), (10, 128)]
    assert {tensor.dtype for tensor in structure.tensors} == {"uint8", "int8", "int32"}
    assert ROW.spec.violations(structure, source.signature) == ()


def test_there_is_no_floating_point_in_the_code(exported):
    """The header alone has real numbers, for those who have to convert them."""
    for name in set(FILES) - {"mnist.int8.h"}:
        code = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', " ", (exported / name).read_text(), flags=re.DOTALL)
        code = re.sub(r"^#(?:include|define) .*$", " ", code, flags=re.MULTILINE)
        assert re.findall(r"\b(?:float|double)\b|\b\d+\.\d*|\B\.\d+|\b\d+[eE][+-]?\d+\b", code) == [], name


@pytest.mark.slow
def test_verify_compiles_the_source_anew(folder, quick_mnist):
    verdict = verdict_of(folder, quick_mnist.test)
    assert (verdict.failures, verdict.note) == ((), "")
    assert verdict.parity.accuracy == record(folder).parity.accuracy


@pytest.mark.parametrize("name", [*FILES, LIBRARY])
def test_a_changed_file_is_found(folder, quick_mnist, name):
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert "has sha256" in verdict_of(folder, quick_mnist.test).failures[0]


@pytest.mark.slow
def test_a_library_of_another_model_is_found_even_if_it_is_on_record(folder, quick_mnist, artifacts):
    shutil.copy(artifacts / LIBRARY, folder)
    record_changed_file(folder, LIBRARY)
    failures = verdict_of(folder, quick_mnist.test).failures
    assert "mnist.int8.so gives other answers than what it is made of" in failures


def unproven(folder, test, file="mnist.int8.c"):
    verdict = verdict_of(folder, test, file)
    assert (verdict.failures, verdict.parity, verdict.passed) == ((), None, False)
    return verdict.unproven


@pytest.mark.slow
def test_c_alone_brings_the_tflite_file_that_proves_it(source, quick_mnist, tmp_path):
    row = replace(ROW, tolerances=replace(ROW.tolerances, min_agreement=0.5))
    outcomes = export_all(source, [row], quick_mnist, tmp_path)
    assert [outcome.format.name for outcome in outcomes] == ["keras", "int8.tflite", "int8.c"]
    assert outcomes[1].format.tolerances == row.tolerances
    verdicts = verify(tmp_path, quick_mnist.test, generate=regenerate, build=libraries)
    assert all(verdict.passed for verdict in verdicts)


def test_c_without_the_tflite_file_it_was_made_of_is_unproven(folder, quick_mnist):
    (folder / "mnist.int8.tflite").unlink()
    document = json.loads((folder / "manifest.json").read_text())
    document["artifacts"] = [entry for entry in document["artifacts"] if entry["file"] != "mnist.int8.tflite"]
    (folder / "manifest.json").write_text(json.dumps(document))
    assert "mnist.int8.tflite is not beside it" in unproven(folder, quick_mnist.test)


def test_c_beside_another_tflite_file_is_unproven(folder, source, quick_mnist):
    options = ExportOptions(io="int8")
    export_all(source, ROWS[:1], quick_mnist, folder, options=options)
    assert "was made of another mnist.int8.tflite" in unproven(folder, quick_mnist.test)


def test_c_of_another_version_is_unproven_and_the_version_named(folder, quick_mnist, monkeypatch):
    monkeypatch.setattr("edgemnist.proof.generated_c.metadata.version", lambda _: "9.9.9")
    path = folder / "mnist.int8_host.c"
    path.write_text(path.read_text().replace("for big processors", "for huge processors"))
    record_changed_file(folder, path.name)
    reason = unproven(folder, quick_mnist.test)
    assert "was written by another generator" in reason
    assert f"received edgemnist {VERSION}, by its own account; expected edgemnist 9.9.9" in reason


@pytest.mark.parametrize("name", FILES)
def test_any_other_byte_in_c_is_found_though_the_manifest_records_it(folder, quick_mnist, name):
    path = folder / name
    path.write_text(path.read_text().replace("return", "return ", 1).replace("_BYTES 10", "_BYTES  10"))
    foreign.forge_manifest(folder)
    (failure,) = verdict_of(folder, quick_mnist.test).failures
    assert failure.startswith(f"{name} is not what edgemnist {VERSION} makes of mnist.int8.tflite; received")


def test_c_whose_library_source_is_not_on_record_does_not_hold(folder, quick_mnist):
    document = json.loads((folder / "manifest.json").read_text())
    for entry in document["artifacts"]:
        entry["companions"].pop("mnist.int8_host.c", None)
        entry["companion_bytes"].pop("mnist.int8_host.c", None)
    (folder / "manifest.json").write_text(json.dumps(document))
    assert verdict_of(folder, quick_mnist.test).failures == ("mnist.int8_host.c is not in the manifest",)


@pytest.mark.parametrize("images", ["", "    { 1, 2, 3 },", "    { 300 },"])
def test_a_self_test_without_inputs_of_the_model_proves_nothing(folder, quick_mnist, images):
    path = folder / "mnist.int8_selftest.c"
    text, count = re.subn(
        r"(inputs\[COUNT\]\[784\] = \{\n).*?(^\};)",
        rf"\g<1>{images}\n\g<2>",
        path.read_text(),
        flags=re.DOTALL | re.MULTILINE,
    )
    assert count == 1
    path.write_text(text)
    record_changed_file(folder, path.name)
    (failure,) = verdict_of(folder, quick_mnist.test).failures
    assert "the self-test holds no inputs of the model" in failure


@pytest.mark.parametrize("content", [b"", b"no model", bytes(5000)])
def test_a_tflite_file_that_is_none_proves_no_c(folder, quick_mnist, content):
    (folder / "mnist.int8.tflite").write_bytes(content)
    assert verdict_of(folder, quick_mnist.test).failures


@pytest.mark.slow
def test_c_of_an_int8_input_is_proven_too(source, quick_mnist, tmp_path):
    outcomes = export_all(source, ROWS, quick_mnist, tmp_path, options=ExportOptions(io="int8"))
    assert [outcome.failures for outcome in outcomes] == [(), (), ()]
    verdict = verdict_of(tmp_path, quick_mnist.test)
    assert verdict.passed
    assert verdict.parity is not None
    (model,) = c_models([tmp_path])
    signed = expected_answers(model, quick_mnist.test.inputs)
    export_all(source, ROWS, quick_mnist, tmp_path / "plain")
    (model,) = c_models([tmp_path / "plain"])
    plain = expected_answers(model, quick_mnist.test.inputs)
    np.testing.assert_array_equal(signed.inputs ^ 0x80, plain.inputs)
    np.testing.assert_array_equal(signed.outputs ^ 0x80, plain.outputs)


@pytest.mark.slow
def test_a_library_that_is_not_built_here_is_unproven_and_not_loaded(folder, quick_mnist):
    with (folder / LIBRARY).open("ab") as file:
        file.write(b"\0")
    record_changed_file(folder, LIBRARY)
    assert verdict_of(folder, quick_mnist.test).passed
    assert "this user has not built it on this machine" in unproven(folder, quick_mnist.test, LIBRARY)


@pytest.mark.slow
def test_a_library_that_is_not_on_record_is_found(folder, source, quick_mnist):
    export_all(source, [ROW], quick_mnist, folder)
    (folder / LIBRARY).write_bytes(b"a stranger's")
    assert verdict_of(folder, quick_mnist.test, LIBRARY).failures == ("it is not in the manifest",)


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_nothing_is_exported_since_nothing_is_proved(source, quick_mnist, tmp_path):
    outcome = export_all(source, [ROW], quick_mnist, tmp_path / "out")[-1]
    assert "no C compiler was found; received none of cc, gcc, clang. Install one" in outcome.unavailable
    assert c_files(tmp_path / "out") == []


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_library_is_proved(folder, quick_mnist):
    verdict = verdict_of(folder, quick_mnist.test)
    assert verdict.failures == ()
    assert verdict.parity is not None


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_and_a_library_verify_says_that_it_did_not_run_the_c(folder, quick_mnist):
    document = json.loads((folder / "manifest.json").read_text())
    for entry in document["artifacts"]:
        entry["companions"].pop(LIBRARY, None)
        entry["companion_bytes"].pop(LIBRARY, None)
    (folder / "manifest.json").write_text(json.dumps(document))
    (folder / LIBRARY).unlink()
    verdict = verdict_of(folder, quick_mnist.test)
    assert (verdict.failures, verdict.parity) == ((), None)
    assert verdict.note == "generated again and not run, since no C compiler was found"


def test_a_compiler_named_in_cc_is_taken_with_its_flags(monkeypatch):
    monkeypatch.setenv("CC", "gcc -pipe")
    assert find_compiler() == ("gcc", "-pipe")


def test_a_compiler_named_in_cc_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("CC", "/opt/absent-cc")
    with pytest.raises(MissingCompilerError, match="CC=/opt/absent-cc"):
        find_compiler()


def test_a_compiler_that_fails_is_quoted(source, monkeypatch, tmp_path):
    compiler = tmp_path / "failing"
    compiler.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(ConversionError, match=r"cannot compile mnist\.int8_host\.c; received no space left"):
        convert(ROW, source, ExportOptions(compile=True))


def test_bench_measures_the_c_file_once(exported):
    targets = cases_in(exported, why_no_keras="not now")
    assert [(target.name, target.engine, target.skipped) for target in targets if target.engine == "c"] == [
        ("mnist.int8.c", "c", "")
    ]


def test_bench_skips_a_c_file_that_is_not_compiled(folder):
    (folder / LIBRARY).unlink()
    (target,) = cases_for([folder / "mnist.int8.c"])
    assert "is not compiled" in target.skipped
    assert os.linesep not in target.skipped


@pytest.mark.slow
def test_a_gate_that_does_not_hold_leaves_no_c_files(source, quick_mnist, tmp_path):
    strict = replace(ROW, tolerances=replace(ROW.tolerances, atol=0.0))
    export_all(source, [strict], quick_mnist, tmp_path, options=ExportOptions(compile=True))
    assert c_files(tmp_path) == []


def test_bench_times_the_library_of_the_c_file(exported, quick_mnist):
    plan = replace(QUICK, num_runs=20, min_secs=0.0)
    targets = cases_for([exported / "mnist.int8.c"])
    (row,) = run_benchmark(targets, quick_mnist.test, plan, exported).results.rows
    assert (row.status, row.reason) == ("measured", "")
    assert row.case.size_bytes == (exported / LIBRARY).stat().st_size
