"""The same model, seed and versions give the same bytes in another process, whatever that made before."""

import subprocess
import sys

import pytest

from edgemnist.proof.formats import FORMATS
from edgemnist.proof.inspect.structure import read_structure

pytestmark = pytest.mark.slow  # a second export of everything, in a process that starts TensorFlow anew

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from edgemnist.export.opening import tolerances_of
from edgemnist.export.calibration import choose_calibration
from edgemnist.export.pipeline import export_all
from edgemnist.proof.formats import FORMATS
from edgemnist.export.convert.options import ExportOptions
from edgemnist.export.convert.source import load_source
from edgemnist.export.training.data import load_dataset

dataset = load_dataset(None)
source = load_source(Path(sys.argv[1]), choose_calibration(dataset.train, 10, 500, 0))
options = ExportOptions(compile=True)
formats = [replace(row, tolerances=tolerances_of(row, source)) for row in FORMATS[::-1]]
export_all(source, formats, dataset, Path(sys.argv[2]), options=options)
"""
# ONNX Runtime 1.32 writes the tables of an .ort file in the order of a hash map with a random seed.
UNREPEATABLE = [row.name for row in FORMATS if row.format == "ort"]
REPEATABLE = [row.name for row in FORMATS if row.format != "ort"]


@pytest.fixture(scope="module")
def again(artifacts, tmp_path_factory):
    """A second export of the same model, in a process of its own and in the opposite order."""
    folder = tmp_path_factory.mktemp("again")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(artifacts / "mnist.keras"), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", REPEATABLE)
def test_an_artifact_is_the_same_to_the_byte(artifacts, again, name):
    assert (again / f"mnist.{name}").read_bytes() == (artifacts / f"mnist.{name}").read_bytes()


@pytest.mark.parametrize(
    "file",
    ["reference.npz", "mnist.int8.required_operators.config", "mnist.int8_selftest.c", "mnist.int8.so"],
)
def test_what_goes_with_the_artifacts_is_the_same_to_the_byte(artifacts, again, file):
    assert (again / file).read_bytes() == (artifacts / file).read_bytes()


@pytest.mark.parametrize("name", UNREPEATABLE)
def test_an_ort_file_holds_the_same_in_any_order(artifacts, again, name):
    first, second = (read_structure(folder / f"mnist.{name}") for folder in (artifacts, again))
    assert first.operators == second.operators
    assert sorted(map(repr, first.tensors)) == sorted(map(repr, second.tensors))
    assert (first.metadata, first.versions) == (second.metadata, second.versions)


def test_the_manifest_differs_in_nothing_but_the_hashes_of_ort_files(artifacts, again):
    first, second = ((folder / "manifest.json").read_text().splitlines() for folder in (artifacts, again))
    changed = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    assert len(changed) <= len(UNREPEATABLE)
    assert all('"sha256"' in a and '"sha256"' in b for a, b in changed)
