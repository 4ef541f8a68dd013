"""`export`, `formats`, `inspect` and `verify` as a person or a script meets them."""

import json
import shutil

import pytest

from edgemnist.proof.formats import FORMATS, KNOWN_FORMATS


def test_formats_lists_every_format_and_whether_it_runs_here(run):
    code, out, _ = run("formats", "--json")
    listed = json.loads(out)
    assert code == 0
    assert [row["format"] for row in listed] == [row.name for row in KNOWN_FORMATS]
    int8 = next(row for row in listed if row["format"] == "int8.tflite")
    assert (int8["suffix"], int8["engine"], int8["extra"]) == (".tflite", "litert", "litert")
    assert int8["available"] is True
    for row in KNOWN_FORMATS:
        assert row.name in run("formats")[1]


def test_inspect_draws_layers_scales_sizes_and_metadata(run, artifacts):
    code, out, _ = run("inspect", artifacts / "mnist.int8.tflite", "--arena")
    assert code == 0
    for text in (
        "input image: uint8 [batch, 28, 28], scale 0.00392157, zero point 0",
        "FULLY_CONNECTED -> int8 [batch, 128]",
        "int8 [128, 784], 128 scales",
        "100,352 bytes",
        "oldest runtime: TensorFlow Lite 2.10.0",
        "TensorFlow Lite Micro: an arena of ",
        'edgemnist.model          "mnist"',
        "output probabilities: uint8 [batch, 10], scale 0.00390625, zero point 0",
    ):
        assert text in out


@pytest.mark.parametrize("file", ["mnist.int8.onnx", "mnist.float32.ort", "mnist.keras"])
def test_inspect_gives_the_same_as_data(run, artifacts, file):
    code, out, _ = run("inspect", artifacts / file, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["size_bytes"] == (artifacts / file).stat().st_size
    assert document["inputs"][0]["shape"] == [None, 28, 28]
    assert document["operators"]


def test_inspect_of_a_file_that_is_no_model_is_one_line(run, tmp_path):
    (tmp_path / "m.tflite").write_bytes(b"no model")
    code, out, err = run("inspect", tmp_path / "m.tflite")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_verify_prints_one_line_for_each_file_and_exits_with_0(run, artifacts):
    code, out, _ = run("verify", artifacts)
    assert code == 0
    assert len(out.splitlines()) == len(FORMATS) + 2  # the reference, and the library beside the C
    assert all("  passed" in line for line in out.splitlines())


def test_verify_exits_with_3_where_something_does_not_hold(run, artifacts_copy):
    for path in artifacts_copy.glob("*"):
        if path.suffix in {".onnx", ".tflite", ".ort"}:
            path.unlink()
    code, out, err = run("verify", artifacts_copy, "--json")
    document = json.loads(out)
    assert (code, document["holds"]) == (3, False)
    failed = {file["file"]: file["failures"] for file in document["files"] if not file["holds"]}
    assert failed["mnist.int8.onnx"] == ["mnist.int8.onnx is missing"]
    assert "files failed" in err


def test_export_shows_what_failed_keeps_the_rest_and_exits_with_3(run, model_folder, tmp_path):
    shutil.copy(model_folder / "mnist.keras", tmp_path)
    code, out, err = run(
        *(
            "export",
            "--artifacts",
            tmp_path,
            "-f",
            "float32.onnx",
            "-f",
            "float16.onnx",
            "--atol",
            "1e-6",
            "--json",
        )
    )
    document = {outcome["format"]: outcome for outcome in json.loads(out)}
    assert code == 3
    assert "a probability differs by" in document["float16.onnx"]["failures"][0]
    assert "float16.onnx: a probability differs by" in err.replace("\n", " ")
    assert not (tmp_path / "mnist.float16.onnx").exists()
    assert document["keras"]["failures"] == []


def test_export_of_another_model_asks_for_overwrite(run, model_folder, artifacts_copy, tmp_path):
    other = tmp_path / "mnist.keras"
    other.write_bytes((model_folder / "mnist.keras").read_bytes())
    with other.open("ab") as file:
        file.write(b"\0")
    code, _, err = run("export", "--model", other, "--artifacts", artifacts_copy)
    assert code == 1
    assert "--overwrite" in err
