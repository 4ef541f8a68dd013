"""A stranger's folder in the hands of each command: whatever is in it, none of its code is run."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.runtime.files import sha256_of

_SPEC = importlib.util.spec_from_file_location("foreign", Path(__file__).parents[1] / "foreign.py")
foreign = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(foreign)
SOURCE, LIBRARY = foreign.SOURCE, foreign.LIBRARY
LOAD = "import sys; from edgemnist.runtime import load_predictor; load_predictor(sys.argv[1], {arguments})"


def run(*command, **environment):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in (os.environ | environment).items() if value is not None},
    )


def edgemnist(*arguments, **environment):
    return run("-m", "edgemnist", *arguments, **environment)


@pytest.fixture
def folder(artifacts, tmp_path):
    return foreign.keep_only_c(artifacts, tmp_path / "folder")


@pytest.fixture
def trace(tmp_path):
    return tmp_path / "trace"


@pytest.fixture(params=foreign.ATTACKS, ids=lambda attack: attack.__name__)
def attacked(request, folder, trace):
    request.param(folder, trace)
    return folder


@pytest.fixture(scope="module")
def picture(test_split, tmp_path_factory):
    from PIL import Image

    path = tmp_path_factory.mktemp("picture") / "7.png"
    Image.fromarray(test_split.inputs[0]).save(path)
    return path


@pytest.fixture(scope="module")
def some(test_split, tmp_path_factory):
    images, labels = test_split.inputs[:16], test_split.labels[:16]
    path = tmp_path_factory.mktemp("some") / "some.npz"
    np.savez(path, x_train=images[:1], y_train=labels[:1], x_test=images, y_test=labels)
    return path


def bench(folder, *files, some, out, **environment):
    named = files or ("--artifacts", folder, "--engine", "c")
    quick = ("--quick", "--num-runs", 5, "--min-secs", 0, "--data", some, "--output", out)
    return edgemnist("bench", *named, *quick, **environment)


def test_the_payload_is_one(folder, trace):
    """Loaded on purpose, it leaves its trace: else the tests below could not fail."""
    foreign.swapped_library(folder, trace)
    done = run("-c", LOAD.format(arguments="run_foreign_code=True"), folder / LIBRARY)
    assert done.returncode == 0, done.stderr
    assert trace.exists()


@pytest.mark.slow
def test_verify_runs_nothing_of_it_and_exits_with_3(attacked, trace):
    done = edgemnist("verify", attacked)
    assert not trace.exists()
    assert done.returncode == 3, done.stdout + done.stderr


@pytest.mark.slow
def test_bench_runs_nothing_of_it(attacked, trace, some, tmp_path):
    files = [path for path in (attacked / SOURCE, attacked / LIBRARY) if path.exists()]
    bench(attacked, some=some, out=tmp_path / "out")
    bench(attacked, *files, some=some, out=tmp_path / "out")
    assert not trace.exists()


@pytest.mark.slow
def test_predict_and_load_predictor_run_nothing_of_it(attacked, trace, picture):
    edgemnist("predict", picture, "--artifacts", attacked)
    edgemnist("predict", picture, "--artifacts", attacked, "--engine", "c")
    for name in (SOURCE, LIBRARY):
        edgemnist("predict", picture, "--model", attacked / name)
        for arguments in ("", "engine='c'", "num_threads=2"):
            run("-c", LOAD.format(arguments=arguments), attacked / name)
    never = "import edgemnist.runtime as r; r.load_predictor(sys.argv[1], probe=r.Probe(when='never'))"
    run("-c", "import sys;" + never, attacked / LIBRARY)
    assert not trace.exists()


@pytest.mark.slow
def test_bench_of_a_foreign_library_says_why_not_and_how(folder, trace, some, tmp_path):
    foreign.swapped_library(folder, trace)
    done = bench(folder, folder / LIBRARY, some=some, out=tmp_path / "out")
    assert done.returncode == 1
    assert "mnist.int8.so is native code, and this user has not built it on this machine" in done.stderr
    done = bench(folder, folder / LIBRARY, "--run-foreign-code", some=some, out=tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert trace.exists()


@pytest.mark.slow
def test_predict_with_a_foreign_library_says_how_to_allow_it(folder, trace, picture):
    foreign.swapped_library(folder, trace)
    done = edgemnist("predict", picture, "--model", folder / SOURCE)
    assert done.returncode == 1
    assert "this user has not built it on this machine; received sha256" in done.stderr
    assert not trace.exists()
    done = edgemnist("predict", picture, "--model", folder / SOURCE, "--run-foreign-code")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(": ")[1].startswith("7 ")
    assert trace.exists()


@pytest.mark.slow
def test_c_is_not_the_default_model_where_its_library_is_foreign(folder, trace, picture):
    foreign.swapped_library(folder, trace)
    done = edgemnist("predict", picture, "--artifacts", folder, "--json")
    assert json.loads(done.stdout)["model"] == "mnist.int8.tflite"


@pytest.mark.slow
def test_own_exports_need_no_flag_in_a_fresh_shell_after_a_move(folder, picture, some, tmp_path):
    moved = shutil.move(folder, tmp_path / "elsewhere")
    done = edgemnist("predict", picture, "--artifacts", moved, "--engine", "c", "--json")
    assert json.loads(done.stdout)["model"] == LIBRARY, done.stderr
    done = bench(moved, some=some, out=tmp_path / "out")
    assert done.returncode == 0, done.stderr
    done = edgemnist("verify", moved, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {file["file"]: file for file in json.loads(done.stdout)["files"]}
    assert found[SOURCE]["parity"]["accuracy"] > 0.9
    assert found[LIBRARY]["note"] == "built here"


@pytest.mark.slow
def test_another_user_has_not_built_it(folder, tmp_path):
    """Even if it is byte for byte what the compiler here makes: it is not run, and not called proven."""
    done = edgemnist("verify", folder, XDG_DATA_HOME=str(tmp_path / "other"))
    assert done.returncode == 3
    assert "1 of 5 files are unproven" in done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(LIBRARY)]
    assert "unproven  this user has not built it on this machine" in line
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(SOURCE)]
    assert "passed  accuracy" in line


@pytest.mark.slow
def test_a_build_that_cannot_be_recorded_is_exported_with_a_warning(artifacts, picture, tmp_path):
    """As where HOME is read-only: other processes ask for what only the user can say."""
    (tmp_path / "data").write_text("")
    folder, environment = tmp_path / "out", {"XDG_DATA_HOME": str(tmp_path / "data")}
    made = ("--format", "int8.tflite", "--format", "c", "--compile", "--artifacts", folder)
    done = edgemnist("export", "--model", artifacts / "mnist.keras", *made, **environment)
    assert done.returncode == 0, done.stderr
    sha256 = sha256_of(folder / LIBRARY)
    assert f"processes load it only with sha256='{sha256}' or --run-foreign-code" in done.stderr
    predict = ("predict", picture, "--model", folder / SOURCE)
    assert "has not built it" in edgemnist(*predict, **environment).stderr
    assert edgemnist(*predict, "--run-foreign-code", **environment).returncode == 0


def test_inspect_shows_what_c_claims_as_a_claim(folder):
    done = edgemnist("inspect", folder / SOURCE)
    assert "Its own comment claims, which proves nothing:" in done.stdout
    assert "made of mnist.int8.tflite, sha256 " in done.stdout
    claims = json.loads(edgemnist("inspect", folder / SOURCE, "--json").stdout)["claims"]
    assert claims["made_of"] == "mnist.int8.tflite"
    (folder / SOURCE).write_text("int main(void) { return 0; }")
    done = edgemnist("inspect", folder / SOURCE)
    assert (done.returncode, "not a C file that edgemnist wrote" in done.stderr) == (1, True)


@pytest.mark.slow
def test_bench_compiles_no_c_for_a_target_that_it_has_not_generated_itself(folder, some, tmp_path):
    foreign.swapped_c(folder, tmp_path / "trace")
    arguments = (
        "bench",
        "--artifacts",
        folder,
        "--target",
        "cortex-m4",
        "--data",
        some,
        "-o",
        tmp_path / "o",
    )
    done = edgemnist(*arguments)
    assert done.returncode == 3
    assert "mnist.int8.c is not what edgemnist" in done.stderr
    (folder / "mnist.int8.tflite").unlink()
    done = edgemnist(*arguments)
    assert done.returncode == 3
    assert "mnist.int8.tflite is not beside it" in done.stderr
