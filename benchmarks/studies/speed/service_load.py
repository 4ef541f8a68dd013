"""The example service under load: requests per second, latencies, and what a SIGTERM loses.

`python -m edgemnist.benchmarks.studies.speed.service_load [--artifacts DIR] [--requests N] [--clients N]`

Run it in a clone of the repository, where `examples/` is. The service runs in a process of its own, on a
free port of the loopback address. Each client is a thread with one connection that it keeps, and sends the
next test image as a PNG once the last was answered. Then the same again with SIGTERM sent in the middle:
every request that was sent must still be answered. A client whose connection was closed after an answer and
who is refused a new one stops: it has sent nothing.
"""

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
from typing import Annotated
from urllib.request import urlopen

import numpy as np
import typer

from ....data.datasets import load_test_split
from .. import Artifacts, run_study

HOST = "127.0.0.1"
SERVICE = Path("examples/service/digits_service.py")
_START_SECS = 120
_STOP_SECS = 60
_ANSWER_SECS = 60
_PICTURES = 200


@dataclass(slots=True)
class Tally:
    """What became of requests.

    Attributes:
        labels: The number of the picture and the label of each that was answered with 200.
        lost: How those failed that were sent and not answered.
        refused: Connections refused, on which nothing was sent.
        latencies_ns: From sending until the answer was read.
    """

    sent: int = 0
    labels: list[tuple[int, str]] = field(default_factory=list)
    other: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: int = 0
    latencies_ns: list[int] = field(default_factory=list)


def encoded_test_images(count: int) -> tuple[list[bytes], list[int]]:
    """Return test images as PNG files, and their numbers' labels."""
    from PIL import Image

    split = load_test_split()
    buffers = [io.BytesIO() for _ in range(count)]
    for image, buffer in zip(split.array, buffers, strict=False):
        Image.fromarray(image).save(buffer, "PNG")
    return [buffer.getvalue() for buffer in buffers], split.known_labels[:count].tolist()


@contextmanager
def running_service(
    artifacts: Path, service: Path = SERVICE
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Start the service on a free port and wait until it is healthy; end it afterwards if it still runs.

    Raises:
        RuntimeError: It does not become healthy.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(service), "--artifacts", str(artifacts), "--port", str(port)]
    with subprocess.Popen(command) as process:  # noqa: S603 - the example
        try:
            _wait_until_healthy(process, port)
            yield process, port
        finally:
            process.kill()


def load(
    port: int,
    pictures: list[bytes],
    clients: int,
    requests: int,
    during: Callable[[list[Tally]], object] = len,
) -> list[Tally]:
    """Send requests from several clients, calling `during` meanwhile; return what became of each client's."""
    tallies = [Tally() for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        for number, tally in enumerate(tallies):
            pool.submit(_client, port, pictures, range(number, requests, clients), tally)
        during(tallies)
    return tallies


def stop_under_load(
    process: "subprocess.Popen[bytes]", port: int, pictures: list[bytes], clients: int, after: int
) -> tuple[list[Tally], int]:
    """Send requests without end, SIGTERM after some answers; return what became of all, and the exit code."""

    def stop(tallies: list[Tally]) -> None:
        deadline = time.monotonic() + _ANSWER_SECS
        while sum(len(tally.labels) for tally in tallies) < after and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECS)

    endless = 1_000_000  # each client ends when it is refused
    return load(port, pictures, clients, endless, stop), process.returncode


def _client(port: int, pictures: list[bytes], numbers: range, tally: Tally) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_SECS)
    for number in numbers:
        if connection.sock is None:
            try:
                connection.connect()
            except OSError:
                tally.refused += 1
                return
        picture = number % len(pictures)
        tally.sent += 1
        start = time.perf_counter_ns()
        try:
            connection.request("POST", "/predict", pictures[picture], {"Content-Type": "image/png"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            tally.lost.append(f"{type(error).__name__}: {error}")
            connection.close()
            continue
        tally.latencies_ns.append(time.perf_counter_ns() - start)
        if answer.status == http.HTTPStatus.OK:
            tally.labels.append((picture, json.loads(content)["label"]))
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


def main(
    artifacts: Artifacts = Path("artifacts"),
    requests: Annotated[int, typer.Option(min=1, max=100_000, help="Requests to measure.")] = 5000,
    clients: Annotated[int, typer.Option(min=1, max=64, help="Clients at once.")] = 4,
) -> None:
    """Measure the service, then stop it under load; exit code 1 if a request was lost."""
    pictures, labels = encoded_test_images(_PICTURES)
    with running_service(artifacts) as (process, port):
        load(port, pictures, clients, clients * 50)  # warm-up
        start = time.perf_counter()
        tallies = load(port, pictures, clients, requests)
        seconds = time.perf_counter() - start
        stopped, exit_code = stop_under_load(process, port, pictures, clients, after=1000)
    p50, p99 = np.percentile(np.concatenate([tally.latencies_ns for tally in tallies]) / 1e6, (50, 99))
    answered = [pair for tally in tallies for pair in tally.labels]
    accuracy = np.mean([label == str(labels[picture]) for picture, label in answered])
    print(
        f"{clients} clients, {requests:,} requests of one PNG each: {requests / seconds:,.0f} requests/s,"
        f" p50 {p50:.2f} ms, p99 {p99:.2f} ms, {len(answered):,} answered, accuracy {accuracy:.1%}"
    )
    lost = [text for tally in stopped for text in tally.lost]
    print(
        f"SIGTERM under load: {sum(tally.sent for tally in stopped):,} requests sent,"
        f" {sum(len(tally.labels) for tally in stopped):,} answered, {len(lost)} lost,"
        f" {sum(tally.refused for tally in stopped)} clients refused, exit code {exit_code}"
    )
    if lost or any(tally.other or tally.lost for tally in tallies):
        print("\n".join(sorted(set(lost))))
        raise SystemExit(1)


if __name__ == "__main__":
    run_study(main)
