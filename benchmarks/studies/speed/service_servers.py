"""What to serve the example service's application with: requests per second, p99, and what a SIGTERM loses.

`python -m edgemnist.benchmarks.studies.speed.service_servers [--artifacts DIR] [--rounds N]`

Run it in a clone of the repository, on Linux with wrk and `pip install granian`. All servers run the same
application in one process; for granian's own protocol RSGI the same is done by hand. The example stops in a
way of its own, and may have two processes. wrk sends raw pixels to each in turn.
"""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from .. import Artifacts, required, run_study, take_turns
from .service_clients import RAW, SERVICE, free_port, image_bodies, running, stop_under_load
from .service_load import row, run_wrk

_MODULE = """
import runpy
import sys
import msgspec
import numpy as np
from edgemnist.runtime import load_predictor

sys.path.insert(0, {folder!r})
service = runpy.run_path({service!r})
predictor = load_predictor({artifact!r})
app = service["Application"](predictor)

async def rsgi(scope, protocol):
    if scope.path == "/health":
        return protocol.response_empty(200, [])
    pixels = np.frombuffer(await protocol(), np.uint8).reshape(28, 28)
    (prediction,) = await predictor.predict_async(pixels)
    document = msgspec.json.encode(service["document_of"](prediction))
    protocol.response_bytes(200, [("content-type", "application/json")], document)
"""
_CONNECTIONS = 8
_IMAGES = 100


def _commands(folder: Path, artifacts: Path, artifact: str) -> dict[str, list[str]]:
    """Return the command that starts each server, but for the port."""
    python = sys.executable
    uvicorn = [python, "-m", "uvicorn", "--app-dir", str(folder), "--log-level", "warning"]
    granian = [
        python,
        "-m",
        "granian",
        "--working-dir",
        str(folder),
        "--log-level",
        "error",
        "--loop",
        "uvloop",
    ]
    example = [python, str(SERVICE), "--artifacts", str(artifacts), "--model", artifact]
    return {
        "uvicorn: asyncio, h11": [*uvicorn, "--loop", "asyncio", "--http", "h11", "served:app"],
        "uvicorn: asyncio, httptools": [*uvicorn, "--loop", "asyncio", "--http", "httptools", "served:app"],
        "uvicorn: uvloop, httptools": [*uvicorn, "--loop", "uvloop", "--http", "httptools", "served:app"],
        "granian: uvloop, ASGI": [*granian, "--interface", "asginl", "served:app"],
        "granian: uvloop, RSGI": [*granian, "--interface", "rsgi", "served:rsgi"],
        "the example: uvloop, httptools": [*example, "--workers", "1"],
        "the example, two processes": [*example, "--workers", "2"],
    }


def main(
    artifacts: Artifacts = Path("artifacts"),
    artifact: Annotated[str, typer.Option(help="The artifact.")] = "mnist.float32.onnx",
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Rounds of each server in turn.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="Seconds a load.")] = 3,
    stops: Annotated[int, typer.Option(min=1, max=100, help="Times that each is stopped.")] = 3,
) -> None:
    """Measure each server, then stop each under load."""
    required("granian", "granian")
    bodies = image_bodies(_IMAGES)[RAW]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service, model = SERVICE.absolute(), (artifacts / artifact).absolute()
        module = _MODULE.format(folder=str(service.parent), service=str(service), artifact=str(model))
        (folder / "served.py").write_text(module, encoding="utf-8")
        commands = _commands(folder, artifacts, artifact)
        ports = {name: free_port() for name in commands}
        for name, command in commands.items():
            stack.enter_context(running([*command, "--port", str(ports[name])], ports[name]))
        ways = {
            name: lambda _, port=port: run_wrk(port, RAW, bodies, _CONNECTIONS, seconds)
            for name, port in ports.items()
        }
        take_turns(ways, 1)  # warm-up
        for name, found in take_turns(ways, rounds).items():
            print(f"{name}: {row(found)}")
        for name, command in commands.items():
            lost = [_lost_by_stopping(command, bodies) for _ in range(stops)]
            print(f"{name}: lost {lost} requests when it was stopped under load")


def _lost_by_stopping(command: list[str], bodies: list[bytes]) -> int:
    port = free_port()
    with running([*command, "--port", str(port)], port) as process:
        tallies, _ = stop_under_load(process, port, bodies, _CONNECTIONS, after=500, path=RAW)
    return sum(len(tally.lost) for tally in tallies)


if __name__ == "__main__":
    run_study(main)
