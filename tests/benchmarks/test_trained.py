"""What a training left, read back and shown."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edgemnist.benchmarks.report.page import html
from edgemnist.benchmarks.report.training.outputs import read_trained
from edgemnist.benchmarks.report.training.plots import (
    draw_augmented,
    draw_confusion,
    draw_curves,
    draw_mistakes,
    draw_reliability,
)
from edgemnist.cli import app
from edgemnist.data.datasets import Split
from edgemnist.data.history import read_history
from edgemnist.proof.reference import Reference
from edgemnist.runtime.errors import ArtifactError, ArtifactNotFoundError

EPOCH = {
    "loss": 0.5,
    "accuracy": 0.8,
    "val_loss": 0.4,
    "val_accuracy": 0.9,
    "seconds": 2.0,
    "learning_rate": 1e-3,
}
RECORD = {
    "recipe": {"name": "notebook"},
    "seed": 7,
    "model": {"sha256": "ab"},
    "epochs": [EPOCH | {"number": number, "loss": 0.5 / number} for number in (1, 2, 3)],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "history.json").write_text(json.dumps(RECORD))
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "digits.png")
    return tmp_path


@pytest.fixture
def benchmark(synthetic, tiny_split):
    """A benchmark with answers of the model `ab`, right on half of the images."""
    probabilities = np.full((len(tiny_split), 3), 0.2, np.float32)
    said = np.where(np.arange(len(tiny_split)) % 2, tiny_split.labels, (tiny_split.labels + 1) % 3)
    probabilities[np.arange(len(tiny_split)), said] = 0.6
    return dataclasses.replace(synthetic, reference=Reference("mnist.keras", "ab", probabilities))


def test_history_is_read_from_a_folder_or_a_file(folder):
    history = read_history(folder)
    assert history == read_history(folder / "history.json")
    assert (history.name, history.model_sha256) == ("notebook, seed 7", "ab")
    assert [epoch.number for epoch in history.epochs] == [1, 2, 3]


def test_history_of_an_earlier_version_has_no_learning_rate(folder):
    epochs = [{name: value for name, value in EPOCH.items() if name != "learning_rate"} | {"number": 1}]
    (folder / "history.json").write_text(json.dumps(RECORD | {"epochs": epochs}))
    assert np.isnan(read_history(folder).epochs[0].learning_rate)


def test_missing_history_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(ArtifactNotFoundError, match=r"no such file: .*history\.json"):
        read_history(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps(RECORD | {"epochs": []}), json.dumps(RECORD | {"epochs": [{}]})]
)
def test_what_is_no_history_is_refused(tmp_path, text):
    (tmp_path / "history.json").write_text(text)
    with pytest.raises(ArtifactError, match="record"):
        read_history(tmp_path)


def test_folder_without_a_training_has_nothing_to_show(tmp_path):
    assert read_trained(tmp_path) is None


def test_page_shows_the_training_of_the_measured_model(benchmark, folder):
    page = html.render(benchmark, read_trained(folder, [folder / "history.json"]))
    assert "<h2>Training</h2>" in page
    assert "notebook, seed 7: 3 epochs in 6.00 s, validation accuracy 90.00 %" in page
    assert "20 of 40" in page
    assert page.count('alt="test image') >= 20
    assert "Reliability: expected calibration error 10.00 %" in page
    assert 'alt="The first 25 training images"' in page
    identifiers = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(identifiers) == len(set(identifiers))


def test_page_leaves_out_the_training_of_another_model(benchmark, folder):
    other = dataclasses.replace(
        benchmark, reference=dataclasses.replace(benchmark.reference, model_sha256="cd")
    )
    page = html.render(other, read_trained(folder))
    assert "is of another model" in page
    assert "validation accuracy" not in page


def test_page_without_a_training_has_no_section(benchmark):
    assert "<h2>Training</h2>" not in html.render(benchmark)


def drawn(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return len(picture.convert("RGB").getcolors(1 << 24))


def test_pictures_of_answers_are_drawn(benchmark, tmp_path):
    probabilities, split = benchmark.reference.outputs, benchmark.split
    names = ("zero", "one", "two")
    draw_confusion(tmp_path / "confusion.png", probabilities, split, names)
    draw_mistakes(tmp_path / "mistakes.png", probabilities, split, names)
    draw_reliability(tmp_path / "calibration.png", probabilities, split)
    for name in ("confusion", "mistakes", "calibration"):
        assert drawn(tmp_path / f"{name}.png") > 30


@pytest.mark.parametrize("classes", [3, 300])
def test_many_classes_and_names_of_any_length_are_drawn_on_one_page(tmp_path, classes):
    names = tuple(
        f"class $\\{number}$ with a name that is longer than its picture" for number in range(classes)
    )
    images = np.random.default_rng(0).integers(0, 256, (12, 5, 6, 3), dtype=np.uint8)
    split = Split(images, np.arange(12, dtype=np.int32) % classes)
    probabilities = np.random.default_rng(1).dirichlet(np.ones(classes), 12).astype(np.float32)
    draw_confusion(tmp_path / "confusion.png", probabilities, split, names)
    draw_mistakes(tmp_path / "mistakes.png", probabilities, split, names)
    for name in ("confusion", "mistakes"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert max(picture.size) < 2000


def test_a_model_without_a_mistake_is_drawn_too(tmp_path):
    split = Split(np.zeros((2, 3, 3), np.uint8), np.array([0, 1], np.uint8))
    probabilities = np.eye(2, dtype=np.float32)
    draw_confusion(tmp_path / "confusion.png", probabilities, split, ("0", "1"))
    draw_mistakes(tmp_path / "mistakes.png", probabilities, split, ("0", "1"))
    assert drawn(tmp_path / "confusion.png") > 5
    assert drawn(tmp_path / "mistakes.png") > 5


@pytest.mark.parametrize("variants", [(), (3,)])
def test_augmented_images_are_drawn_beside_their_originals(tmp_path, variants):
    draw = np.random.default_rng(0)
    originals = draw.integers(0, 256, (7, 5, 6), dtype=np.uint8)
    augmented = draw.integers(0, 256, (7, *variants, 5, 6), dtype=np.uint8)
    draw_augmented(tmp_path / "augmented.png", originals, augmented)
    assert drawn(tmp_path / "augmented.png") > 30


def test_curves_of_several_trainings_share_one_picture(folder):
    one = folder / "one.png"
    draw_curves(one, [read_history(folder)])
    result = CliRunner().invoke(app, ["curves", str(folder), str(folder), "-o", str(folder / "two.png")])
    assert result.stdout.strip() == str(folder / "two.png")
    assert drawn(folder / "two.png") > 30
    assert one.read_bytes() != (folder / "two.png").read_bytes()
