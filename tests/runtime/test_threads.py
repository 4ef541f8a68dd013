"""One predictor called from many threads at once."""

import threading
from pathlib import Path

import pytest

from edgemnist.data.datasets import Split
from edgemnist.runtime import load_predictor

THREADS, CALLS, IMAGES = 8, 10_000, 500


@pytest.mark.parametrize("name", ["mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite"])
def test_eight_threads_get_the_answers_of_one_in_ten_thousand_calls_each(
    artifacts: Path, test_split: Split, name: str
):
    images = test_split.inputs[:IMAGES]
    wrong = [0] * THREADS
    with load_predictor(artifacts / name) as predictor:
        expected = [predictor.predict(image).probabilities.tobytes() for image in images]

        def work(number: int) -> None:
            for call in range(CALLS):
                position = (call + 7 * number) % IMAGES  # threads are at different images at a time
                answer = predictor.predict(images[position]).probabilities.tobytes()
                wrong[number] += answer != expected[position]

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == [0] * THREADS
