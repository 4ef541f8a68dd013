"""Coroutines that predict: whatever is computed together, each gets its own answer or its own error."""

import asyncio
import io
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from edgemnist.data.datasets import Split
from edgemnist.runtime import Predictor, batching, load_predictor
from edgemnist.runtime.errors import EngineError, InputError

IMAGES = 300


@pytest.fixture(params=["in the loop", "in a thread"])
def somewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is computed in the one way, then in the other; the first batch goes to a thread anyhow."""
    monkeypatch.setattr(batching, "_INLINE_NS", 0 if request.param == "in a thread" else 10**15)


@pytest.fixture
def predictor(artifacts: Path) -> Iterator[Predictor]:
    with load_predictor(artifacts / "mnist.int8.tflite") as loaded:
        yield loaded


@pytest.fixture
def sizes(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that the model has run."""
    return recorded_sizes(predictor, monkeypatch)


def recorded_sizes(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ran: list[int] = []
    predict = predictor.predict

    def recorded(images: np.ndarray):
        ran.append(len(images))
        return predict(images)

    monkeypatch.setattr(predictor, "predict", recorded)
    return ran


def infinite_for_sevens(path: Path, batch: int | str = "batch") -> Path:
    """Write a model that answers 1 / (mean - 7) for each of its ten classes."""
    constants = {"seven": np.float32([7]), "ten": np.array([1, 10])}
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["mean"], axes=[2], keepdims=0),
        helper.make_node("ReduceMean", ["mean"], ["row"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["row", "seven"], ["shifted"]),
        helper.make_node("Reciprocal", ["shifted"], ["one"]),
        helper.make_node("Expand", ["one", "ten"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, [batch, 28, 28])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, [batch, 10])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    path.write_bytes(model.SerializeToString())
    return path


async def outcomes(predictor: Predictor, items) -> list:
    """Return what each of the items leads to, asked for at one time."""
    return await asyncio.gather(*map(predictor.predict_async, items), return_exceptions=True)


@pytest.mark.usefixtures("somewhere")
def test_every_caller_gets_the_answer_for_its_image(predictor: Predictor, sizes, test_split: Split):
    images = test_split.inputs[:IMAGES]
    expected = predictor.predict(images)
    del sizes[:]
    found = asyncio.run(outcomes(predictor, images))
    assert [len(predictions) for predictions in found] == [1] * IMAGES
    together = np.concatenate([predictions.probabilities for predictions in found])
    np.testing.assert_array_equal(together, expected.probabilities)
    assert [predictions[0].label for predictions in found] == list(expected.labels)
    assert sizes == [256, IMAGES - 256]


@pytest.mark.usefixtures("somewhere")
def test_batches_of_any_size_are_told_apart(predictor: Predictor, sizes, test_split: Split):
    images = test_split.inputs[:IMAGES]
    begins = [0, 1, 3, 10, 11, 290, 0, 299]
    ends = [1, 3, 10, 11, 12, 300, 300, 300]
    parts = [images[begin:end] for begin, end in zip(begins, ends, strict=True)]
    expected = [predictor.predict(part).probabilities for part in parts]
    del sizes[:]
    for part, predictions in zip(expected, asyncio.run(outcomes(predictor, parts)), strict=True):
        np.testing.assert_array_equal(predictions.probabilities, part)
    assert sizes == [22, 300, 1]


@pytest.mark.usefixtures("somewhere")
def test_what_comes_while_a_batch_is_computed_is_the_next_batch(predictor, sizes, test_split: Split):
    images = test_split.inputs[:IMAGES]

    async def chain(first: int) -> list[int]:
        return [int((await predictor.predict_async(image)).indices[0]) for image in images[first::30]]

    async def all_chains() -> list[list[int]]:
        return await asyncio.gather(*map(chain, range(30)))

    expected = predictor.predict(images).indices
    del sizes[:]
    assert asyncio.run(all_chains()) == [expected[first::30].tolist() for first in range(30)]
    assert sum(sizes) == IMAGES
    assert len(sizes) <= IMAGES / 10


@pytest.mark.usefixtures("somewhere")
def test_a_bad_image_is_an_error_for_its_caller_only(predictor: Predictor, test_split: Split):
    items = [*test_split.inputs[:5], np.zeros((27, 28), np.uint8), np.full((28, 28), np.nan), b"no picture"]
    found = asyncio.run(outcomes(predictor, items))
    assert [predictions.indices.tolist() for predictions in found[:5]] == [[7], [2], [1], [0], [4]]
    assert [type(error) for error in found[5:]] == [InputError] * 3
    for error, text in zip(found[5:], ["wrong shape", "received NaN", "not a picture"], strict=True):
        assert text in str(error)


@pytest.mark.usefixtures("somewhere")
def test_an_image_that_the_model_fails_on_is_an_error_for_its_caller_only(tmp_path: Path):
    items = [np.full((28, 28), value, np.uint8) for value in (3, 7, 5, 7, 9)]
    with load_predictor(infinite_for_sevens(tmp_path / "some.onnx")) as predictor:
        found = asyncio.run(outcomes(predictor, items))
    assert [isinstance(outcome, EngineError) for outcome in found] == [False, True, False, True, False]
    assert found[1] is not found[3]
    assert [float(found[place].probabilities[0, 0]) for place in (0, 2, 4)] == [-0.25, -0.5, 0.5]


def test_a_model_of_a_fixed_batch_gets_no_more_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    items = [np.full((28, 28), value, np.uint8) for value in (3, 5, 9)]
    with load_predictor(infinite_for_sevens(tmp_path / "fixed.onnx", batch=1)) as predictor:
        sizes = recorded_sizes(predictor, monkeypatch)
        found = asyncio.run(outcomes(predictor, items))
    assert sizes == [1, 1, 1]
    assert [float(predictions.probabilities[0, 0]) for predictions in found] == [-0.25, -0.5, 0.5]


def test_pictures_are_taken_as_predict_takes_them(predictor, tmp_path: Path, test_split: Split):
    image = Image.fromarray(test_split.inputs[0])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    image.save(tmp_path / "seven.png")
    items = [buffer.getvalue(), tmp_path / "seven.png", image, [buffer.getvalue(), test_split.inputs[1]]]
    found = asyncio.run(outcomes(predictor, items))
    assert [predictions.labels for predictions in found] == [("7",), ("7",), ("7",), ("7", "2")]


@pytest.mark.parametrize(
    ("change", "small"),
    [
        (lambda png: png, True),
        (lambda png: png[:16] + struct.pack(">II", 4000, 4000) + png[24:], False),
        (lambda png: png[:33] + png[8:16] + struct.pack(">II", 4000, 4000) + png[24:], False),
        (lambda png: png[:16] + struct.pack(">II", 28, 29) + png[24:], False),
        (lambda png: png[:12] + b"tEXt" + png[16:], False),
        (lambda png: png + bytes(4096), False),
        (lambda png: b"GIF89a" + png, False),
        (lambda png: png[:10], False),
    ],
    ids=[
        "fits",
        "many pixels",
        "two sizes",
        "another size",
        "no size",
        "many bytes",
        "another format",
        "cut",
    ],
)
def test_only_pictures_that_are_surely_read_quickly_are_read_in_the_loop(predictor, digit, change, small):
    buffer = io.BytesIO()
    Image.fromarray(digit).save(buffer, "PNG")
    decoders: set[str] = set()
    to_raw = predictor.to_raw

    def recorded(images):
        if isinstance(images, bytes):
            decoders.add(threading.current_thread().name)
        return to_raw(images)

    predictor.to_raw = recorded
    asyncio.run(outcomes(predictor, [change(buffer.getvalue())]))
    assert (decoders == {threading.main_thread().name}) == small


@pytest.mark.usefixtures("somewhere")
def test_who_is_cancelled_takes_no_answer_from_others(predictor: Predictor, test_split: Split):
    images = test_split.inputs[:60]

    async def cancel_some() -> list[object]:
        tasks = [asyncio.create_task(predictor.predict_async(image)) for image in images]
        for turns, number in enumerate((0, 7, 30, 59)):  # before, while and after they wait
            for _ in range(turns):
                await asyncio.sleep(0)
            tasks[number].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    expected = predictor.predict(images).indices
    cancelled = set()
    for number, outcome in enumerate(asyncio.run(cancel_some())):
        if isinstance(outcome, asyncio.CancelledError):
            cancelled.add(number)
        else:
            assert outcome.indices[0] == expected[number]
    assert {0, 7} <= cancelled <= {0, 7, 30, 59}


def test_cancelled_images_are_not_computed(predictor: Predictor, sizes, digit):
    async def cancel_all() -> None:
        tasks = [asyncio.create_task(predictor.predict_async(digit)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks[1:]:
            task.cancel()
        assert (await tasks[0])[0].label == "7"

    asyncio.run(cancel_all())
    assert sizes == [1]


@pytest.mark.usefixtures("somewhere")
def test_a_predictor_that_is_closed_leaves_nobody_waiting(artifacts: Path, digit):
    predictor = load_predictor(artifacts / "mnist.int8.tflite")

    async def close_while_they_wait() -> list[object]:
        tasks = [asyncio.create_task(predictor.predict_async(digit)) for _ in range(5)]
        await asyncio.sleep(0)
        predictor.close()
        return await asyncio.gather(*tasks, predictor.predict_async(digit), return_exceptions=True)

    found = asyncio.run(close_while_they_wait())
    assert [str(error) for error in found] == ["the predictor for mnist.int8.tflite is closed"] * 6


def test_a_loop_that_has_no_threads_any_more_leaves_nobody_waiting(predictor: Predictor, digit):
    async def without_threads() -> list[object]:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, len, "")
        await loop.shutdown_default_executor()
        return await outcomes(predictor, [digit, digit])

    assert [type(error) for error in asyncio.run(without_threads())] == [RuntimeError] * 2


def test_loops_one_after_another_and_at_once_share_a_predictor(predictor: Predictor, test_split: Split):
    images = test_split.inputs[:IMAGES]
    expected = predictor.predict(images).indices.tolist()
    wrong: list[int] = []

    def run_loops() -> None:
        for _ in range(5):
            found = asyncio.run(outcomes(predictor, images))
            labels = [int(predictions.indices[0]) for predictions in found]
            wrong.extend(number for number, label in enumerate(labels) if label != expected[number])

    threads = [threading.Thread(target=run_loops) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_forked_child_predicts_in_a_loop_of_its_own(artifacts: Path):
    code = """
import asyncio, os, sys
import numpy as np
from edgemnist.runtime import load_predictor

images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
predictor = load_predictor(sys.argv[1])

async def labels():
    found = await asyncio.gather(*map(predictor.predict_async, images))
    return [int(predictions.indices[0]) for predictions in found]

expected = asyncio.run(labels())
child = os.fork()
if child == 0:
    os._exit(0 if asyncio.run(labels()) == expected else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), asyncio.run(labels()) == expected)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(artifacts / "mnist.float32.onnx")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout == "0 True\n", done.stderr


def test_who_never_awaits_does_not_import_asyncio(artifacts: Path):
    code = """
import sys
from edgemnist.runtime import load_predictor
load_predictor(sys.argv[1])
print("asyncio" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(artifacts / "mnist.float32.onnx")],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout == "False\n"
