"""`edgemnist size`: the table, JSON, the picture, and what does not fit."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from edgemnist.cli import app
from edgemnist.export.backend import keras
from edgemnist.runtime.errors import ProofError


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    layers = [
        keras.Input((12, 12, 1)),
        keras.layers.Conv2D(4, 3),
        keras.layers.Flatten(),
        keras.layers.Dense(5),
    ]
    path = tmp_path_factory.mktemp("size") / "untrained.keras"
    keras.Sequential(layers).save(path)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["size", *map(str, arguments)])


def test_an_untrained_model_has_a_size_and_a_picture(untrained, tmp_path):
    picture = tmp_path / "map.png"
    done = run(untrained, "--json", "--map", picture, "--flash", "64k", "--ram", "8k")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["fits"]
    assert [layer["operator"] for layer in document["layers"]] == ["CONV_2D", "FULLY_CONNECTED"]
    assert document["arena_bytes"] == 400
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_what_does_not_fit_is_a_proof_error_with_the_layer(untrained):
    done = run(untrained, "--ram", "300")
    assert isinstance(done.exception, ProofError)
    assert "of RAM and there are 300: most is in use at CONV_2D" in str(done.exception)
    assert "FULLY_CONNECTED" in done.stdout


@pytest.mark.parametrize("options", [("--ram", "many"), ("--target", "s390x")])
def test_wrong_options_are_refused(untrained, options):
    assert run(untrained, *options).exit_code != 0


def test_another_file_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(1))
    assert "cannot tell the size of x.npy" in str(run(tmp_path / "x.npy").exception)
