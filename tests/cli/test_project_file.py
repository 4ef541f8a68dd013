"""`edgemnist.toml`: a project's own options, which every command reads from the current folder."""

import json

import pytest

FORMATS = 'formats = ["float32.onnx"]\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that writes `edgemnist.toml` into the current folder, which is empty else."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "edgemnist.toml").write_text(text)
        return tmp_path

    return write


def test_export_and_verify_work_without_any_option(run, project, own_model):
    folder = own_model("wines")
    project(
        f"""
        model = "{folder / "net.keras"}"
        data = "{folder / "data.npz"}"
        artifacts = "made"
        labels = ["barolo", "grignolino", "barbera"]
        formats = ["float32.onnx"]
        """
    )
    code, out, err = run("export")
    assert code == 0, err
    assert err.splitlines()[0] == "using edgemnist.toml: model, data, labels, artifacts, formats"
    assert "net.float32.onnx" in out
    assert "tflite" not in out
    code, out, err = run("verify", "made")
    assert code == 0, out + err
    assert err.splitlines()[0] == "using edgemnist.toml: data"
    code, out, _ = run("predict", folder / "data.npz", "--json")
    assert code == 0
    assert json.loads(out)["items"][0]["label"] in ("barolo", "grignolino", "barbera")


def test_a_flag_wins(run, project, artifacts):
    project('artifacts = "nowhere"\n')
    code, _, err = run("predict", "missing.png", "--artifacts", artifacts)
    assert code == 1
    assert "no such picture: missing.png" in err


@pytest.mark.slow
def test_limits_are_read_by_export_and_verify_and_not_by_the_gate_of_bench(run, project, artifacts):
    project("[tolerances]\nmin_agreement = 1.0\n")
    code, _, err = run("verify", artifacts)
    assert code == 3
    assert err.splitlines()[0] == "using edgemnist.toml: min_agreement"
    project("[tolerances]\nmax_accuracy_drop = 0.1\n")
    assert "using" not in run("bench", "--artifacts", ".")[2]


def test_a_model_of_the_project_is_no_artifact_to_predict_with(run, project, artifacts):
    project('model = "mine.keras"\n')
    code, _, err = run("predict", "missing.png", "--artifacts", artifacts)
    assert (code, "using" in err) == (1, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modell = 'a.keras'\n", "unknown key; received modell; expected one of model, data"),
        ("modell = 'a.keras'\n", "Did you mean model?"),
        ("[input]\nkinds = 'image'\n", "unknown key in [input]; received kinds"),
        ("[input]\nkind = 'picture'\n", "Invalid enum value 'picture' - at `$.input.kind`"),
        ("[tolerances]\nmin_agreement = 99.8\n", "at `$.tolerances.min_agreement`"),
        ("[tolerances]\natol = '0.1'\n", "Expected `float`, got `str`"),
        ("input = 5\n", "Expected `object`, got `int`"),
        ("formats = 'onnx'\n", "at `$.formats`"),
        ("model = \n", "edgemnist.toml is no TOML file"),
    ],
)
def test_what_the_file_must_not_have_is_one_line(run, project, text, message):
    project(text)
    code, _, err = run("export")
    assert code == 1
    assert message in err
    assert err.count("\n") == 1


def test_help_is_shown_though_the_file_is_broken(run, project):
    project("nonsense")
    for arguments in (["--help"], ["export", "--help"], ["verify", "-h"]):
        code, out, _ = run(*arguments)
        assert (code, "Usage" in out) == (0, True)


def test_commands_that_read_nothing_of_it_say_nothing(run, project):
    project('model = "mine.keras"\n')
    code, _, err = run("formats")
    assert (code, err) == (0, "")


def test_several_numbers_of_scale_and_offset_reach_the_export(run, project, own_model):
    folder = own_model("photographs")
    here = project(
        f"""
        model = "{folder / "net.keras"}"
        data = "{folder / "data.npz"}"
        artifacts = "made"
        {FORMATS}
        [input]
        kind = "image"
        scale = [1, 1.0, 1.5]
        offset = 0.5
        """
    )
    code, _, err = run("export")
    assert code == 0, err
    signature = json.loads((here / "made/manifest.json").read_text())["signature"]
    assert signature["input"] == {
        "kind": "image",
        "shape": [32, 32, 3],
        "scale": [1.0, 1.0, 1.5],
        "offset": [0.5],
        "ink": False,
    }
