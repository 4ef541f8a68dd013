"""What the wheel and the sdist contain."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("edgemnist", "runtime", "export", "benchmarks")
OUTSIDE_THE_WHEEL = re.compile(r"edgemnist/data/mnist/train-.*\.gz|benchmarks/studies/.*")


@pytest.fixture(scope="module")
def committed() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SOURCES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONWARNINGS": "default"},
    )  # fmt: skip
    return folder


def test_the_wheel_holds_every_source_file_and_nothing_else(distributions: Path, committed: set[str]):
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = {
        name if PurePosixPath(name).parts[0] == "edgemnist" else f"edgemnist/{name}"
        for name in committed
        if not OUTSIDE_THE_WHEEL.fullmatch(name)
    }
    assert shipped == expected


def test_a_study_runs_in_a_checkout(tmp_path: Path):
    study = [sys.executable, "-P", "-m", "edgemnist.benchmarks.studies.systems.portability", "--help"]
    done = subprocess.run(study, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--artifacts" in done.stdout


def test_the_wheel_is_small_without_the_training_images(distributions: Path):
    wheel = next(distributions.glob("*.whl"))
    assert wheel.stat().st_size < 3_000_000


def test_the_sdist_holds_every_source_file_the_training_images_and_the_studies(
    distributions: Path, committed: set[str]
):
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as sdist:
        shipped = {name.partition("/")[2] for name in sdist.getnames()}
    assert committed <= shipped
    assert "edgemnist/data/mnist/train-images-idx3-ubyte.gz" in shipped
    assert "benchmarks/studies/systems/portability.py" in shipped
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= shipped
    assert {"SECURITY.md", "CONTRIBUTING.md", "CITATION.cff", "docs/conf.py", "docs/tutorial.md"} <= shipped
    assert {"requirements/dev.txt", "examples/notebook/edgemnist.ipynb"} <= shipped


@pytest.mark.slow
def test_an_index_accepts_both_distributions(distributions: Path):
    checked = [sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions.iterdir())]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2
