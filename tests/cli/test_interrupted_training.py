"""What an interrupted `edgemnist train` leaves, and that it ends as if it had not been interrupted."""

import contextlib
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from edgemnist.cli import training
from edgemnist.cli.commands.train import train
from edgemnist.export.backend import keras
from edgemnist.export.training.checkpoint import SafeTraining, read_checkpoint
from edgemnist.export.training.data import load_dataset, validated_by_test
from edgemnist.export.training.loop import TrainingRun
from edgemnist.export.training.recipe import Recipe
from edgemnist.export.training.record import describe_origin
from edgemnist.runtime.errors import CheckpointError, OutputError
from edgemnist.runtime.files import sha256_of

app = typer.Typer()
app.command()(train)

EPOCHS = 200  # long enough that a signal arrives before the end
# A shell that starts its children in the background lets them ignore the signal.
LAUNCHER = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from edgemnist.cli import main; main()"
)
SHORT = Recipe("short", 3, 8, 0.01)


def options(data: Path, folder: Path, *more: str) -> list[str]:
    return ["--epochs", str(EPOCHS), "--data", str(data), "--artifacts", str(folder), *more]


def weights(folder: Path) -> list[np.ndarray]:
    return keras.saving.load_model(folder / "mnist.keras").get_weights()


def contents(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    result = CliRunner().invoke(app, options(data, folder))
    assert result.exit_code == 0, result.output
    return folder


@contextlib.contextmanager
def interrupted_training(data: Path, folder: Path, number: int):
    """A training that gets a signal after some epochs: its exit code and what it wrote to stderr."""
    child = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, "train", *options(data, folder)], stderr=subprocess.PIPE, text=True
    )
    try:
        told = []
        for line in child.stderr:
            told.append(line)
            if line.startswith(f"epoch {EPOCHS // 10}/"):
                child.send_signal(number)
                break
        told += child.stderr
        yield child.wait(), "".join(told)
    finally:
        child.kill()
        child.wait()
        child.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_interrupted_training_resumes_to_the_same_weights(uninterrupted, data, tmp_path, number):
    with interrupted_training(data, tmp_path, number) as (exit_code, told):
        assert exit_code != 0, told
    finished = len(read_checkpoint(tmp_path / "mnist.checkpoint.npz").epochs)
    assert EPOCHS // 10 <= finished < EPOCHS
    assert not (tmp_path / "mnist.keras").exists()
    if number != signal.SIGKILL:
        assert f"Epoch {finished} of {EPOCHS} is kept" in told
        assert "Traceback" not in told

    result = CliRunner().invoke(app, options(data, tmp_path, "--resume"))
    assert result.exit_code == 0, result.output
    assert f"Resuming after epoch {finished} of {EPOCHS}." in result.stderr
    for resumed, straight in zip(weights(tmp_path), weights(uninterrupted), strict=True):
        np.testing.assert_array_equal(resumed, straight)
    # A killed process may leave what it was writing; none of it outlives the training.
    assert contents(tmp_path).keys() == contents(uninterrupted).keys()

    history, straight = (
        json.loads((folder / "history.json").read_text()) for folder in (tmp_path, uninterrupted)
    )
    assert history["resumed_after"] == [finished]
    assert straight["resumed_after"] == []
    for epoch in (*history["epochs"], *straight["epochs"]):
        assert epoch.pop("seconds") >= epoch.pop("waited_seconds") >= 0
    assert history["epochs"] == straight["epochs"]


@pytest.fixture
def stopped(data, tmp_path) -> Path:
    """A folder with the checkpoint of a training that stopped after epoch 2 of 3."""
    dataset = load_dataset(data)
    run = TrainingRun(SHORT, validated_by_test(dataset), 0)
    origin = describe_origin(SHORT, 0, validated_by_test(dataset))
    for epoch in SafeTraining(run, tmp_path / "mnist.checkpoint.npz", origin, resume=False):
        if epoch.number == 2:
            break
    return tmp_path


def test_a_new_training_does_not_touch_an_interrupted_one_unasked(stopped, data):
    before = contents(stopped)
    with pytest.raises(CheckpointError, match="2 of 3 epochs of the recipe short, seed 0") as error:
        training.run_training(stopped, data, SHORT, 0)
    assert "--resume" in str(error.value)
    assert "--restart" in str(error.value)
    assert contents(stopped) == before


@pytest.mark.slow
def test_restart_discards_the_interrupted_training(stopped, data):
    (stopped / "augmented.png").touch()  # of an earlier training, which augmented
    training.run_training(stopped, data, SHORT, 1, resume=False)
    history = json.loads((stopped / "history.json").read_text())
    assert (history["seed"], history["resumed_after"], len(history["epochs"])) == (1, [], 3)
    assert not (stopped / "mnist.checkpoint.npz").exists()
    assert not (stopped / "augmented.png").exists()


@pytest.mark.parametrize(
    ("recipe", "seed", "both"),
    [
        (Recipe("short", 4, 8, 0.01), 0, "received recipe epochs 4; expected recipe epochs 3"),
        (SHORT, 1, "received seed 1; expected seed 0"),
    ],
)
def test_resuming_another_training_names_both(stopped, data, recipe, seed, both):
    with pytest.raises(CheckpointError, match=both):
        training.run_training(stopped, data, recipe, seed, resume=True)


def test_resuming_with_other_data_names_both(stopped, data, tmp_path):
    arrays = dict(np.load(data))
    arrays["y_test"] = arrays["y_test"][::-1]
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(
        CheckpointError, match=r"received data sha256 test labels \w{64}; expected data sha256"
    ):
        training.run_training(stopped, tmp_path / "other.npz", SHORT, 0, resume=True)


def test_resuming_with_other_versions_names_both(stopped, data, monkeypatch):
    from edgemnist.export.training import record as training_record

    monkeypatch.setattr(training_record, "version", lambda name: "1.2.3" if name == "keras" else "0")
    with pytest.raises(
        CheckpointError, match=r"received .*versions keras 1\.2\.3.*expected .*versions keras 3"
    ):
        training.run_training(stopped, data, SHORT, 0, resume=True)


def test_nothing_to_resume_is_one_error_before_tensorflow_starts(tmp_path):
    script = (
        "import sys; from edgemnist.cli.commands.train import train\n"
        "try: train(resume=True, artifacts=__import__('pathlib').Path(sys.argv[1]))\n"
        "except ValueError as error: print(error, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert (
        done.stdout == f"there is no interrupted training in {tmp_path}. Start one without --resume. False\n"
    )


@pytest.mark.parametrize("size", [0, 100, 20_000])
def test_truncated_checkpoint_says_how_to_start_over(stopped, data, size):
    path = stopped / "mnist.checkpoint.npz"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"no checkpoint that can be resumed.*--restart"):
        training.run_training(stopped, data, SHORT, 0, resume=True)


@pytest.mark.slow
def test_export_goes_on_with_the_training_it_was_interrupted_in(stopped, data, monkeypatch):
    monkeypatch.setattr(training, "NOTEBOOK", SHORT)
    training.ensure_model(stopped, data, seed=0)
    assert json.loads((stopped / "history.json").read_text())["resumed_after"] == [2]


@contextlib.contextmanager
def no_more_room_than(size_bytes: int):
    """Let every write that makes a file larger fail, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_full_disk_at_a_checkpoint_loses_nothing(data, tmp_path):
    for name in ("mnist.keras", "history.json", "digits.png"):
        (tmp_path / name).write_text("of an earlier training")
    before = contents(tmp_path)
    with no_more_room_than(20_000), pytest.raises(OutputError, match=r"cannot write .*checkpoint"):
        training.run_training(tmp_path, data, SHORT, 1)
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_full_disk_at_the_end_keeps_every_epoch(stopped, data):
    room = (stopped / "mnist.checkpoint.npz").stat().st_size + 1000
    with (
        no_more_room_than(room),
        pytest.raises(OutputError, match=r"cannot write .*mnist\.keras.*Epoch 3 of 3 is kept.*--resume"),
    ):
        training.run_training(stopped, data, SHORT, 0, resume=True)
    assert contents(stopped).keys() == {"mnist.checkpoint.npz"}
    training.run_training(stopped, data, SHORT, 0, resume=True)
    assert json.loads((stopped / "history.json").read_text())["resumed_after"] == [2, 3]
