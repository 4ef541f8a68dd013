"""The HTTP service, over HTTP, in a process of its own."""

import asyncio
import http.client
import io
import json
import os
import re
import runpy
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.benchmarks.studies.speed.service_clients import (
    HOST,
    PICTURES,
    RAW,
    image_bodies,
    load,
    running_service,
    stop_under_load,
)
from edgemnist.runtime import Predictor, load_predictor

MIB = 1024 * 1024
HEAD = b"POST /predict/raw HTTP/1.1\r\nhost: digits\r\n"


@pytest.fixture(scope="module")
def port(artifacts: Path) -> Iterator[int]:
    service = Path(__file__).parents[2] / "examples/service/digits_service.py"
    with running_service(artifacts, service, "--workers", "1") as (_, port):
        yield port


@pytest.fixture(scope="module")
def bodies() -> dict[str, list[bytes]]:
    return image_bodies(100)


@pytest.fixture(scope="module")
def pictures(bodies) -> list[bytes]:
    return bodies[PICTURES]


def ask(port: int, method: str, path: str, body: bytes = b"", kind: str = "image/png", **headers: str):
    """Return the status and the JSON document of the answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": kind, **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def send_and_read(port: int, *parts: bytes) -> bytes:
    """Send what needs not be HTTP; return all that comes until the service closes the connection."""
    with socket.create_connection((HOST, port), timeout=60) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:  # closed already
            pass
        answer = b""
        try:
            while more := connection.recv(65536):
                answer += more
        except ConnectionResetError:  # closed with what was sent still unread
            pass
    return answer


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


def test_raw_pixels_get_the_answer_of_their_picture(port, bodies):
    for raw, picture in zip(bodies[RAW][:20], bodies[PICTURES], strict=False):
        assert ask(port, "POST", "/predict/raw", raw) == ask(port, "POST", "/predict", picture)


@pytest.mark.parametrize("length", [0, 783, 785, 3 * MIB])
def test_another_number_of_pixels_is_a_clear_error(port, length):
    status, document = ask(port, "POST", "/predict/raw", bytes(length))
    assert status == 422
    assert f"received {length}; expected 784, of shape (28, 28)" in document["detail"]


def test_a_connection_goes_on_after_bad_requests(port, bodies):
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    statuses = []
    for path, body in (
        ("/predict/raw", b"x"),
        ("/predict", b"x"),
        ("/no", b""),
        ("/predict/raw", bodies[RAW][0]),
    ):
        connection.request("POST", path, body)
        answer = connection.getresponse()
        statuses.append((answer.status, bool(json.loads(answer.read()))))
    connection.close()
    assert statuses == [(422, True), (422, True), (404, True), (200, True)]


def test_requests_that_are_sent_without_waiting_are_answered_in_order(port, bodies):
    raw = bodies[RAW]
    request = HEAD + b"content-length: 784\r\n"
    sent = b"".join(request + b"\r\n" + body for body in raw * 3)
    answers = send_and_read(port, sent + request + b"connection: close\r\n\r\n" + raw[0])
    labels = re.findall(rb'"label":"(\d)"', answers)
    alone = [ask(port, "POST", "/predict/raw", body)[1]["label"].encode() for body in raw]
    assert labels == [*alone * 3, alone[0]]


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


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD, b"x: ", *[b"y" * MIB] * 64],
        [HEAD, *[b"x: y\r\n" * 100_000] * 20],
        [b"POST /", *[b"y" * MIB] * 64],
        [HEAD, b"transfer-encoding: chunked\r\n\r\n0\r\n", *[b"x: y\r\n" * 100_000] * 20],
    ],
    ids=["one header", "many headers", "the path", "what follows the body"],
)
def test_a_head_without_end_is_cut_off(port, parts):
    answer = send_and_read(port, *parts)
    assert len(answer) < 4096
    assert answer == b"" or b" 431 " in answer  # or lost, since the service has closed while much was unread
    assert ask(port, "GET", "/health")[0] == 200


def test_a_body_may_come_in_many_chunks(port, bodies):
    chunks = b"".join(b"1\r\n%b\r\n" % bytes([pixel]) for pixel in bodies[RAW][0])
    request = HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    assert b'"label":"7"' in send_and_read(port, request + chunks + b"0\r\n\r\n")
    many = b"".join([b"10\r\n0123456789abcdef\r\n"] * 40_000)  # 240 kB of sizes and line ends
    answer = send_and_read(port, request + many, b"0\r\n\r\n")
    assert b"received 640000; expected 784" in answer


def test_a_head_that_is_too_long_is_a_clear_error(port):
    head, body = send_and_read(port, HEAD + b"x: " + b"y" * 70_000).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body) == {"detail": "too long headers; expected at most 65,536 bytes"}


def test_what_is_no_http_is_refused(port):
    assert send_and_read(port, b"\x16\x03\x01\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_batch_that_is_no_form_is_refused(port, pictures):
    assert ask(port, "POST", "/predict/batch", pictures[0])[0] == 422
    status, document = ask(port, "POST", "/predict/batch", b"x", "multipart/form-data; boundary=b")
    assert status in {400, 422}
    assert document["detail"]


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


@pytest.mark.parametrize("path", [PICTURES, RAW])
def test_many_clients_at_once_get_the_right_answers(port, bodies, path):
    tallies = load(port, bodies[path], clients=8, requests=400, path=path)
    labels = [label for tally in tallies for label in tally.labels]
    alone = [ask(port, "POST", path, body)[1]["label"] for body in bodies[path]]
    assert len(labels) == sum(tally.sent for tally in tallies) == 400
    assert all(alone[number] == label for number, label in labels)


@pytest.mark.parametrize(
    ("path", "workers", "ended"),
    [
        pytest.param(PICTURES, "1", -signal.SIGTERM, marks=pytest.mark.slow),
        (RAW, "1", -signal.SIGTERM),
        pytest.param(RAW, "2", 0, marks=pytest.mark.slow),
    ],
)
def test_sigterm_under_load_loses_no_request(artifacts, examples: Path, bodies, path, workers, ended):
    service = examples / "service/digits_service.py"
    with running_service(artifacts, service, "--workers", workers) as (process, port):
        tallies, exit_code = stop_under_load(process, port, bodies[path], clients=8, after=200, path=path)
    assert [text for tally in tallies for text in tally.lost] == []
    assert [status for tally in tallies for status in tally.other] == []
    assert sum(len(tally.labels) for tally in tallies) == sum(tally.sent for tally in tallies) >= 200
    assert [tally.refused for tally in tallies] == [1] * 8  # each client went on until it was refused
    assert exit_code == ended


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_service(artifacts: Path, examples: Path):
    service = examples / "service/digits_service.py"
    with running_service(artifacts, service, "--workers", "2") as (process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        commands = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        workers = [int(child) for child, command in commands.items() if b"spawn_main" in command]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        assert process.wait(60) == 1
        assert not Path(f"/proc/{workers[1]}").exists()


def test_a_request_that_is_half_sent_at_sigterm_is_answered(artifacts: Path, examples: Path, bodies):
    service = examples / "service/digits_service.py"
    with running_service(artifacts, service, "--workers", "1") as (process, port):
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        connection.putrequest("POST", "/predict/raw")
        connection.putheader("Content-Length", "784")
        connection.endheaders(bodies[RAW][0][:400])
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.send(bodies[RAW][0][400:])
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")
        assert json.loads(answer.read())["label"] == "7"
        connection.close()
        assert process.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_connection_that_waits_to_be_accepted_is_answered(
    artifacts: Path, examples: Path, loop: str, monkeypatch: pytest.MonkeyPatch
):
    """The stop begins before the event loop can accept, which a load hits by chance only."""
    new_loop = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else asyncio.new_event_loop
    monkeypatch.syspath_prepend(examples / "service")
    service = runpy.run_path(str(examples / "service/digits_service.py"))

    async def status_of_the_waiting(predictor: Predictor) -> int:
        server = service["DrainingServer"](service["Application"](predictor))
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        listening = service["listen"](HOST, 0, shared=False)
        client = http.client.HTTPConnection(*listening.getsockname(), timeout=60)
        await server.startup([listening])
        client.request("GET", "/health")
        await server.shutdown([listening])
        return client.getresponse().status

    artifact = artifacts / "mnist.float32.onnx"
    with load_predictor(artifact) as predictor, asyncio.Runner(loop_factory=new_loop) as runner:
        status = runner.run(status_of_the_waiting(predictor))
    assert status == http.HTTPStatus.SERVICE_UNAVAILABLE
