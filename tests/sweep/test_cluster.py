"""Sweeps in other processes, in several, and on a Ray cluster of two nodes; and what interrupts them."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from edgemnist.sweep.local import LocalPool
from edgemnist.sweep.results import FolderStorage, Results
from edgemnist.sweep.run import Driver
from edgemnist.sweep.space import Space
from edgemnist.sweep.sweep import Wishes, run_sweep
from edgemnist.sweep.tasks import ExportRequest, TrainRequest, run

from .conftest import SWEEP

WHOLE = "[!.]*"  # a writer that is killed leaves a hidden file of its own
pytestmark = pytest.mark.slow  # every request starts a TensorFlow of its own


def contents(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file that is the same wherever a sweep runs."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in ("files", "points", "trained")
        for path in (folder / kind).glob(WHOLE)
    }


def records_in(folder: Path) -> list[Path]:
    return [path for kind in ("points", "trained") for path in (folder / kind).glob(WHOLE)]


@pytest.fixture(scope="module")
def alone(made_once, space, context) -> Path:
    """The results of one process at a time."""

    def make(folder: Path) -> None:
        results = Results(FolderStorage(folder))
        with LocalPool(1) as pool:
            run_sweep(space, Driver(results, context), pool, results, Wishes(latency=False))

    return made_once("swept-alone", make)


def command(data: Path, folder: Path, *options: str) -> list[str]:
    file = folder.parent / f"{folder.name}.toml"
    file.write_text(SWEEP)
    arguments = ["sweep", str(file), "--data", str(data), "--output", str(folder), "--no-latency", *options]
    return [sys.executable, "-P", "-m", "edgemnist", *arguments]


def test_four_processes_make_the_same_bytes_as_one(alone, sweep_data, tmp_path):
    done = subprocess.run(
        command(sweep_data, tmp_path / "four", "--processes", "4"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "four") == contents(alone)
    assert (tmp_path / "four" / "sweep.json").read_bytes() == (alone / "sweep.json").read_bytes()
    assert "6 of 6 points" in done.stderr


def test_a_sweep_that_was_killed_goes_on_where_it_was(alone, sweep_data, tmp_path):
    folder = tmp_path / "killed"
    sweep = command(sweep_data, folder, "--processes", "1")
    process = subprocess.Popen(sweep, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: any((folder / "points").glob(WHOLE)), process)
    process.kill()
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in records_in(folder)}
    assert 0 < len(list((folder / "points").glob(WHOLE))) < 6
    done = subprocess.run(sweep, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(folder) == contents(alone)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # none of them was made again


def test_ctrl_c_keeps_what_is_done_ends_all_processes_and_says_how_to_go_on(sweep_data, tmp_path):
    folder = tmp_path / "interrupted"
    process = subprocess.Popen(
        command(sweep_data, folder, "--processes", "2"),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: any((folder / "trained").glob(WHOLE)), process)
    workers = children(process.pid)
    assert workers
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"kept in {folder}: go on with the same command" in " ".join(errors.split())
    assert any((folder / "trained").iterdir())
    assert not [worker for worker in workers if alive(worker)]


def test_a_full_disk_is_an_error_that_leaves_only_whole_files(alone, sweep_data, tmp_path):
    folder = tmp_path / "full"
    folder.mkdir()
    size = sum(path.stat().st_size for path in alone.glob("files/*")) // 2048
    mount = (
        f'mount -t tmpfs -o size={size}k tmpfs "{folder}" && "$@"; code=$?; cp -r "{folder}" "{folder}-after"'
    )
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c", f"{mount}; exit $code", "sh"]
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this user may not mount a file system in a namespace of their own")
    done = subprocess.run(
        [*unshare, *command(sweep_data, folder, "--processes", "1")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    found, whole = contents(tmp_path / "full-after"), contents(alone)
    assert found
    assert all(whole[name] == sha256 for name, sha256 in found.items())


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of two nodes on this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'edgemnist[cluster]'")
    from ray.cluster_utils import Cluster

    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(900)
def test_a_cluster_that_loses_a_node_makes_the_same_bytes(alone, cluster, space, context, tmp_path):
    from edgemnist.sweep.cluster import RayPool

    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    results = Results(FolderStorage(tmp_path))
    seen: list[int] = []

    def lose_a_node(_progress: object) -> None:
        seen.append(len(list(tmp_path.glob("trained/*"))))
        if len(seen) == 1:  # while the others run
            cluster.remove_node(node, allow_graceful=False)

    with RayPool(cluster.address) as pool:
        found = run_sweep(space, Driver(results, context, lose_a_node), pool, results, Wishes(latency=False))
    assert {row.status for row in found.document.points} == {"passed"}
    assert contents(tmp_path) == contents(alone)


@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(900)
def test_a_task_that_fails_for_good_on_a_cluster_is_a_row(cluster, context, space, tmp_path):
    from edgemnist.sweep.cluster import RayPool

    elsewhere = msgspec.structs.replace(context, data_sha256="0" * 64)
    results = Results(FolderStorage(tmp_path))
    few = Space({**space.dimensions, "train.seed": (0,)})
    with RayPool(cluster.address) as pool:
        found = run_sweep(few, Driver(results, elsewhere), pool, results, Wishes(latency=False)).document
    assert {row.status for row in found.points} == {"error"}
    assert "another one" in found.points[0].failures[0]


@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(900)
def test_a_command_on_a_cluster_that_was_killed_goes_on_where_it_was(alone, cluster, sweep_data, tmp_path):
    folder = tmp_path / "killed"
    sweep = command(sweep_data, folder, "--ray", cluster.address)
    process = subprocess.Popen(sweep, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: any((folder / "points").glob(WHOLE)), process)
    process.kill()
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in records_in(folder)}
    assert 0 < len(list((folder / "points").glob(WHOLE))) < 6
    done = subprocess.run(sweep, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(folder) == contents(alone)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(900)
def test_ctrl_c_on_a_cluster_keeps_what_is_done_and_ends_its_tasks(cluster, sweep_data, tmp_path):
    folder = tmp_path / "interrupted"
    sweep = command(sweep_data, folder, "--ray", cluster.address)
    process = subprocess.Popen(sweep, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(lambda: any((folder / "trained").glob(WHOLE)), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"kept in {folder}: go on with the same command" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert any((folder / "trained").iterdir())


@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(900)
def test_a_model_that_fails_for_good_on_a_cluster_is_a_row_and_the_others_go_on(
    alone, cluster, sweep_data, tmp_path
):
    shutil.copy(next((alone / "files").glob("*.keras")), tmp_path / "good.keras")
    (tmp_path / "broken.keras").write_bytes(b"no model")
    file, folder = tmp_path / "models.toml", tmp_path / "models"
    file.write_text('[export]\nmodel = ["broken.keras", "good.keras"]\nformat = ["float32.onnx"]\n')
    where = ["--ray", cluster.address, "--data", str(sweep_data), "--output", str(folder), "--no-latency"]
    sweep = [sys.executable, "-P", "-m", "edgemnist", "sweep", str(file), *where]
    done = subprocess.run(sweep, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 of 2 points could not be computed" in " ".join(done.stderr.split())
    rows = json.loads((folder / "sweep.json").read_text())["points"]
    assert [row["status"] for row in rows] == ["error", "passed"]
    assert "broken.keras" in rows[0]["failures"][0]


@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(900)
def test_a_task_whose_process_dies_again_and_again_is_a_row_and_the_others_go_on(
    cluster, context, space, tmp_path, monkeypatch
):
    """As by lack of memory: Ray tries it again, and then it is given up."""
    from edgemnist.sweep import cluster as module

    tries = tmp_path / "tries"

    def run_or_die(request: bytes) -> bytes:
        asked = msgspec.msgpack.decode(request, type=TrainRequest | ExportRequest)
        if isinstance(asked, TrainRequest) and asked.training.seed == 1:
            with tries.open("a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        return run(request)

    monkeypatch.setattr(module, "run", run_or_die)
    monkeypatch.setattr(module, "RETRIES", 1)
    results = Results(FolderStorage(tmp_path / "out"))
    few = Space({**space.dimensions, "export.format": ("float32.onnx",)})
    with module.RayPool(cluster.address) as pool:
        found = run_sweep(few, Driver(results, context), pool, results, Wishes(latency=False)).document
    assert [(row.train.seed, row.status) for row in found.points] == [
        (0, "passed"), (0, "passed"), (1, "error"), (1, "error"),
    ]  # fmt: skip
    assert tries.read_text() == "xx"
    assert "died" in found.points[2].failures[0]


@pytest.mark.filterwarnings("default")
def test_a_cluster_that_is_not_there_is_one_clear_error(sweep_data, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'edgemnist[cluster]'")
    sweep = command(sweep_data, tmp_path / "none", "--ray", "127.0.0.1:1")
    done = subprocess.run(sweep, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot connect to the Ray cluster" in done.stderr
    assert "Traceback" not in done.stderr


def wait_for(condition, process) -> None:
    for _ in range(12_000):  # ten minutes, on a machine that others use too
        if condition():
            return
        assert process.poll() is None
        time.sleep(0.05)
    raise AssertionError("it took too long")


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
