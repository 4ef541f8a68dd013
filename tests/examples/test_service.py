"""The HTTP service, over HTTP, in a process of its own."""

import asyncio
import http.client
import io
import json
import runpy
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from PIL import Image

from edgemnist.benchmarks.studies.speed.service_load import (
    HOST,
    encoded_test_images,
    load,
    running_service,
    stop_under_load,
)

PICTURES = 100
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def port(artifacts: Path) -> Iterator[int]:
    with running_service(
        artifacts, Path(__file__).parents[2] / "examples/service/digits_service.py"
    ) as running:
        yield running[1]


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    return encoded_test_images(PICTURES)[0]


def ask(port: int, method: str, path: str, body: bytes = b"", kind: str = "image/png", **headers: str):
    """Return the status and the JSON document of the answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": kind, **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def form_of(files: list[bytes]) -> tuple[bytes, str]:
    """Return a multipart form with files, and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{number}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + file
        + b"\r\n"
        for number, file in enumerate(files)
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def test_a_healthy_service_names_its_model(port):
    assert ask(port, "GET", "/health") == (200, {"status": "ok", "model": "mnist.float32.onnx"})


def test_a_picture_gets_its_label_and_probabilities(port, pictures):
    status, document = ask(port, "POST", "/predict", pictures[0])
    assert (status, document["label"]) == (200, "7")
    assert sum(document["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert document["confidence"] == pytest.approx(document["probabilities"]["7"], abs=1e-5)


def test_a_batch_gets_an_answer_for_each_picture_in_order(port, pictures):
    status, documents = ask(port, "POST", "/predict/batch", *form_of(pictures[:20]))
    singles = [ask(port, "POST", "/predict", picture)[1]["label"] for picture in pictures[:20]]
    assert status == 200
    assert [document["label"] for document in documents] == singles


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 422, "not a picture that can be decoded"),
        (b"%PDF-1.7", 422, "not a picture that can be decoded"),
        (b"x" * (2 * MIB + 1), 422, "too many bytes"),
    ],
)
def test_what_is_no_picture_is_a_clear_error(port, body, status, message):
    answered, document = ask(port, "POST", "/predict", body)
    assert answered == status
    assert message in document["detail"]


def test_a_body_that_is_announced_as_too_long_is_refused_unsent(port):
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Length", str(16 * MIB + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert "too many bytes" in json.loads(answer.read())["detail"]
    connection.close()


def test_a_picture_of_too_many_pixels_is_refused(port):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4001, 4000), np.uint8)).save(buffer, "PNG")
    status, document = ask(port, "POST", "/predict", buffer.getvalue())
    assert status == 422
    assert "too many pixels" in document["detail"]


def test_a_long_body_of_unknown_length_is_cut_off(port):
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.putrequest("POST", "/predict")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    chunk = f"{MIB:x}\r\n".encode() + b"x" * MIB + b"\r\n"
    sent = 0
    try:
        while sent < 64:
            connection.send(chunk)
            sent += 1
    except OSError:  # the service has closed the connection
        pass
    connection.close()
    assert sent < 64
    assert ask(port, "GET", "/health")[0] == 200


def test_too_many_files_are_refused(port, pictures):
    status, document = ask(port, "POST", "/predict/batch", *form_of(pictures[:1] * 65))
    assert status == 400
    assert "64" in json.dumps(document)


def test_a_form_without_files_is_refused(port):
    status, document = ask(port, "POST", "/predict/batch", *form_of([]))
    assert status == 422
    assert "no pictures" in document["detail"]


def test_a_bad_picture_in_a_batch_is_named(port, pictures):
    status, document = ask(port, "POST", "/predict/batch", *form_of([pictures[0], b"no picture"]))
    assert status == 422
    assert document["detail"].startswith("image 2 of 2: ")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/predict", 405), ("GET", "/nothing", 404)])
def test_other_requests_are_refused(port, method, path, status):
    assert ask(port, method, path)[0] == status


def test_many_clients_at_once_get_the_right_answers(port, pictures):
    tallies = load(port, pictures, clients=8, requests=400)
    labels = [label for tally in tallies for label in tally.labels]
    alone = [ask(port, "POST", "/predict", picture)[1]["label"] for picture in pictures]
    assert len(labels) == sum(tally.sent for tally in tallies) == 400
    assert all(alone[number] == label for number, label in labels)


def test_sigterm_under_load_loses_no_request(artifacts: Path, examples: Path, pictures):
    with running_service(artifacts, examples / "service/digits_service.py") as (process, port):
        tallies, exit_code = stop_under_load(process, port, pictures, clients=8, after=200)
    assert [text for tally in tallies for text in tally.lost] == []
    assert [status for tally in tallies for status in tally.other] == []
    assert sum(len(tally.labels) for tally in tallies) == sum(tally.sent for tally in tallies) >= 200
    assert [tally.refused for tally in tallies] == [1] * 8  # each client went on until it was refused
    assert exit_code == -signal.SIGTERM


def test_a_connection_that_waits_to_be_accepted_is_answered(artifacts: Path, examples: Path):
    """The stop begins before the event loop can accept, which a load hits by chance only."""
    service = runpy.run_path(str(examples / "service/digits_service.py"))
    edge = service["Edge"](service["make_app"](artifacts / "mnist.float32.onnx"))

    async def status_of_the_waiting() -> int:
        config = uvicorn.Config(edge, host=HOST, port=0, log_level="warning")
        config.load()
        server = service["DrainingServer"](config, edge)
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        client = http.client.HTTPConnection(HOST, server.servers[0].sockets[0].getsockname()[1], timeout=60)
        client.request("GET", "/health")
        await server.shutdown()
        return client.getresponse().status

    assert asyncio.run(status_of_the_waiting()) == http.HTTPStatus.SERVICE_UNAVAILABLE
