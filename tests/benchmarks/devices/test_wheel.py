"""The wheel that devices get: what this process imports, installable without anything else."""

import io
import subprocess
import sys
import zipfile
from importlib.metadata import version

import pytest

from edgemnist.benchmarks.devices.wheel import make_wheel, wheel_name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    path = tmp_path_factory.mktemp("wheel") / wheel_name()
    path.write_bytes(make_wheel())
    return path


def test_it_has_every_module_and_the_test_images_but_not_the_training_images(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "edgemnist/cli/commands/bench.py",
        "edgemnist/runtime/predictor.py",
        "edgemnist/benchmarks/worker/__main__.py",
        "edgemnist/benchmarks/report/page/bench.html.jinja",
        "edgemnist/data/mnist/t10k-images-idx3-ubyte.gz",
    } <= names
    assert not [
        name for name in names if "train-images" in name or "__pycache__" in name or "studies" in name
    ]
    assert wheel.stat().st_size < 4_000_000


def test_it_is_the_same_bytes_each_time(wheel):
    assert make_wheel() == wheel.read_bytes()


def test_pip_installs_it_and_it_says_its_version(wheel, tmp_path):
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path),
    ]
    done = subprocess.run([*pip, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    script = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import edgemnist.cli; print(edgemnist.__file__)"
    )
    found = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(tmp_path))
    metadata = zipfile.ZipFile(io.BytesIO(wheel.read_bytes())).read(
        f"edgemnist-{version('edgemnist')}.dist-info/METADATA"
    )
    assert b"Provides-Extra: litert" in metadata
