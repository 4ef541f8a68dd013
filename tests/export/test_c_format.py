"""The format int8.c in export, inspect and verify, with and without a C compiler."""

import json
import os
import shutil
from dataclasses import replace

import pytest

from edgemnist.benchmarks.benchmark import run_benchmark
from edgemnist.benchmarks.plan import QUICK
from edgemnist.benchmarks.targets import targets_for, targets_in
from edgemnist.export.compiling import find_compiler
from edgemnist.export.exporting import export_all
from edgemnist.export.formats import find_format
from edgemnist.export.formats.options import ExportOptions
from edgemnist.export.verifying import verify
from edgemnist.runtime import read_manifest
from edgemnist.runtime.errors import ArtifactError, ConversionError, MissingCompilerError
from edgemnist.runtime.files import sha256_of
from edgemnist.runtime.structure import read_structure

ROW = find_format("int8.c")
FILES = ["mnist.int8.c", "mnist.int8.h", "mnist.int8_host.c", "mnist.int8_selftest.c"]
LIBRARY = "mnist.int8.so"


@pytest.fixture(scope="module")
def exported(source, quick_mnist, tmp_path_factory):
    """A folder with int8.c and its library."""
    folder = tmp_path_factory.mktemp("c")
    outcomes = export_all(source, [ROW], quick_mnist, folder, options=ExportOptions(compile=True))
    assert [outcome.failures for outcome in outcomes] == [(), ()]
    return folder


@pytest.fixture
def folder(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "artifacts")


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)


def verdict_of(folder, test, file="mnist.int8.c"):
    return next(verdict for verdict in verify(folder, test) if verdict.file == file)


def c_files(folder):
    return sorted(path.name for path in folder.glob("mnist.int8*"))


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


def test_without_compile_there_is_no_library_and_an_old_one_goes(folder, source, quick_mnist):
    export_all(source, [ROW], quick_mnist, folder)
    assert c_files(folder) == sorted(FILES)


def test_the_same_model_gives_the_same_files(exported, source):
    converted = ROW.convert(source, ExportOptions(compile=True))
    assert converted.content == (exported / "mnist.int8.c").read_bytes()
    for ending, content in converted.companions.items():
        assert content == (exported / f"mnist.int8{ending}").read_bytes(), ending


def test_the_c_file_tells_its_structure(exported):
    structure = read_structure(exported / "mnist.int8.c")
    assert structure.operator_names == ("FULLY_CONNECTED", "SOFTMAX")
    weights = [tensor.shape for tensor in structure.tensors if tensor.is_weight]
    assert weights == [(128, 784), (10, 128)]
    assert {tensor.dtype for tensor in structure.tensors} == {"uint8", "int8", "int32"}
    assert ROW.promise.broken_by(structure) == ()


@pytest.mark.parametrize(
    "line", ["static float x;", "double y(void);", "int z = (int)1.5;", "int z = (int)1e3;"]
)
def test_any_floating_point_in_the_code_breaks_the_promise(folder, line):
    path = folder / "mnist.int8.c"
    path.write_text(path.read_text() + line + "\n")
    (failure,) = ROW.promise.broken_by(read_structure(path))
    assert failure.endswith("in the code is float")


@pytest.mark.parametrize("content", [b"int main(void) { return 0; }", "// Größe".encode()])
def test_a_foreign_c_file_is_not_read(tmp_path, content):
    (tmp_path / "main.c").write_bytes(content)
    with pytest.raises(ArtifactError, match="not a C file that edgemnist wrote"):
        read_structure(tmp_path / "main.c")


def test_verify_compiles_the_source_anew(folder, quick_mnist):
    verdict = verdict_of(folder, quick_mnist.test)
    assert (verdict.failures, verdict.note) == ((), "")
    assert verdict.parity.accuracy == record(folder).parity["accuracy"]


@pytest.mark.parametrize("name", [*FILES, LIBRARY])
def test_a_changed_file_is_found(folder, quick_mnist, name):
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert "has sha256" in verdict_of(folder, quick_mnist.test).failures[0]


def test_a_library_of_another_model_is_found_even_if_it_is_on_record(folder, quick_mnist, artifacts):
    shutil.copy(artifacts / LIBRARY, folder)
    record_changed_file(folder, LIBRARY)
    failures = verdict_of(folder, quick_mnist.test).failures
    assert "mnist.int8.so gives other answers than what it is made of" in failures


def test_a_library_that_is_not_on_record_is_found(folder, source, quick_mnist):
    export_all(source, [ROW], quick_mnist, folder)
    (folder / LIBRARY).write_bytes(b"a stranger's")
    assert verdict_of(folder, quick_mnist.test, LIBRARY).failures == ("it is not in the manifest",)


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_nothing_is_exported_since_nothing_is_proved(source, quick_mnist, tmp_path):
    outcome = export_all(source, [ROW], quick_mnist, tmp_path / "out")[1]
    assert "no C compiler was found; received none of cc, gcc, clang. Install one" in outcome.failures[0]
    assert c_files(tmp_path / "out") == []


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_library_is_proved(folder, quick_mnist):
    verdict = verdict_of(folder, quick_mnist.test)
    assert verdict.failures == ()
    assert verdict.parity is not None


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_and_a_library_verify_says_that_only_hashes_hold(folder, quick_mnist):
    document = json.loads((folder / "manifest.json").read_text())
    for entry in document["artifacts"]:
        entry["companions"].pop(LIBRARY, None)
        entry["companion_bytes"].pop(LIBRARY, None)
    (folder / "manifest.json").write_text(json.dumps(document))
    (folder / LIBRARY).unlink()
    verdict = verdict_of(folder, quick_mnist.test)
    assert (verdict.failures, verdict.parity) == ((), None)
    assert verdict.note == "hash only, since no C compiler was found"


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
        ROW.convert(source, ExportOptions(compile=True))


def test_bench_measures_the_c_file_once(exported):
    targets = targets_in(exported, why_no_keras="not now")
    assert [(target.name, target.engine, target.skipped) for target in targets[1:]] == [
        ("mnist.int8.c", "c", "")
    ]


def test_bench_skips_a_c_file_that_is_not_compiled(folder):
    (folder / LIBRARY).unlink()
    (target,) = targets_for([folder / "mnist.int8.c"])
    assert "is not compiled" in target.skipped
    assert os.linesep not in target.skipped


def test_a_gate_that_does_not_hold_leaves_no_c_files(source, quick_mnist, tmp_path):
    strict = replace(ROW, gates=replace(ROW.gates, atol=0.0))
    export_all(source, [strict], quick_mnist, tmp_path, options=ExportOptions(compile=True))
    assert c_files(tmp_path) == []


def test_bench_times_the_library_of_the_c_file(exported, quick_mnist):
    plan = replace(QUICK, num_runs=20, min_secs=0.0)
    targets = targets_for([exported / "mnist.int8.c"])
    (row,) = run_benchmark(targets, quick_mnist.test, plan, exported).results.rows
    assert (row.status, row.reason) == ("measured", "")
    assert row.target.size_bytes == (exported / LIBRARY).stat().st_size
