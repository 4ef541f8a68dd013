"""Every way a worker process can end."""

import sys

import pytest

from edgemnist.benchmarks.runner.processes import FAILED, SKIPPED, run_worker
from edgemnist.benchmarks.worker.task import Task, read_task, write_json

TASK = Task("m.onnx", "", "onnxruntime", "i.npy", 1, (0,), (1, 8), 1, 1, 0, 1, 1, 0, 0, 0)


def worker(code):
    return (sys.executable, "-c", f"import os, sys, json; {code}")


def run(tmp_path, code, timeout_secs=20):
    return run_worker(TASK, tmp_path, timeout_secs=timeout_secs, command=worker(code))


def test_a_task_survives_its_trip_to_the_worker(tmp_path):
    write_json(tmp_path / "task.json", TASK)
    assert read_task(tmp_path / "task.json") == TASK


def test_a_signal_is_named(tmp_path):
    answer = run(tmp_path, "os.kill(os.getpid(), 11)")
    assert (answer.status, answer.reason) == (FAILED, "its process died of signal 11 (Segmentation fault)")


def test_an_exit_code_comes_with_the_last_line_of_stderr(tmp_path):
    answer = run(tmp_path, "print('first', file=sys.stderr); sys.exit('out of luck')")
    assert answer.reason == "its process ended with exit code 1: out of luck"


def test_a_worker_without_an_answer_failed(tmp_path):
    assert run(tmp_path, "pass").reason == "its process ended with exit code 0"


def test_a_worker_that_takes_too_long_is_killed(tmp_path):
    answer = run(tmp_path, "import time; time.sleep(60)", timeout_secs=1)
    assert answer.reason == "no answer within 1 s"


def test_noise_on_stdout_does_not_matter(tmp_path):
    code = (
        "print('noise' * 100000); "
        "reply = {'status': 'skipped', 'reason': 'because', 'facts': None}; "
        "open(sys.argv[1].replace('.json', '.result.json'), 'w').write(json.dumps(reply))"
    )
    answer = run(tmp_path, code)
    assert (answer.status, answer.reason) == (SKIPPED, "because")


@pytest.mark.parametrize("reply", ["{", '{"status": "measured", "reason": "", "facts": {"load_ns": ""}}'])
def test_a_reply_that_is_none_is_a_failure(tmp_path, reply):
    code = f"open(sys.argv[1].replace('.json', '.result.json'), 'w').write({reply!r})"
    result = run(tmp_path, code)
    assert result.status == FAILED
    assert result.reason.startswith("its process left no reply that can be read: ")


def test_an_old_answer_is_not_taken_for_a_new_one(tmp_path):
    (tmp_path / "task.result.json").write_text('{"status": "skipped", "reason": "old", "facts": null}')
    assert run(tmp_path, "pass").status == FAILED


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_libraries_are_held_to_the_thread_count(tmp_path, name):
    assert run(tmp_path, f"sys.exit(os.environ['{name}'])").reason.endswith(": 1")
