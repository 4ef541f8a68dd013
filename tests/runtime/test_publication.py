"""A set that replaces another: killed at every step, read at every moment; what becomes of the old."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgemnist.runtime.artifact.folder import commit, recover, staging
from edgemnist.runtime.artifact.lookup import find_expected_hash, newer_model
from edgemnist.runtime.artifact.manifest import read_manifest
from edgemnist.runtime.artifact.previous import keep_model
from edgemnist.runtime.artifact.settling import read_settled
from edgemnist.runtime.errors import IntegrityError, OutputError

SPEC = {"name": "image", "dtype": "uint8", "shape": [None, 2, 2], "scale": 1.0, "zero_point": 0}
# The program sets an audit hook that kills its process at the n-th change of a file, without any clearing up.
KILLED = """
import os, signal, sys
from pathlib import Path
from tests_publication import publish
folder, new = map(Path, sys.argv[1:3])
EVENTS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "shutil.rmtree", "shutil.copyfile")
step = 0
while True:
    step += 1
    import shutil
    work = folder.with_name(f"step{step}")
    shutil.copytree(folder, work)
    child = os.fork()
    if not child:
        left = step
        def hook(event, arguments):
            global left
            if event in EVENTS:
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        publish(new, work)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WIFSIGNALED(status), status
print(step - 1)
"""
PUBLISHING = """
import itertools, sys
from pathlib import Path
from tests_publication import publish
folder, *sets = map(Path, sys.argv[1:])
for new in itertools.cycle(sets):
    publish(new, folder)
    print("published", flush=True)
"""


def publish(new: Path, folder: Path) -> None:
    with staging(folder) as staged:
        for path in new.iterdir():
            shutil.copy(path, staged)
        commit(staged, folder)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_set(folder: Path, artifacts: dict[str, bytes], model: tuple[str, bytes] = ("mnist.keras", b"")):
    """Make a folder of files with a manifest of them, which holds for hashes alone."""
    folder.mkdir()
    contents = {model[0]: model[1] or artifacts[min(artifacts)], "reference.npz": repr(artifacts).encode()}
    for name, content in (contents | artifacts).items():
        (folder / name).write_bytes(content)
    hashes = {name: sha256(content) for name, content in contents.items()}
    manifest = {
        "schema_version": 1,
        "model": {"name": "mnist", "file": model[0], "sha256": hashes[model[0]]},
        "dataset": dict.fromkeys(("train_images", "train_labels", "test_images", "test_labels"), "0" * 64),
        "reference": {"file": "reference.npz", "sha256": hashes["reference.npz"]},
        "tools": {"edgemnist": "0"},
        "artifacts": [record(name, content) for name, content in artifacts.items()],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    read_manifest(folder)
    return folder


def record(name: str, content: bytes) -> dict[str, object]:
    _, precision, suffix = name.split(".")
    parity = {
        "images": 4, "accuracy": 1.0, "reference_accuracy": 1.0, "agreement": 1.0, "broke": 0, "fixed": 0,
        "flipped": [], "max_abs_difference": 0.0, "mean_abs_difference": 0.0, "per_class_accuracy": [1.0],
        "accuracy_interval": None, "reference_accuracy_interval": None, "difference_interval": None,
        "mcnemar_p": None,
    }  # fmt: skip
    return {
        "file": name, "format": suffix, "precision": precision, "sha256": sha256(content),
        "size_bytes": len(content), "input": SPEC, "output": SPEC | {"shape": [None, 2]},
        "labels": ["a", "b"], "operators": [], "versions": {}, "oldest_runtime": "1", "calibration": None,
        "parity": parity, "gates": {"min_agreement": 1.0, "max_accuracy_drop": 0.0, "atol": None},
        "companions": {}, "companion_bytes": {},
    }  # fmt: skip


OLD = {"mnist.int8.onnx": b"old int8", "mnist.float32.onnx": b"old float32", "mnist.int8.tflite": b"same"}
NEW = {"mnist.int8.onnx": b"new int8", "mnist.float16.onnx": b"new float16", "mnist.int8.tflite": b"same"}


@pytest.fixture
def old(tmp_path):
    return make_set(tmp_path / "old", OLD, ("mnist.keras", b"old model"))


@pytest.fixture
def new(tmp_path):
    return make_set(tmp_path / "new", NEW, ("mnist.keras", b"new model"))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def hidden(folder: Path) -> list[str]:
    """Return what is hidden in a folder, but for an empty folder, which goes when it is old."""
    return [str(path) for path in folder.rglob(".*") if path.is_file() or any(path.iterdir())]


def read_set(folder: Path) -> dict[str, bytes]:
    """Read a whole set as a reader does: the manifest, then every file it records."""

    def read() -> dict[str, bytes]:
        manifest = read_manifest(folder)
        found = {}
        for name, recorded in manifest.files.items():
            try:
                found[name] = (folder / name).read_bytes()
            except FileNotFoundError as error:
                raise IntegrityError(f"{name} is missing") from error
            if sha256(found[name]) != recorded:
                raise IntegrityError(f"{name} is another file")
        return found

    return read_settled(folder, read)


def program(text: str, *arguments: Path, tmp_path: Path, **more) -> subprocess.Popen[str]:
    shutil.copy(__file__, tmp_path / "tests_publication.py")
    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, arguments)],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path, **more,
    )  # fmt: skip


def test_a_process_killed_at_any_step_leaves_one_set_and_nothing_is_lost(old, new, tmp_path):
    shutil.copytree(old, tmp_path / "before" / "folder")
    folder = tmp_path / "before" / "folder"
    (folder / "previous").mkdir()
    (folder / "previous" / "notes.txt").write_text("the user's own")
    (folder / "previous" / "mnist.111111111111.keras").write_text("older still")
    running = program(KILLED, folder, new, tmp_path=tmp_path)
    steps = int(running.communicate(timeout=120)[0])
    assert running.returncode == 0
    assert steps > 20
    models = {b"old model"}
    seen = set()
    old_set, new_set = read_set(old), read_set(new)
    for step in range(1, steps + 1):
        work = folder.with_name(f"step{step}")
        found = read_set(work)
        assert found in (old_set, new_set), step
        seen.add(found == new_set)
        publish(new, work)  # the next command works
        assert read_set(work) == new_set
        assert hidden(work) == []
        everything = {path.read_bytes() for path in work.rglob("*") if path.is_file()}
        assert models | {b"older still", b"old float32", b"old int8", b"the user's own"} <= everything, step
    assert seen == {True, False}


def test_readers_see_one_set_while_a_process_publishes_in_a_loop(old, new, tmp_path):
    folder = Path(shutil.copytree(old, tmp_path / "folder"))
    old_set, new_set = read_set(old), read_set(new)
    writer = program(PUBLISHING, folder, new, old, tmp_path=tmp_path)
    try:
        writer.stdout.readline()
        seen, errors, until = {True: 0, False: 0}, 0, time.monotonic() + 3
        while time.monotonic() < until or not all(seen.values()):
            try:
                found = read_set(folder)
            except IntegrityError as error:
                assert "changes faster than it can be read" in str(error)
                errors += 1
                continue
            assert found in (old_set, new_set)
            seen[found == new_set] += 1
            expected = read_settled(folder, lambda: find_expected_hash(folder / "mnist.int8.tflite"))
            assert expected.sha256 == sha256(b"same")
        assert sum(seen.values()) > errors
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


def test_what_a_set_replaces_is_in_previous_until_the_next_one_replaces_more(old, new, tmp_path):
    folder = Path(shutil.copytree(old, tmp_path / "folder"))
    publish(new, folder)
    previous = files(folder / "previous")
    kept = f"mnist.{sha256(b'old model')[:12]}.keras"
    assert previous == {
        "manifest.json": (old / "manifest.json").read_bytes(),
        "reference.npz": (old / "reference.npz").read_bytes(),
        "mnist.int8.onnx": b"old int8",
        "mnist.float32.onnx": b"old float32",
        kept: b"old model",
    }
    publish(new, folder)  # replaces nothing
    assert files(folder / "previous") == previous
    third = make_set(tmp_path / "third", {"mnist.int8.onnx": b"third"}, ("mnist.keras", b"new model"))
    publish(third, folder)
    assert files(folder / "previous") == {
        "manifest.json": (new / "manifest.json").read_bytes(),
        "reference.npz": (new / "reference.npz").read_bytes(),
        "mnist.int8.onnx": b"new int8",
        "mnist.float16.onnx": b"new float16",
        "mnist.int8.tflite": b"same",
        kept: b"old model",
    }


def test_another_model_leaves_the_folders_own_where_it_is(old, tmp_path):
    other = make_set(tmp_path / "other", {"other.int8.onnx": b"other"}, ("other.keras", b"other model"))
    publish(other, old)
    assert (old / "mnist.keras").read_bytes() == b"old model"
    assert read_manifest(old).model.file == "other.keras"


def test_a_model_on_no_record_is_kept_when_one_of_its_name_comes(new, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "mnist.keras").write_bytes(b"precious")
    publish(new, folder)
    (kept,) = (folder / "previous").iterdir()
    assert kept.read_bytes() == b"precious"


def test_models_that_are_trained_over_all_stay(tmp_path):
    model = tmp_path / "mnist.keras"
    assert keep_model(model) is None
    for content in (b"one", b"two", b"one", b"three"):
        model.write_bytes(content)
        assert keep_model(model).read_bytes() == content
    assert sorted(files(tmp_path / "previous").values()) == [b"one", b"three", b"two"]


def test_something_else_called_previous_is_named(new, old, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (old / "previous").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match=r"previous is no folder.*Move it away"):
        publish(new, old)
    (old / "previous").unlink()
    assert recover(old)
    assert read_set(old) == read_set(new)


def test_what_a_killed_export_left_goes_with_the_next_one(old, new):
    left = old / ".edgemnist-staged-x"
    left.mkdir()
    (left / "mnist.int8.onnx").write_bytes(b"half")
    publish(new, old)
    assert hidden(old) == []


def test_what_a_living_export_is_making_stays(old, new):
    with staging(old) as staged:
        (staged / "mnist.int8.onnx").write_bytes(b"half")
        publish(new, old)
        assert (staged / "mnist.int8.onnx").exists()


def test_a_model_that_was_trained_again_is_told_with_the_way_to_renew(old):
    assert newer_model(old) == ""
    (old / "mnist.keras").write_bytes(b"trained again")
    sentence = newer_model(old)
    assert "mnist.keras is not the model that the artifacts were made of" in sentence
    assert sentence.endswith(
        f"edgemnist export --artifacts {old} --format int8.onnx --format float32.onnx --format int8.tflite"
    )
