"""Whole inputs into Parquet: every row once, in order, from every kind of input."""

import gzip
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.data.idx import idx_bytes
from edgemnist.runtime import load_predictor
from edgemnist.runtime.errors import EngineError, InputError, OutputError
from edgemnist.sweep.scoring import sources as blocks
from edgemnist.sweep.scoring.run import Job, Scorer, score

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'edgemnist[parquet]'")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def model(swept) -> Path:
    """A full-integer classifier of 6x5 pixels and 3 classes, at a path of its own kind of name."""
    folder, sweep = swept
    row = next(row for row in sweep.document.points if row.export.format == "int8.tflite")
    return folder / "files" / f"{row.sha256}.int8.tflite"


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (50, 6, 5), dtype=np.uint8)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "MAX_ROWS", 7)


@pytest.fixture(scope="module")
def expected(model, images) -> np.ndarray:
    with load_predictor(model) as predictor:
        return predictor.predict(images).probabilities


def job_of(model: Path, path: Path, array: str | None = None) -> Job:
    with load_predictor(model) as predictor:
        return Job(path, array, model, predictor.sha256)


def write_npz(path, images):
    np.savez_compressed(path, x_test=images, y_test=np.zeros(len(images)))


def write_parquet(path, images):
    rows = [image.ravel().tolist() for image in images]
    parquet.write_table(pa.table({"label": [0] * len(rows), "image": rows}), path, row_group_size=11)


WRITERS = {
    "plain-idx3-ubyte": lambda path, images: path.write_bytes(idx_bytes(images)),
    "packed-idx3-ubyte.gz": lambda path, images: path.write_bytes(gzip.compress(idx_bytes(images), 1)),
    "images.npy": np.save,
    "images.npz": write_npz,
    "images.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_row_is_scored_once_and_in_order(name, model, images, expected, tmp_path):
    path, output = tmp_path / name, tmp_path / "scores.parquet"
    WRITERS[name](path, images)
    assert score(job_of(model, path), output).rows == len(images)
    table = parquet.read_table(output)
    assert table["row"].to_pylist() == list(range(len(images)))
    np.testing.assert_array_equal(np.array(table["probabilities"].to_pylist(), np.float32), expected)
    assert table["index"].to_pylist() == expected.argmax(axis=1).tolist()
    assert table["label"].to_pylist() == [str(index) for index in expected.argmax(axis=1)]
    np.testing.assert_allclose(table["confidence"].to_numpy(), expected.max(axis=1))
    assert table["error"].null_count == len(images)


def test_pictures_keep_their_names_and_one_that_is_damaged_is_a_row(model, images, expected, tmp_path):
    folder = tmp_path / "pictures"
    for number, image in enumerate(images[:10]):
        place = folder / f"class{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    (folder / "class0" / "4.png").write_bytes(b"no picture")
    scored = score(job_of(model, folder), tmp_path / "scores.parquet")
    assert (scored.rows, scored.unreadable) == (10, 1)
    rows = parquet.read_table(tmp_path / "scores.parquet").to_pylist()
    assert [row["file"] for row in rows] == [f"class0/{n}.png" for n in (0, 2, 4, 6, 8)] + [
        f"class1/{n}.png" for n in (1, 3, 5, 7, 9)
    ]
    assert rows[2]["label"] is rows[2]["probabilities"] is None
    assert rows[2]["error"]
    assert rows[3]["probabilities"] == expected[6].tolist()


def test_pictures_as_bytes_and_empty_rows_of_parquet(model, images, expected, tmp_path):
    Image.fromarray(images[0]).save(tmp_path / "one.png")
    picture = {"bytes": (tmp_path / "one.png").read_bytes(), "path": "one.png"}
    parquet.write_table(pa.table({"image": [picture, None, picture]}), tmp_path / "in.parquet")
    scored = score(job_of(model, tmp_path / "in.parquet"), tmp_path / "scores.parquet")
    rows = parquet.read_table(tmp_path / "scores.parquet").to_pylist()
    assert (scored.rows, scored.unreadable) == (3, 1)
    assert rows[0]["probabilities"] == rows[2]["probabilities"] == expected[0].tolist()
    assert "nothing in this row" in rows[1]["error"]


@pytest.mark.parametrize("name", ["images.npz", "images.parquet"])
def test_any_block_can_be_read_at_any_time(name, model, images, tmp_path):
    WRITERS[name](tmp_path / name, images)
    scorer = Scorer(job_of(model, tmp_path / name))
    for start, stop in ((43, 50), (0, 7), (21, 28), (14, 21)):
        found = scorer.source.read(start, stop, scorer._predictor)
        np.testing.assert_array_equal(found.raw, images[start:stop])


@pytest.mark.slow
def test_two_processes_write_the_same_table(model, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    job = job_of(model, tmp_path / "images.npy")
    score(job, tmp_path / "one.parquet")
    score(job, tmp_path / "two.parquet", processes=2)
    assert parquet.read_table(tmp_path / "one.parquet") == parquet.read_table(tmp_path / "two.parquet")


def test_a_block_that_is_lost_or_comes_twice_leaves_no_file(model, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    job = job_of(model, tmp_path / "images.npy")
    scorer = Scorer(job)
    for wrong in (lambda wanted: wanted[1:], lambda wanted: [wanted[0], *wanted], lambda wanted: wanted[:-1]):
        with pytest.raises(EngineError, match="lost"):
            score(
                job,
                tmp_path / "scores.parquet",
                blocks=lambda _, wanted, wrong=wrong: (scorer.score(*each) for each in wrong(wanted)),
            )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images.npy"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.npz", None, "cannot be read"),
        ("text.txt", b"hello", "cannot be scored"),
        ("broken.npz", b"PK\x03\x04", "no .npz file"),
        ("broken.npy", b"\x93NUMPY", "no .npy file"),
        ("broken.parquet", b"PAR1 and no more", "no Parquet file"),
    ],
)
def test_what_cannot_be_scored_is_one_clear_error(name, content, message, model, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        score(job_of(model, tmp_path / name), tmp_path / "scores.parquet")


def test_an_array_or_column_that_is_not_there_names_those_that_are(model, images, tmp_path):
    np.savez(tmp_path / "a.npz", mine=images, yours=images)
    with pytest.raises(InputError, match=r"mine, yours.*--array"):
        score(job_of(model, tmp_path / "a.npz"), tmp_path / "scores.parquet")
    assert score(job_of(model, tmp_path / "a.npz", "yours"), tmp_path / "scores.parquet").rows == len(images)
    parquet.write_table(pa.table({"pixels": [[1]]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="received pixels"):
        score(job_of(model, tmp_path / "b.parquet"), tmp_path / "scores.parquet")


def test_images_of_another_size_are_refused(model, tmp_path):
    np.save(tmp_path / "large.npy", np.zeros((3, 9, 9), np.uint8))
    with pytest.raises(InputError, match="shape"):
        score(job_of(model, tmp_path / "large.npy"), tmp_path / "scores.parquet")


def test_an_input_larger_than_memory_is_streamed(model, tmp_path):
    """Three million images of an .npz: a process grows by less than half of what they take."""
    rows = 3_000_000
    header = {"descr": "|u1", "fortran_order": False, "shape": (rows, 6, 5)}
    with (
        zipfile.ZipFile(tmp_path / "large.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x_test.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(100):
            file.write(bytes(30 * rows // 100))
    source = blocks.open_source(tmp_path / "large.npz")
    assert len(source) == rows
    peak = _peak_of_reading(tmp_path / "large.npz", model)
    assert peak < 30 * rows // 2


def _peak_of_reading(path: Path, model: Path) -> int:
    script = f"""
import resource
from pathlib import Path
from edgemnist.runtime import load_predictor
from edgemnist.sweep.scoring.sources import blocks_of, open_source
with load_predictor({str(model)!r}) as predictor:
    source = open_source(Path({str(path)!r}))
    source.read(0, 10, predictor)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for start, stop in blocks_of(source)[::60]:
        source.read(start, stop, predictor)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
def test_the_command_needs_both_and_refuses_pictures_beside_them(tmp_path):
    command = [sys.executable, "-P", "-m", "edgemnist", "predict"]
    for options in (
        [],
        ["--input", "x.npy"],
        ["--output", "y.parquet"],
        ["a.png", "--input", "x", "--output", "y"],
    ):
        done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 1
        assert "error:" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_one_clear_error(model, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "folder").write_bytes(b"a file")
    with pytest.raises(OutputError, match="cannot write"):
        score(job_of(model, tmp_path / "images.npy"), tmp_path / "folder" / "scores.parquet")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(600)
def test_ray_scores_every_row_once_though_actors_die(model, images, expected, tmp_path):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'edgemnist[cluster]'")
    from edgemnist.sweep.scoring.on_ray import RayBlocks

    many = np.tile(images, (400, 1, 1))
    np.save(tmp_path / "images.npy", many)
    job = job_of(model, tmp_path / "images.npy")
    killed: list[int] = []

    def kill_an_actor(done: int, _total: int) -> None:
        if len(killed) < 2 and done > 1000 * (len(killed) + 1):
            killed.append(kill_a_process_named("RayScorer"))

    ray.init("local", num_cpus=2, log_to_driver=False, logging_level="error")
    try:
        score(job, tmp_path / "scores.parquet", blocks=RayBlocks("auto", actors=2), report=kill_an_actor)
    finally:
        ray.shutdown()
    assert killed
    table = parquet.read_table(tmp_path / "scores.parquet")
    assert table["row"].to_pylist() == list(range(len(many)))
    found = np.array(table["probabilities"].to_pylist(), np.float32)
    np.testing.assert_array_equal(found, np.tile(expected, (400, 1)))


def kill_a_process_named(part: str) -> int:
    """Kill one of this process's descendants whose command line has that in it."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and part in _command(folder) and os.getpid() in _ancestors(int(folder.name)):
            os.kill(int(folder.name), signal.SIGKILL)
            return int(folder.name)
    raise AssertionError(f"no process {part}")


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 1 and pid not in found:
        found.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found
