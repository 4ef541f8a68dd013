"""`verify` believes nothing: whatever is changed in a folder is found."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from edgemnist.export.pipeline import export_all
from edgemnist.proof.formats import FORMATS, find_format
from edgemnist.proof.verify import verify
from edgemnist.runtime.errors import ArtifactNotFoundError, ProofError
from edgemnist.runtime.files import sha256_of


@pytest.fixture(scope="module")
def good(source, quick_mnist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    formats = [find_format(name) for name in ("int8.tflite", "float32.onnx", "float32.ort")]
    assert not any(outcome.failures for outcome in export_all(source, formats, quick_mnist, folder))
    return folder


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "artifacts")


@pytest.fixture
def failures(folder, quick_mnist):
    """Find the failures, by file."""
    return lambda: {v.file: v.failures for v in verify(folder, quick_mnist.test) if v.failures}


def edit_manifest(folder, edit):
    document = json.loads((folder / "manifest.json").read_text())
    edit(document)
    (folder / "manifest.json").write_text(json.dumps(document))


def record_of(document, file):
    return next(record for record in document["artifacts"] if record["file"] == file)


@pytest.mark.slow
def test_a_good_folder_passes_with_one_verdict_for_each_file(folder, quick_mnist):
    verdicts = verify(folder, quick_mnist.test)
    assert [(verdict.file, verdict.failures) for verdict in verdicts] == [
        ("reference.npz", ()),
        ("mnist.float32.onnx", ()),
        ("mnist.float32.ort", ()),
        ("mnist.int8.tflite", ()),
        ("mnist.keras", ()),
    ]


@pytest.mark.parametrize("file", ["mnist.float32.onnx", "mnist.int8.tflite", "mnist.keras", "reference.npz"])
def test_a_changed_byte_is_found(folder, failures, file):
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    (found,) = failures()[file]
    assert "sha256" in found


def test_a_missing_companion_is_found(folder, failures):
    (folder / "mnist.float32.required_operators.config").unlink()
    assert failures() == {"mnist.float32.ort": ("mnist.float32.required_operators.config is missing",)}


def test_a_file_that_nobody_recorded_is_found(folder, failures):
    shutil.copy(folder / "mnist.int8.tflite", folder / "better.int8.tflite")
    assert failures() == {"better.int8.tflite": ("it is not in the manifest",)}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("size_bytes", 5, "the manifest says size 5, the file"),
        ("operators", ["Relu"], "the manifest says operators ('Relu',), the file"),
        ("oldest_runtime", "ONNX Runtime 1.0", "the manifest says oldest runtime ONNX Runtime 1.0"),
        ("versions", {"opset": 9, "ir": 7}, "the manifest says versions"),
    ],
)
def test_a_false_claim_in_the_manifest_is_found(folder, failures, key, value, sentence):
    edit_manifest(folder, lambda document: record_of(document, "mnist.float32.onnx").update({key: value}))
    (found,) = failures()["mnist.float32.onnx"]
    assert found.startswith(sentence)


def test_a_false_accuracy_in_the_manifest_is_found(folder, failures):
    def boast(document):
        record_of(document, "mnist.int8.tflite")["parity"]["accuracy"] = 0.999

    edit_manifest(folder, boast)
    (found,) = failures()["mnist.int8.tflite"]
    assert found.startswith("the manifest says accuracy 99.90%, measured 9")


def test_a_model_of_another_source_is_found_though_its_hash_is_recorded(folder, failures):
    edit_manifest(folder, lambda document: document["model"].update(sha256="0" * 64))
    assert "the manifest says source sha256 0000" in " ".join(failures()["mnist.float32.onnx"])


def test_worse_answers_are_found_though_every_hash_is_right(folder, failures):
    """Another model's answers as the reference: only asking the files again finds that."""
    path = folder / "reference.npz"
    probabilities = np.load(path)["probabilities"]
    np.savez_compressed(path, probabilities=np.roll(probabilities, 1, axis=0))
    edit_manifest(folder, lambda document: document["reference"].update(sha256=sha256_of(path)))
    found = failures()
    assert found.keys() == {"mnist.float32.onnx", "mnist.float32.ort", "mnist.int8.tflite", "mnist.keras"}
    assert "another class than Keras'" in found["mnist.keras"][0]


def test_false_class_names_in_the_manifest_are_found(folder, failures):
    def rename(document):
        record = next(each for each in document["artifacts"] if each["file"] == "mnist.float32.onnx")
        record["labels"] = record["signature"]["output"]["labels"] = list("abcdefghij")

    edit_manifest(folder, rename)
    (first, *_) = failures()["mnist.float32.onnx"]
    assert "labels=('a', 'b'" in first or "the manifest says labels ('a', 'b'" in first


def test_a_reference_that_is_no_probabilities_is_refused(folder, failures):
    path = folder / "reference.npz"
    np.savez_compressed(path, probabilities=np.full((500, 10), np.nan, np.float32))
    edit_manifest(folder, lambda document: document["reference"].update(sha256=sha256_of(path)))
    assert failures() == {"reference.npz": ("its probabilities are not all numbers",)}


def test_stricter_limits_than_the_exporters_can_be_set(folder, quick_mnist):
    strict = [replace(row, tolerances=row.tolerances.replaced(atol=1e-9)) for row in FORMATS]
    verdicts = verify(folder, quick_mnist.test, formats=strict)
    failed = {verdict.file for verdict in verdicts if verdict.failures}
    assert failed == {"mnist.float32.onnx", "mnist.float32.ort", "mnist.int8.tflite"}


def test_another_test_set_is_refused(folder, mnist):
    with pytest.raises(ProofError, match=r"proved on another test set.*--data PATH"):
        verify(folder, mnist.test)


@pytest.mark.parametrize("content", [None, "{", '{"schema_version": 99}', '{"schema_version": 1}'])
def test_a_folder_without_a_readable_manifest_fails(folder, quick_mnist, content):
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_text(content)
    with pytest.raises(ProofError, match="manifest"):
        verify(folder, quick_mnist.test)


@pytest.mark.parametrize("name", ["../evil.onnx", "/etc/passwd", "a/b.onnx", ".hidden", "c:\\x", "a\n"])
def test_paths_in_a_manifest_cannot_leave_its_folder(folder, quick_mnist, name):
    edit_manifest(folder, lambda document: record_of(document, "mnist.float32.onnx").update(file=name))
    with pytest.raises(ProofError, match="is not a manifest"):
        verify(folder, quick_mnist.test)


def test_a_missing_folder_is_named(tmp_path, quick_mnist):
    with pytest.raises(ArtifactNotFoundError, match="no such folder"):
        verify(tmp_path / "absent", quick_mnist.test)
