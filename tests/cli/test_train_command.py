import dataclasses
import io
import json

import numpy as np
import pytest
import typer
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from edgemnist.cli import training
from edgemnist.cli.commands.train import CHARTS, train
from edgemnist.export.backend import keras
from edgemnist.export.training.recipe import NOTEBOOK, Recipe
from edgemnist.runtime.errors import DatasetError, OptionError, OutputError
from edgemnist.runtime.files import sha256_of

app = typer.Typer()
app.command()(train)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The folder and the output of `edgemnist train` on the tiny data set."""
    folder = tmp_path_factory.mktemp("artifacts")
    options = ["--epochs", "3", "--batch-size", "16", "--seed", "4", "--learning-rate", "0.01"]
    result = CliRunner().invoke(app, [*options, "--data", str(data), "--artifacts", str(folder)])
    assert result.exit_code == 0, result.output
    return folder, result


def test_model_loads_in_plain_keras_and_evaluates(trained, data):
    folder, _ = trained
    model = keras.saving.load_model(folder / "mnist.keras")
    arrays = np.load(data)
    targets = keras.utils.to_categorical(arrays["y_test"], 3)
    loss, accuracy = model.evaluate((arrays["x_test"] / 255).astype("float32"), targets, verbose=0)
    last = json.loads((folder / "history.json").read_text())["epochs"][-1]
    assert loss == pytest.approx(last["val_loss"], rel=1e-5)
    assert accuracy == pytest.approx(last["val_accuracy"])


def test_history_records_what_made_the_model(trained):
    folder, _ = trained
    history = json.loads((folder / "history.json").read_text())
    changed = dataclasses.replace(NOTEBOOK, epochs=3, batch_size=16, learning_rate=0.01)
    assert history["recipe"] == dataclasses.asdict(changed)
    assert history["seed"] == 4
    assert history["model"]["sha256"] == sha256_of(folder / "mnist.keras")
    assert history["data"]["class_names"] == ["0", "1", "2"]
    assert set(history["versions"]) == {"python", "edgemnist", "tensorflow", "keras", "numpy"}
    assert [epoch["number"] for epoch in history["epochs"]] == [1, 2, 3]
    assert all(epoch["seconds"] > 0 for epoch in history["epochs"])


@pytest.mark.parametrize("name", [name for name in CHARTS if name != "augmented.png"])
def test_pictures_are_drawn(trained, name):
    folder, _ = trained
    with Image.open(folder / name) as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("L").getcolors()) > 10


def test_files_are_listed_on_stdout_and_progress_on_stderr(trained):
    folder, result = trained
    names = [
        "mnist.keras", "history.json",
        "digits.png", "curves.png", "confusion.png", "mistakes.png", "calibration.png",
    ]  # fmt: skip
    assert result.stdout.split() == [str(folder / name) for name in names]
    assert "Total params:" in result.stderr
    assert "epoch 3/3 loss" in result.stderr
    assert "0 s left" in result.stderr


@pytest.mark.slow
def test_json_prints_the_history_alone(data, tmp_path):
    options = ["--epochs", "1", "--data", str(data), "--artifacts", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, options)
    assert json.loads(result.stdout) == json.loads((tmp_path / "history.json").read_text())


@pytest.mark.slow
def test_bar_is_shown_on_a_terminal(data, tmp_path, monkeypatch):
    terminal = Console(force_terminal=True, width=80, record=True, file=io.StringIO())
    for module in ("edgemnist.cli.console", "edgemnist.cli.progress"):
        monkeypatch.setattr(f"{module}.messages", terminal)
    training.run_training(tmp_path, data, Recipe("short", 2, 8, 0.01), 0)
    text = terminal.export_text()
    assert "epoch 2/2 ━━━━━━━━━━ loss" in text
    assert "accuracy" in text
    assert "left" in text


def test_unwritable_folder_is_found_before_training(data, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("edgemnist.export.training.loop.TrainingRun", pytest.fail)
    with pytest.raises(OutputError, match="cannot write"):
        training.run_training(tmp_path / "file" / "folder", data, Recipe("short", 1, 8, 0.01), 0)


def test_data_error_leaves_no_folder(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        training.run_training(tmp_path / "new", tmp_path / "none", Recipe("short", 1, 8, 0.01), 0)
    assert not (tmp_path / "new").exists()


def test_unknown_network_is_refused_by_its_name(tmp_path):
    result = CliRunner().invoke(app, ["--network", "resnet", "--artifacts", str(tmp_path)])
    assert str(result.exception) == "unknown network; received 'resnet'; expected one of dense, cnn"


def test_learning_rate_of_zero_is_refused(tmp_path):
    result = CliRunner().invoke(app, ["--learning-rate", "0", "--artifacts", str(tmp_path)])
    assert isinstance(result.exception, OptionError)


def test_present_model_is_not_trained_again(trained, data):
    folder, _ = trained
    before = sha256_of(folder / "mnist.keras")
    assert training.ensure_model(folder, data, seed=0) == folder / "mnist.keras"
    assert sha256_of(folder / "mnist.keras") == before


@pytest.mark.slow
def test_missing_model_is_trained_by_the_notebooks_recipe(data, tmp_path):
    path = training.ensure_model(tmp_path, data, seed=1)
    history = json.loads((tmp_path / "history.json").read_text())
    assert history["recipe"]["epochs"] == 50
    assert history["model"]["sha256"] == sha256_of(path)


@pytest.mark.slow
def test_edge_recipe_never_reads_the_test_images_before_it_is_trained(data, tmp_path, monkeypatch):
    """A data set without its test part trains to the end; only then it is missed, and nothing is lost."""
    arrays = np.load(data)
    np.savez(tmp_path / "blind.npz", x_train=arrays["x_train"], y_train=arrays["y_train"])
    finished = []
    monkeypatch.setattr(
        "edgemnist.cli.training.show_epochs",
        lambda epochs, _total, _finished: finished.extend(epoch.number for epoch in epochs),
    )
    options = ["--recipe", "edge", "--epochs", "2", "--batch-size", "16", "--artifacts", str(tmp_path)]
    result = CliRunner().invoke(app, [*options, "--data", str(tmp_path / "blind.npz")])
    assert finished == [1, 2]
    assert isinstance(result.exception, DatasetError)
    assert "x_test" in str(result.exception)

    np.savez(tmp_path / "blind.npz", **arrays)
    result = CliRunner().invoke(app, [*options, "--data", str(tmp_path / "blind.npz"), "--resume"])
    assert result.exit_code == 0, result.output
    history = json.loads((tmp_path / "history.json").read_text())
    assert history["recipe"]["name"] == "edge"
    assert history["recipe"]["epochs"] == 2
    assert history["data"]["train_images"] + history["data"]["validation_images"] == 40
    assert history["test"]["images"] == 20
    model = keras.saving.load_model(tmp_path / "mnist.keras")
    answers = model.predict((arrays["x_test"] / 255).astype("float32"), verbose=0).argmax(axis=1)
    assert history["test"]["accuracy"] == pytest.approx((answers == arrays["y_test"]).mean())


def test_unknown_recipe_names_the_known_ones(tmp_path):
    result = CliRunner().invoke(app, ["--recipe", "fast", "--artifacts", str(tmp_path)])
    assert isinstance(result.exception, OptionError)
    assert "one of notebook, edge" in str(result.exception)


def test_class_that_only_the_test_images_have_is_named(data, tmp_path):
    arrays = dict(np.load(data))
    arrays["y_test"] = arrays["y_test"] + 1
    np.savez(tmp_path / "other.npz", **arrays)
    options = ["--recipe", "edge", "--epochs", "1", "--artifacts", str(tmp_path)]
    result = CliRunner().invoke(app, [*options, "--data", str(tmp_path / "other.npz")])
    assert isinstance(result.exception, DatasetError)
    assert "classes that the training images do not have" in str(result.exception)


@pytest.mark.parametrize("recipe", ["edge", "notebook"])
@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (
            "y_train",
            lambda labels: labels + 1,
            r"start at 1.*Number the classes from 0.*--allow-empty-classes",
        ),
        ("y_train", lambda labels: np.where(labels == 2, 77, labels), "75 of the 78 classes"),
        ("y_test", lambda labels: labels + 1, "classes that the training images do not have"),
    ],
)
def test_wrong_class_numbers_are_refused_before_training(
    data, tmp_path, monkeypatch, recipe, name, change, sentence
):
    arrays = dict(np.load(data))
    np.savez(tmp_path / "mine.npz", **(arrays | {name: change(arrays[name])}))
    monkeypatch.setattr("edgemnist.export.training.loop.TrainingRun", pytest.fail)
    options = ["--recipe", recipe, "--artifacts", str(tmp_path / "new"), "--data", str(tmp_path / "mine.npz")]
    with pytest.raises(DatasetError, match=sentence):
        CliRunner().invoke(app, options, catch_exceptions=False)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_empty_classes_are_trained_when_they_are_meant_and_every_former_model_is_kept(data, tmp_path):
    arrays = dict(np.load(data))
    for part in ("y_train", "y_test"):
        arrays[part] = arrays[part] * 2
    np.savez(tmp_path / "mine.npz", **arrays)
    options = ["--epochs", "1", "--artifacts", str(tmp_path), "--data", str(tmp_path / "mine.npz")]
    models = []
    for seed in ("0", "1", "2"):
        result = CliRunner().invoke(app, [*options, "--allow-empty-classes", "--seed", seed])
        assert result.exit_code == 0, result.output
        assert (f"The former mnist.keras is kept as {tmp_path / 'previous'}" in result.stderr) == bool(models)
        models.append((tmp_path / "mnist.keras").read_bytes())
    assert json.loads((tmp_path / "history.json").read_text())["data"]["class_names"] == list("01234")
    assert sorted(path.read_bytes() for path in (tmp_path / "previous").iterdir()) == sorted(models[:-1])
