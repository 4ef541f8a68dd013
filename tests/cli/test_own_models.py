"""Anybody's Keras models on the command line: exported, proved again on the recorded data, answering."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

KINDS = ("digits", "photographs", "wines", "tumours", "diabetes", "irises", "brightness")
# As it always does where input and output become integers.
CONVERTER_WARNS = pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
FEW = ("float32.tflite", "int8.tflite", "float32.onnx")


@pytest.fixture(scope="session")
def own_artifacts(own_model, made_once):
    """Return a function that returns a folder with a model in a few formats, and what the export printed."""

    def exported(name: str) -> Path:
        def make(folder: Path) -> None:
            import contextlib
            import io

            from edgemnist.cli.commands.export import export

            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                export(
                    formats=list(FEW),
                    model=own_model(name) / "net.keras",
                    data=own_model(name) / "data.npz",
                    artifacts=folder,
                )
            (folder / "printed.txt").write_text(out.getvalue())
            (folder / "messages.txt").write_text(err.getvalue())

        return made_once(f"own-artifacts-{name}", make)

    return exported


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_exported_and_proved_again_on_the_recorded_data(run, own_model, own_artifacts, name):
    folder = own_artifacts(name)
    assert (folder / "printed.txt").read_text().count("passed") == 1 + len(FEW)
    code, out, err = run("verify", folder)
    assert code == 0, out
    assert f"reading the test set on record: {own_model(name) / 'data.npz'}\n" in err
    assert out.count("passed") == 2 + len(FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_passes_in_every_format(run, own_model, tmp_path, name):
    folder = own_model(name)
    options = (
        "--model",
        folder / "net.keras",
        "--data",
        folder / "data.npz",
        "--artifacts",
        tmp_path / "all",
    )
    code, out, err = run("export", "--all", *options)
    assert code == 0, err
    assert "failed" not in out
    code, out, _ = run("verify", tmp_path / "all")
    assert code == 0, out


@pytest.mark.slow
def test_an_export_begins_with_the_accuracy_of_the_model(own_artifacts):
    first = (own_artifacts("wines") / "messages.txt").read_text().splitlines()[0]
    assert first.startswith("net.keras has ")
    assert first.endswith("of the 44 test labels right")


@pytest.mark.slow
def test_a_wrong_scale_is_warned_of_with_the_one_that_is_better(run, own_model, tmp_path):
    folder = own_model("digits")
    options = ("--model", folder / "net.keras", "--data", folder / "data.npz", "--artifacts", tmp_path / "a")
    _, _, err = run("export", "-f", "keras", "--scale", "-1", "--offset", "9", *options)
    assert "warning: that is hardly better than chance. The model got raw input * -1 + 9" in err
    assert "with --scale 0.003921568627 --offset 0 it has 9" in err


def _spoil(path: Path) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    arrays["x_test"] = arrays["x_test"] + 1
    np.savez(path, **arrays)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "is not on this machine"),
        (_spoil, "are not the recorded ones"),
    ],
)
def test_verify_says_what_is_missing_of_the_recorded_data(
    run, own_model, own_artifacts, tmp_path, change, message
):
    folder = Path(shutil.copytree(own_artifacts("wines"), tmp_path / "wines"))
    data = tmp_path / "data.npz"
    shutil.copy(own_model("wines") / "data.npz", data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["data"]["path"] = str(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert run("verify", folder)[0] == 0
    change(data)
    code, _, err = run("verify", folder)
    assert code == 1
    assert message in err
    assert "--data" in err
    assert run("verify", folder, "--data", own_model("wines") / "data.npz")[0] == 0


@pytest.mark.slow
def test_looser_limits_on_record_are_not_believed_and_stricter_ones_are(run, own_artifacts, tmp_path):
    folder = Path(shutil.copytree(own_artifacts("diabetes"), tmp_path / "diabetes"))
    path = folder / "manifest.json"

    def record(**limits):
        manifest = json.loads(path.read_text())
        for artifact in manifest["artifacts"]:
            if artifact["precision"] == "int8":
                artifact["gates"] |= limits
        path.write_text(json.dumps(manifest))

    record(max_rms_error=1e-7)
    code, out, _ = run("verify", folder)
    assert code == 3
    assert "the root mean square difference of a value is" in out
    assert run("verify", folder, "--max-error", "0.5")[0] == 0  # a limit that is given replaces those
    record(max_rms_error=None, max_error=None)
    reference = folder / "reference.npz"
    with np.load(reference) as file:
        values = file["values"]
    values += np.linspace(0, np.ptp(values) / 5, len(values), dtype=np.float32)[:, None]
    np.savez_compressed(reference, values=values)
    manifest = json.loads(path.read_text())
    from edgemnist.runtime.files import sha256_of

    manifest["reference"]["sha256"] = sha256_of(reference)
    path.write_text(json.dumps(manifest))
    code, out, _ = run("verify", folder)
    line = next(line for line in out.splitlines() if line.startswith("net.int8.tflite"))
    assert "failed" in line
    assert "more than 2%" in line


def test_rows_of_numbers_are_answered_from_every_kind_of_file(run, own_model, own_artifacts, tmp_path):
    with np.load(own_model("wines") / "data.npz") as file:
        rows, labels = file["x_test"][:3], file["y_test"][:3]
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "one.npy", rows[0])
    np.savez(tmp_path / "rows.npz", rows)
    text = "\n".join(",".join(map(repr, map(float, row))) for row in rows)
    (tmp_path / "bare.csv").write_text(text)
    header = ",".join(f"column {number}" for number in range(13))
    lines = [f"{line},{label}" for line, label in zip(text.splitlines(), labels, strict=True)]
    (tmp_path / "headed.csv").write_text("\n".join([f"{header},label", *lines]))
    options = ("--artifacts", own_artifacts("wines"), "--json")
    for name in ("rows.npy", "rows.npz", "bare.csv", "headed.csv"):
        code, out, err = run("predict", tmp_path / name, *options)
        assert code == 0, err
        items = json.loads(out)["items"]
        assert [item["row"] for item in items] == [0, 1, 2]
        assert [item["index"] for item in items] == labels.tolist()
    (item,) = json.loads(run("predict", tmp_path / "one.npy", *options)[1])["items"]
    assert (item["index"], "row" in item) == (labels[0], False)
    code, out, _ = run("predict", tmp_path, "--artifacts", own_artifacts("wines"))  # every file of a folder
    assert (code, len(out.splitlines())) == (0, 13)


def test_values_are_printed_as_numbers(run, own_model, own_artifacts):
    data = own_model("diabetes") / "data.npz"
    code, out, _ = run("predict", data, "--artifacts", own_artifacts("diabetes"))
    assert code == 0
    assert [float(line.split(": ")[1]) for line in out.splitlines()]
    items = json.loads(run("predict", data, "--artifacts", own_artifacts("diabetes"), "--json")[1])["items"]
    assert items[1].keys() == {"file", "row", "values"}
    assert out.splitlines()[1].endswith(f"{items[1]['values'][0]:.6g}")


@pytest.mark.slow
def test_a_colour_picture_of_any_size_is_classified_by_name(run, own_artifacts, own_models, tmp_path):
    from PIL import Image

    patches, labels = own_models.photographs()
    flower = patches[labels == 1][90]
    Image.fromarray(np.kron(flower, np.ones((3, 3, 1), np.uint8))).save(tmp_path / "large.png")
    folder = own_artifacts("photographs")
    code, out, err = run("predict", tmp_path / "large.png", "--artifacts", folder, "--show", "--top", 9)
    assert code == 0, err
    assert out.splitlines()[0].count("%") == 2
    assert {line.split()[0] for line in out.splitlines()[-3:-1]} == {"temple", "flower"}


@pytest.mark.slow
def test_one_sigmoid_gives_two_named_classes(run, own_model, own_artifacts):
    data = own_model("tumours") / "data.npz"
    with np.load(data) as file:
        labels = file["y_test"]
    out = run("predict", data, "--artifacts", own_artifacts("tumours"), "--json", "--top", 2)[1]
    items = json.loads(out)["items"]
    found = [("malignant", "benign").index(item["label"]) for item in items]
    assert np.mean(np.array(found) == labels) > 0.9
    assert all(sum(entry["probability"] for entry in item["top"]) == pytest.approx(1) for item in items)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.txt", b"1,2,3", "has no features that can be read; received a file that ends with .txt"),
        ("rows.csv", b"1,2,3", "features of the wrong shape; received (1, 3); expected (13,) for one"),
        ("rows.csv", b"a,b\n1,x", "column b is no number; received 'x'"),
        ("rows.npy", b"\x93NUMPY", "has no array that can be read"),
        ("rows.npz", b"PK", "has no array that can be read"),
        ("photo.png", b"\x89PNG", "has no features that can be read; received a file that ends with .png"),
    ],
)
def test_what_is_no_row_of_the_models_is_one_line(run, own_artifacts, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    code, out, err = run("predict", tmp_path / name, "--artifacts", own_artifacts("wines"))
    assert (code, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1


def test_polarity_is_refused_for_a_model_without_ink(run, own_artifacts):
    code, _, err = run("predict", "x.png", "--polarity", "dark", "--artifacts", own_artifacts("photographs"))
    assert code == 1
    assert "--polarity is for models of ink on paper" in err


def test_inspect_shows_the_signature(run, own_artifacts):
    folder = own_artifacts("photographs")
    _, out, _ = run("inspect", folder / "net.float32.onnx")
    assert "  input image: uint8 (32, 32, 3)\n" in out
    assert "  output probabilities: 2 classes by softmax: temple, flower" in out
    document = json.loads(run("inspect", folder / "net.int8.tflite", "--json")[1])
    assert document["signature"]["output"]["labels"] == ["temple", "flower"]


@pytest.mark.slow
@CONVERTER_WARNS
def test_a_quantized_file_of_anyones_is_proved_against_its_float_twin(run, own_model, tmp_path):
    """TensorFlow's converter alone makes both, without names, metadata or a dynamic batch."""
    folder = own_model("digits")
    plain, quantized = _plain_files(folder, tmp_path)
    options = ("--data", folder / "data.npz", "--artifacts", tmp_path / "proven")
    code, out, err = run("export", "--model", quantized, "--reference", plain, *options)
    assert code == 0, err
    assert out.count("passed") == 2
    assert "theirs.float.tflite has 9" in err
    code, out, _ = run("verify", tmp_path / "proven")
    assert code == 0, out
    assert "theirs.int8.tflite" in out
    code, _, err = run("export", "--model", quantized, "--reference", plain, *options, "--int8")
    assert (code, "--reference proves one file as it is" in err) == (1, True)


@pytest.mark.slow
@CONVERTER_WARNS
def test_a_quantized_file_of_another_model_fails_or_does_not_fit(run, own_model, own_artifacts, tmp_path):
    plain, quantized = _plain_files(own_model("digits"), tmp_path, spoiled=True)
    options = ("--data", own_model("digits") / "data.npz", "--artifacts", tmp_path / "proven")
    code, _, err = run("export", "--model", quantized, "--reference", plain, *options)
    assert code == 3
    assert "int8.tflite: accuracy drops by" in err
    other = own_artifacts("wines") / "net.int8.tflite"
    code, _, err = run("export", "--model", other, "--reference", plain, *options, "--overwrite")
    assert code == 1
    assert "net.int8.tflite is not the quantized form of the reference; received input (13,)" in err


def _plain_files(folder: Path, to: Path, *, spoiled: bool = False) -> tuple[Path, Path]:
    import keras
    import tensorflow as tf

    model = keras.saving.load_model(folder / "net.keras")
    with np.load(folder / "data.npz") as file:
        images = file["x_train"][:100, ..., None].astype(np.float32) / 255
    plain, quantized = to / "theirs.float.tflite", to / "theirs.int8.tflite"
    plain.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    if spoiled:
        model.layers[0].set_weights([weights * 0 for weights in model.layers[0].get_weights()])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    quantized.write_bytes(converter.convert())
    return plain, quantized


@pytest.mark.parametrize("path", ["//host/share/data.npz", "\\\\host\\share\\data.npz", "data.npz"])
def test_verify_looks_for_the_recorded_data_on_this_machine_only(run, own_artifacts, tmp_path, path):
    folder = Path(shutil.copytree(own_artifacts("wines"), tmp_path / "wines"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["data"]["path"] = path
    (folder / "manifest.json").write_text(json.dumps(manifest))
    code, out, err = run("verify", folder)
    assert (code, out) == (1, "")
    assert "the recorded data set is not at a place of this machine" in err
