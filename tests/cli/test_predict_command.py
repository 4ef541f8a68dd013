"""`edgemnist predict` as a person or a script meets it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from edgemnist.cli import entry as cli
from edgemnist.cli.images import Palette, bars, shades
from edgemnist.data.datasets import Split


@pytest.fixture
def run(monkeypatch, capsys, artifacts):
    """Run `edgemnist predict` on the artifacts, in this process; return the exit code, stdout and stderr."""

    def run(*arguments):
        command = ["edgemnist", "predict", "--artifacts", str(artifacts), *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


@pytest.fixture
def photo(tmp_path: Path, digit) -> Path:
    """A seven, ten times as large, dark on light paper."""
    page = np.full((400, 500), 235, np.uint8)
    page[30:310, 200:480] -= (np.kron(digit, np.ones((10, 10), np.uint8)) * 0.8).astype(np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(page).save(path)
    return path


@pytest.fixture
def scans(tmp_path: Path, test_split: Split) -> Path:
    """A folder with three pictures of the model's size, and a file that is none."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(255 - test_split.inputs[number]).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.png"
    path.write_bytes(b"no picture")
    return path


def test_a_photo_gets_a_line_with_its_label(run, photo):
    code, out, err = run(photo)
    assert (code, err) == (0, "")
    assert out.startswith(f"{photo}: 7 (")
    assert len(out.splitlines()) == 1


def test_top_lists_that_many_classes(run, photo):
    assert run(photo, "--top", 3)[1].count("%") == 3
    assert run(photo, "--top", 99)[1].count("%") == 10


def test_show_draws_what_the_model_saw_and_a_bar_per_class(run, scans, test_split):
    code, out, _ = run(scans / "0.png", "--show")
    lines = out.splitlines()
    assert code == 0
    drawn = [line.ljust(56) for line in lines[1:29]]
    ink = np.array([[line[2 * column] != " " for column in range(28)] for line in drawn])
    np.testing.assert_array_equal(ink, test_split.inputs[0] >= 52)  # a fifth of 256 is drawn as nothing
    assert [line.split()[0] for line in lines[30:40]] == list("0123456789")
    assert max(lines[30:40], key=lambda line: line.count("█")).split()[0] == "7"


def test_every_picture_of_a_folder_is_classified_in_order(run, scans, test_split):
    code, out, _ = run(scans, "--json")
    pictures = json.loads(out)["pictures"]
    assert code == 0
    assert [Path(picture["file"]).name for picture in pictures] == ["0.png", "1.png", "2.png"]
    assert [picture["index"] for picture in pictures] == test_split.labels[:3].tolist()


def test_a_folder_without_pictures_says_so(run, tmp_path):
    code, out, err = run(tmp_path)
    assert (code, out) == (1, "")
    assert "no pictures in" in err
    assert ".png" in err


def test_json_is_one_document_with_the_model_and_the_probabilities(run, photo):
    code, out, _ = run(photo, "--json", "--show", "--top", 10)
    document = json.loads(out)
    (picture,) = document["pictures"]
    assert code == 0
    assert (document["model"], document["engine"]) == ("mnist.float32.onnx", "onnxruntime")
    assert (picture["label"], picture["index"]) == ("7", 7)
    assert sum(entry["probability"] for entry in picture["top"]) == pytest.approx(1, abs=1e-4)
    assert picture["top"][0] == {"label": "7", "probability": picture["confidence"]}


def test_a_bad_picture_among_good_ones_is_named_and_the_others_classified(run, photo, bad, scans):
    code, out, err = run(photo, bad, scans / "0.png")
    assert code == 1
    assert [line.split(": ")[0] for line in out.splitlines()] == [str(photo), str(scans / "0.png")]
    first, last = err.splitlines()
    assert first.startswith(f"error: {bad} is not a picture that can be decoded")
    assert last == "error: 1 of 3 pictures could not be classified"


def test_a_bad_picture_stands_in_the_json_document_too(run, photo, bad):
    code, out, _ = run(bad, photo, "--json")
    failed, fine = json.loads(out)["pictures"]
    assert code == 1
    assert (failed["file"], fine["label"]) == (str(bad), "7")
    assert "not a picture" in failed["error"]


def test_a_single_bad_picture_is_one_line_without_addresses_of_objects(run, bad):
    code, out, err = run(bad)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "received 10 bytes that begin with b'no pictu'" in err
    assert "0x" not in err


@pytest.mark.parametrize("name", ["missing.png", "[red]missing.png"])
def test_a_missing_picture_is_named(run, name):
    code, _, err = run(name)
    assert code == 1
    assert err.startswith(f"error: no such picture: {name}")


def test_a_blank_picture_is_named(run, tmp_path):
    path = tmp_path / "blank.png"
    Image.new("L", (60, 60), 200).save(path)
    code, _, err = run(path)
    assert code == 1
    assert err.startswith(f"error: {path}: a picture with nothing drawn on it")


def test_a_picture_comes_from_standard_input(run, photo, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(photo.read_bytes())))
    code, out, _ = run("-")
    assert code == 0
    assert out.startswith("-: 7 (")


@pytest.mark.parametrize(
    ("engine", "model"), [("litert", "mnist.float32.tflite"), ("tflite_micro", "mnist.int8.tflite")]
)
def test_the_engine_chooses_the_artifact(run, photo, engine, model):
    document = json.loads(run(photo, "--engine", engine, "--json")[1])
    assert (document["engine"], document["model"]) == (engine, model)
    assert document["pictures"][0]["label"] == "7"


def test_an_unknown_engine_lists_the_known_ones(run, photo):
    code, _, err = run(photo, "--engine", "nix")
    assert code == 1
    assert "expected one of onnxruntime, litert" in err


def test_an_artifact_that_the_engine_does_not_load_is_refused(run, photo, artifacts):
    code, _, err = run(photo, "--engine", "litert", "--model", artifacts / "mnist.float32.onnx")
    assert code == 1
    assert err.startswith("error:")


def test_a_polarity_that_is_given_is_kept(run, scans):
    corners = [run(scans / "0.png", "--polarity", polarity, "--show")[1].splitlines()[1][:2]
               for polarity in ("dark", "light")]  # fmt: skip
    assert corners == ["", "██"]


def test_without_artifacts_the_command_that_makes_them_is_named(run, photo, tmp_path):
    code, _, err = run(photo, "--artifacts", tmp_path / "none")
    assert code == 1
    assert "`edgemnist export --int8`" in err


def test_without_pillow_the_extra_is_named_once(run, scans, monkeypatch):
    for module in [name for name in sys.modules if name.startswith("edgemnist.runtime.inputs.decoding")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "PIL", None)
    code, _, err = run(scans)
    assert code == 1
    assert err.count("pip install 'edgemnist[image]'") == 1


def test_an_ascii_terminal_gets_ascii(artifacts, photo):
    command = [
        sys.executable,
        "-m",
        "edgemnist",
        "predict",
        "--show",
        "--artifacts",
        str(artifacts),
        str(photo),
    ]
    done = subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0, done.stderr
    assert b"##" in done.stdout
    assert done.stdout.isascii()


def test_a_drawing_fits_the_terminal():
    image = np.full((100, 100), 255, np.uint8)
    lines = shades(image, Palette.for_encoding("utf-8"), 80)
    assert {len(line) for line in lines} == {68}
    assert len(lines) == 34


def test_bars_are_as_long_as_classes_are_probable():
    prediction = SimpleNamespace(
        class_names=("cat", "giraffe"), class_probabilities=np.array([0.25, 0.75], np.float32)
    )
    assert [line.count("█") for line in bars(prediction, Palette.for_encoding("utf-8"))] == [10, 30]
