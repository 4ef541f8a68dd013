"""The example service as a process, and clients in Python who know of each request what became of it."""

import http.client
import io
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from ....data.datasets import load_test_split

HOST = "127.0.0.1"
SERVICE = Path("examples/service/digits_service.py")
PICTURES, RAW = "/predict", "/predict/raw"
_START_SECS = 120
_STOP_SECS = 60
_ANSWER_SECS = 60


@dataclass(slots=True)
class Tally:
    """What became of requests.

    Attributes:
        labels: The number of the image and the label of each that was answered with 200.
        lost: How those failed that were sent and not answered.
        refused: Connections refused, on which nothing was sent.
    """

    sent: int = 0
    labels: list[tuple[int, str]] = field(default_factory=list)
    other: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: int = 0


def image_bodies(count: int) -> dict[str, list[bytes]]:
    """Return test images as the service's paths take them: PNG files, and raw pixels."""
    from PIL import Image

    images = load_test_split().array[:count]
    buffers = [io.BytesIO() for _ in images]
    for image, buffer in zip(images, buffers, strict=True):
        Image.fromarray(image).save(buffer, "PNG")
    return {
        PICTURES: [buffer.getvalue() for buffer in buffers],
        RAW: [image.tobytes() for image in images],
    }


@contextmanager
def running_service(
    artifacts: Path, service: Path = SERVICE, *options: str, python: str | Path = sys.executable
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Start the service on a free port and wait until it is healthy; end it afterwards if it still runs.

    Raises:
        RuntimeError: It does not become healthy.
    """
    port = free_port()
    command = [str(python), str(service), "--artifacts", str(artifacts), "--port", str(port), *options]
    with running(command, port) as process:
        yield process, port


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a service and wait until it is healthy; errors as of `running_service`."""
    with subprocess.Popen(command) as process:  # noqa: S603 - the example
        try:
            _wait_until_healthy(process, port)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECS)
            finally:
                process.kill()


def load(
    port: int,
    bodies: list[bytes],
    clients: int,
    requests: int,
    during: Callable[[list[Tally]], object] = len,
    path: str = PICTURES,
) -> list[Tally]:
    """Send requests from several clients, calling `during` meanwhile; return what became of each client's."""
    tallies = [Tally() for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        for number, tally in enumerate(tallies):
            pool.submit(_client, port, path, bodies, range(number, requests, clients), tally)
        during(tallies)
    return tallies


def stop_under_load(
    process: "subprocess.Popen[bytes]",
    port: int,
    bodies: list[bytes],
    clients: int,
    after: int,
    path: str = PICTURES,
) -> tuple[list[Tally], int]:
    """Send requests without end, SIGTERM after some answers; return what became of all, and the exit code."""

    def stop(tallies: list[Tally]) -> None:
        deadline = time.monotonic() + _ANSWER_SECS
        while sum(len(tally.labels) for tally in tallies) < after and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECS)

    endless = 1_000_000  # each client ends when it is refused
    return load(port, bodies, clients, endless, stop, path), process.returncode


def _client(port: int, path: str, bodies: list[bytes], numbers: range, tally: Tally) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_SECS)
    for number in numbers:
        if connection.sock is None:
            try:
                connection.connect()
            except OSError:
                tally.refused += 1
                return
        image = number % len(bodies)
        tally.sent += 1
        try:
            connection.request("POST", path, bodies[image])
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            tally.lost.append(f"{type(error).__name__}: {error}")
            connection.close()
            continue
        if answer.status == http.HTTPStatus.OK:
            tally.labels.append((image, json.loads(content)["label"]))
        else:
            tally.other.append(answer.status)
    connection.close()


def _wait_until_healthy(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"http://{HOST}:{port}/health", timeout=_ANSWER_SECS):
                return
        except OSError:  # refused, or another status than 200
            time.sleep(0.1)
    raise RuntimeError(f"the service did not start, exit code {process.poll()}")
