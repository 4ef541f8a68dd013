"""Predictors across processes: pickled, spawned, forked."""

import asyncio
import itertools
import multiprocessing
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data.datasets import Split
from edgemnist.runtime import Predictor, load_predictor
from edgemnist.runtime.errors import ArtifactNotFoundError, EngineError, IntegrityError

FILES = ("mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite", "mnist.int8.c")

# Python 3.12 warns of every fork in a process with threads; that those are survived is what is tested here.
FORK = """
import os, sys, threading, traceback, warnings
import numpy as np
from edgemnist.runtime import load_predictor

warnings.simplefilter("ignore", DeprecationWarning)
images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), dtype=np.uint8)
predictor = load_predictor(sys.argv[1], num_threads=2)
expected = predictor.predict(images).probabilities
stop = threading.Event()

def keep_busy():
    while not stop.is_set():
        predictor.predict(images)

threads = [threading.Thread(target=keep_busy) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        try:
            same = np.array_equal(predictor.predict(images).probabilities, expected)
            sys.exit(0 if same else 3)  # with finalizers, as a program that forks by itself may end
        except SystemExit:
            raise
        except BaseException:
            traceback.print_exc()
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
for thread in threads:
    thread.join()
print("survived")
"""


@pytest.mark.parametrize("name", FILES)
def test_a_pickled_predictor_gives_the_same_answers(artifacts: Path, test_split: Split, name: str):
    predictor = load_predictor(artifacts / name, num_threads=2)
    copy = pickle.loads(pickle.dumps(predictor))
    np.testing.assert_array_equal(
        copy.predict(test_split.inputs[:20]).probabilities,
        predictor.predict(test_split.inputs[:20]).probabilities,
    )
    assert (copy.path, copy.class_names, copy.num_threads) == (predictor.path, predictor.class_names, 2)


def test_a_pickled_predictor_is_its_path_and_not_its_weights(artifacts: Path):
    assert len(pickle.dumps(load_predictor(artifacts / "mnist.float32.onnx"))) < 2000


def test_a_pickled_predictor_refuses_another_file(artifacts_copy: Path):
    pickled = pickle.dumps(load_predictor(artifacts_copy / "mnist.float32.onnx"))
    shutil.copy(artifacts_copy / "mnist.int8.tflite", artifacts_copy / "mnist.float32.onnx")
    with pytest.raises(IntegrityError, match="the file that the predictor was pickled with"):
        pickle.loads(pickled)


def test_a_pickled_predictor_misses_its_file(artifacts_copy: Path):
    pickled = pickle.dumps(load_predictor(artifacts_copy / "mnist.float32.onnx"))
    (artifacts_copy / "mnist.float32.onnx").unlink()
    with pytest.raises(ArtifactNotFoundError):
        pickle.loads(pickled)


def _labels(predictor: Predictor, images: np.ndarray) -> list[int]:
    return predictor.predict(images).indices.tolist()


def test_spawned_processes_take_a_predictor(artifacts: Path, test_split: Split):
    predictor = load_predictor(artifacts / "mnist.int8.tflite")
    parts = np.array_split(test_split.inputs[:40], 4)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        labels = pool.starmap(_labels, [(predictor, part) for part in parts])
    assert list(itertools.chain(*labels)) == predictor.predict(test_split.inputs[:40]).indices.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_forked_children_predict_while_threads_of_the_parent_do(artifacts: Path, name: str):
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(artifacts / name)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == "survived\n", done.stderr


def test_a_forked_child_needs_no_file_any_more(artifacts_copy: Path):
    code = """
import os, sys
import numpy as np
from edgemnist.runtime import load_predictor
predictor = load_predictor(sys.argv[1])
os.unlink(sys.argv[1])
child = os.fork()
if child == 0:
    os._exit(len(predictor.predict(np.zeros((3, 28, 28), np.uint8))))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    path = artifacts_copy / "mnist.int8.tflite"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "3\n", done.stderr


def test_closed_predictors_stay_closed_in_forked_children(artifacts: Path, digit):
    predictor = load_predictor(artifacts / "mnist.float32.onnx")
    predictor.close()
    predictor.after_fork()
    with pytest.raises(EngineError, match="is closed"):
        predictor.predict(digit)


def test_keras_says_that_it_does_not_survive_a_fork(artifacts: Path, digit):
    predictor = load_predictor(artifacts / "mnist.keras")
    predictor.after_fork()
    with pytest.raises(EngineError, match="keras does not survive a fork"):
        predictor.predict(digit)


@pytest.mark.parametrize("name", [*FILES, "mnist.keras"])
def test_a_predictor_may_be_closed_twice(artifacts: Path, digit, name: str):
    with load_predictor(artifacts / name) as predictor:
        predictor.close()
    with pytest.raises(EngineError, match="is closed"):
        predictor.predict(digit)


def test_coroutines_predict_in_threads(artifacts: Path, test_split: Split):
    predictor = load_predictor(artifacts / "mnist.int8.tflite")
    images = test_split.inputs[:50]

    async def predict_all() -> list[int]:
        calls = (asyncio.to_thread(predictor.predict, image) for image in images)
        return [int(predictions.indices[0]) for predictions in await asyncio.gather(*calls)]

    assert asyncio.run(predict_all()) == predictor.predict(images).indices.tolist()
