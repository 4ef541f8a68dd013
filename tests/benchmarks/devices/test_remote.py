"""`bench --device` against a real sshd, with an environment that has only what the extra litert brings."""

import json
import shutil
import subprocess
import sys
import time
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .conftest import cut_connections

pytestmark = pytest.mark.slow  # each benchmarks on a device


def bench(*options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "edgemnist", "bench", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def device_python(tmp_path_factory) -> Path:
    """A Python that has the packages of edgemnist[litert], but neither this project nor any other package."""
    folder = tmp_path_factory.mktemp("device-python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    wanted, seen = ["edgemnist[litert]"], set()
    while wanted:
        requirement = Requirement(wanted.pop())
        if requirement.name in seen:
            continue
        seen.add(requirement.name)
        found = distribution(requirement.name)
        if requirement.name != "edgemnist":
            for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                if not (site / top).exists():
                    (site / top).symlink_to(Path(str(found.locate_file(top))).resolve())
        wanted += [
            text
            for text in found.requires or ()
            if (marker := Requirement(text).marker) is None
            or any(marker.evaluate({"extra": extra}) for extra in (*requirement.extras, ""))
        ]
    return folder / "bin" / "python"


@pytest.fixture
def models(artifacts, tmp_path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("mnist.int8.tflite", "mnist.float32.onnx"):
        shutil.copy(artifacts / name, folder)
    return folder


def test_two_devices_are_measured_side_by_side_and_nothing_stays_there(
    device, device_python, models, tmp_path
):
    output = tmp_path / "out"
    done = bench("--artifacts", models, "--device", device.name, "--device", f"{device.name}:", "-o", output)
    assert "no name of a device" in done.stderr
    done = bench(
        "--artifacts", models, "--device", device.name, "--device", f"root@{device.name}", "--quick",
        "--device-python", device_python, "--output", output,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not device.left()
    for name in (device.name, f"root@{device.name}"):
        found = json.loads((output / name / "bench.json").read_text())
        measured = {row["file"]: row for row in found["rows"] if row["status"] == "measured"}
        assert measured["mnist.int8.tflite"]["figures"]["accuracy"]["accuracy"] > 0.9
        assert found["machine"]["cpu"]
        assert "ai-edge-litert" in found["machine"]["versions"]
        assert name in (output / "devices.html").read_text()
        assert name in done.stdout


def test_a_device_without_a_python_is_one_clear_error_and_the_other_is_measured(
    device, device_python, models, tmp_path
):
    options = ("--artifacts", models, "--quick", "--output", tmp_path / "out")
    done = bench(*options, "--device", device.name, "--device-python", "/no/python")
    assert done.returncode == 1
    assert f"{device.name}: could not run a Python of at least 3.11 (/no/python)" in " ".join(
        done.stderr.split()
    )
    assert not device.left()
    done = bench(
        *options, "--device", "127.0.0.1:1", "--device", device.name, "--device-python", device_python
    )
    assert done.returncode == 1
    assert "1 of 2 devices could not be measured" in done.stderr
    assert (tmp_path / "out" / device.name / "bench.json").exists()


def test_a_device_that_is_full_is_one_clear_error(device, models, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)], check=False, capture_output=True
    ).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        device.temporary.rmdir()
        device.temporary.symlink_to(full)
        done = bench("--artifacts", models, "--device", device.name, "--output", tmp_path / "out")
        assert done.returncode == 1
        assert f"{device.name}: could not copy the files to it" in " ".join(done.stderr.split())
        assert not list(full.iterdir())
    finally:
        subprocess.run(["umount", str(full)], check=True)


def test_a_wheel_that_cannot_be_installed_is_one_clear_error(device, models, tmp_path):
    done = bench("--artifacts", models, "--device", device.name, "--output", tmp_path / "out")
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert f"{device.name}: could not install the wheel and its packages" in told
    assert "No matching distribution found" in told
    assert "Traceback" not in told
    assert not device.left()


def test_a_connection_that_is_lost_while_it_measures_is_one_clear_error(
    device, device_python, models, tmp_path
):
    where = ["--device", device.name, "--device-python", device_python, "--output", tmp_path / "out"]
    command = [sys.executable, "-P", "-m", "edgemnist", "bench", "--artifacts", models, *where]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        next(line for line in process.stderr if "measuring" in line)
        wait_until(lambda: any(device.temporary.glob("*/pid")))
        cut_connections(device)
        told = " ".join(process.stderr.read().split())
    assert process.returncode == 1
    assert f"{device.name}: no connection, or it was lost" in told
    assert "Traceback" not in told
    wait_until(lambda: not device.left())


def wait_until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_is_no_model_is_told_before_any_connection(tmp_path):
    done = bench("--artifacts", tmp_path, "--device", "nobody@nowhere.invalid")
    assert done.returncode == 1
    assert "no model files" in done.stderr
