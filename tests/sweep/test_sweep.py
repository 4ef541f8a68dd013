import dataclasses
import re
import sys
from concurrent.futures import Future

import msgspec
import pytest

from edgemnist.benchmarks.runner.plan import QUICK
from edgemnist.sweep.document import SWEEP
from edgemnist.sweep.frontier import Limits
from edgemnist.sweep.local import LocalPool
from edgemnist.sweep.options import key_of
from edgemnist.sweep.results import FolderStorage, Results
from edgemnist.sweep.run import Driver
from edgemnist.sweep.space import Space
from edgemnist.sweep.sweep import Wishes, run_sweep
from edgemnist.sweep.tasks import ExportRequest, Reply, TrainRequest, run

from .conftest import InlinePool


class NoPool(InlinePool):
    """Fails where anything is computed."""

    def submit(self, _request: bytes) -> "Future[bytes]":
        raise AssertionError("this is in the results already")


def again(swept, space, context, wishes=None, pool=None):
    folder, _ = swept
    results = Results(FolderStorage(folder))
    return run_sweep(
        space, Driver(results, context), pool or NoPool(), results, wishes or Wishes(latency=False)
    )


def test_every_combination_is_a_row_with_what_it_gives_and_takes(swept):
    folder, sweep = swept
    rows = sweep.document.points
    assert len(rows) == 8
    assert SWEEP.read(folder / "sweep.json") == sweep.document
    for row in rows:
        assert row.status == "passed", row.failures
        assert row.accuracy is not None
        stored = next((folder / "files").glob(f"{row.sha256}.*"))
        assert stored.name == f"{row.sha256}.{row.export.format}"
        assert stored.stat().st_size == row.size_bytes
        integers = row.export.format == "int8.tflite"
        assert (row.ram_bytes is not None) is integers


def test_a_model_is_trained_once_and_points_that_are_the_same_are_made_once(swept):
    folder, sweep = swept
    assert len(list((folder / "trained").iterdir())) == 2
    assert len(list((folder / "points").iterdir())) == 6  # calibration changes nothing of float32.onnx
    assert len({row.key for row in sweep.document.points}) == 6


def test_what_is_in_the_results_is_not_computed_again(swept, space, context):
    assert again(swept, space, context).document == swept[1].document


@pytest.mark.slow
def test_a_larger_sweep_computes_only_what_is_new(swept, space, context):
    larger = Space({**space.dimensions, "export.format": ("int8.tflite", "float32.onnx", "float16.tflite")})
    pool = InlinePool()
    found = again(swept, larger, context, pool=pool).document
    requests = [msgspec.msgpack.decode(each, type=TrainRequest | ExportRequest) for each in pool.requests]
    assert all(isinstance(request, ExportRequest) for request in requests)
    assert {export.format for request in requests for export in request.exports.values()} == {
        "float16.tflite"
    }
    assert len(found.points) == 12
    assert [row for row in found.points if row.export.format != "float16.tflite"] != []


def test_another_seed_data_set_or_version_is_another_point(space, context, tmp_path):
    point = next(space.grid())
    other_seed = msgspec.structs.replace(point, train=msgspec.structs.replace(point.train, seed=9))
    driver = Driver(Results(FolderStorage(tmp_path)), context)
    keys = [driver.key(point), driver.key(other_seed)]
    for name, value in (
        ("data_sha256", "0" * 64),
        ("versions", {**context.versions, "keras": "2"}),
        ("resize", True),
    ):
        other = msgspec.structs.replace(context, **{name: value})
        keys.append(Driver(Results(FolderStorage(tmp_path)), other).key(point))
    assert len(set(keys)) == len(keys)
    assert key_of({"b": 1, "a": 2}) == key_of({"a": 2, "b": 1})


def test_the_best_artifact_lies_in_a_folder_that_can_be_verified(swept, space, context):
    folder, _ = swept
    wishes = Wishes(limits=Limits(max_flash=128 * 1024, max_ram=32 * 1024, min_accuracy=0.5), latency=False)
    found = again(swept, space, context, wishes)
    assert found.best is not None
    assert found.best.export.format == "int8.tflite"
    assert sorted(path.name for path in (folder / "best").iterdir()) == [
        "manifest.json",
        "mnist.int8.tflite",
        "mnist.keras",
        "reference.npz",
    ]
    impossible = again(swept, space, context, Wishes(limits=Limits(max_flash=10), latency=False))
    assert impossible.best is None
    assert not list((folder / "best").iterdir())


def test_latency_is_measured_of_the_frontier_once(swept, space, context):
    _, sweep = swept
    plan = dataclasses.replace(QUICK, rounds=1, min_rounds=1, num_runs=20, min_secs=0.0)
    first = again(swept, space, context, Wishes(plan=plan)).document
    measured = {row.key for row in first.points if row.latency_p50_ns is not None}
    assert measured == set(first.frontier) == set(sweep.document.frontier)
    assert first.machine is not None
    second = again(swept, space, context, Wishes(plan=plan)).document
    assert second == first  # to the nanosecond


def test_the_page_names_every_point_and_draws_the_frontier(swept):
    folder, _ = swept
    page = (folder / "sweep.html").read_text()
    assert page.count("<figure>") >= 3
    assert page.count("seed 1") >= 4
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_process_that_dies_is_a_row_and_the_others_go_on(space, context, tmp_path):
    dying = (sys.executable, "-c", "import os, sys; sys.stdin.buffer.read(8); os.kill(os.getpid(), 9)")
    results = Results(FolderStorage(tmp_path))
    with LocalPool(2, dying) as pool:
        found = run_sweep(space, Driver(results, context), pool, results, Wishes(latency=False)).document
    assert {row.status for row in found.points} == {"error"}
    assert "died of signal 9" in found.points[0].failures[0]
    assert not (tmp_path / "points").exists()  # so that the next run tries again


@pytest.mark.slow
def test_one_training_that_fails_takes_only_its_own_points(space, context, tmp_path):
    class Failing(InlinePool):
        def submit(self, request: bytes) -> "Future[bytes]":
            asked = msgspec.msgpack.decode(request, type=TrainRequest | ExportRequest)
            if isinstance(asked, TrainRequest) and asked.training.seed == 1:
                future: Future[bytes] = Future()
                future.set_result(msgspec.msgpack.encode(Reply(error="no memory")))
                return future
            return super().submit(request)

    results = Results(FolderStorage(tmp_path))
    few = Space({**space.dimensions, "export.format": ("float32.onnx",)})
    found = run_sweep(few, Driver(results, context), Failing(), results, Wishes(latency=False)).document
    assert [(row.train.seed, row.status) for row in found.points] == [
        (0, "passed"), (0, "passed"), (1, "error"), (1, "error"),
    ]  # fmt: skip
    assert found.points[2].failures == ("no memory",)


def test_a_node_with_other_versions_or_other_data_refuses(space, context):
    training = next(space.grid()).train
    for name, value, message in (
        ("versions", {**context.versions, "keras": "2.0"}, "other versions.*keras 2.0"),
        ("data_sha256", "0" * 64, "the data set of this node is another one"),
    ):
        request = TrainRequest(msgspec.structs.replace(context, **{name: value}), training)
        reply = msgspec.msgpack.decode(run(msgspec.msgpack.encode(request)), type=Reply)
        assert reply.trained is None
        assert re.search(message, reply.error)
