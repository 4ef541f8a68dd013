"""A folder that changes as a whole: real processes, killed at random points while they replace a set."""

import random
import shutil
import subprocess
import sys
import time

import pytest

from edgemnist.export.convert.options import ExportOptions
from edgemnist.export.pipeline import export_all
from edgemnist.proof.formats import find_format
from edgemnist.proof.verify import verify
from edgemnist.runtime.artifact.folder import recover, staging
from edgemnist.runtime.errors import OutputError

KILLS = 12
REPLACING = """
import shutil, sys
from pathlib import Path
from edgemnist.runtime.artifact.folder import commit, staging

sets, folder = list(map(Path, sys.argv[1:-1])), Path(sys.argv[-1])
while True:
    for source in sets:
        print("next", flush=True)
        with staging(folder) as staged:
            for path in source.iterdir():
                shutil.copy(path, staged)
            commit(staged, folder)
"""


@pytest.fixture(scope="module")
def sets(source, quick_mnist, tmp_path_factory):
    """Two sets of one model: a name with other content in each, and a file that the other does not have."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    int8 = find_format("int8.tflite")
    signed = ExportOptions(io="int8")
    outcomes = (
        *export_all(source, [int8, find_format("float32.ort")], quick_mnist, first),
        *export_all(source, [int8, find_format("float16.onnx")], quick_mnist, second, options=signed),
    )
    assert not any(outcome.failures for outcome in outcomes)
    return first, second


def visible(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.slow
def test_a_killed_process_leaves_the_old_set_or_the_new_one(sets, quick_mnist, tmp_path):
    folder = tmp_path / "artifacts"
    shutil.copytree(sets[0], folder)
    seconds_a_set = timed_replacement(sets, tmp_path / "timed")
    moments = random.Random(0)
    interrupted = 0
    for _ in range(KILLS):
        process = replacing([*sets[::-1], folder])
        time.sleep(moments.uniform(0, 2 * seconds_a_set))
        process.kill()
        process.wait()
        process.stdout.close()
        interrupted += any(folder.glob(".edgemnist-*"))
        verdicts = verify(folder, quick_mnist.test)
        assert [verdict.failures for verdict in verdicts] == [()] * len(verdicts)
        assert visible(folder) in [visible(each) for each in sets]
    assert interrupted > KILLS / 2


def replacing(arguments):
    """Start a process that replaces the sets in a folder in turn, and wait until it begins."""
    process = subprocess.Popen([sys.executable, "-c", REPLACING, *arguments], stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def timed_replacement(sets, folder):
    """Return how many seconds it takes a process to replace one set by another."""
    process = replacing([*sets, folder])
    started = time.monotonic()
    for _ in range(4):
        process.stdout.readline()
    seconds = (time.monotonic() - started) / 4
    process.kill()
    process.wait()
    process.stdout.close()
    return seconds


def test_a_committed_set_is_finished_by_whoever_comes_next(sets, tmp_path):
    first, second = sets
    folder = tmp_path / "artifacts"
    shutil.copytree(first, folder)
    shutil.copytree(second, folder / ".edgemnist-committed")
    (folder / ".edgemnist-committed" / "mnist.float16.onnx").replace(
        folder / "mnist.float16.onnx"
    )  # as if moved
    assert recover(folder)
    assert visible(folder) == visible(second)
    assert not recover(folder)


def test_a_set_that_was_not_committed_changes_nothing(sets, tmp_path):
    first, second = sets
    folder = tmp_path / "artifacts"
    shutil.copytree(first, folder)
    shutil.copytree(second, folder / ".edgemnist-staged-x")
    assert not recover(folder)
    assert visible(folder) == visible(first)


def test_what_a_killed_process_left_is_removed_once_it_is_old(tmp_path):
    import os

    old, young = tmp_path / ".edgemnist-staged-old", tmp_path / ".edgemnist-staged-young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    with staging(tmp_path):
        assert not old.exists()
        assert young.exists()


def test_a_link_in_place_of_a_committed_set_is_not_followed(sets, tmp_path):
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / ".edgemnist-committed").symlink_to(sets[0])
    before = visible(sets[0])
    assert not recover(tmp_path / "artifacts")
    assert visible(sets[0]) == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write to .*file"), staging(tmp_path / "file"):
        pass
