"""The example service under load: requests per second, latencies, and what a SIGTERM loses.

`python -m edgemnist.benchmarks.studies.speed.service_load [--artifacts DIR] [--against CHECKOUT]`

Run it in a clone of the repository, where `examples/` is, on Linux with wrk (`apt-get install wrk`). The
service runs in a process of its own, on a free port of the loopback address. wrk keeps its connections and
sends test images in turn, each once the last on its connection was answered: as PNGs, and as raw pixels.
`--against` names another checkout with a `.venv` of its own, whose service gets the PNGs in the same rounds.

Then SIGTERM in the middle of requests from clients in Python: every one that was sent must still be answered.
A client whose connection was closed after an answer and who is refused a new one stops: it has sent nothing.
"""

import shutil
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ....runtime.errors import EdgeMnistError
from .. import Artifacts, run_study, take_turns
from .service_clients import HOST, PICTURES, RAW, SERVICE, image_bodies, running_service, stop_under_load

_IMAGES = 100
_WRK_SCRIPT = """
local requests, last = {}, 0
function init(files)
  for number = 1, #files do
    local file = io.open(files[number], "rb")
    requests[number] = wrk.format("POST", nil, nil, file:read("*a"))
    file:close()
  end
end
function request()
  last = last % #requests + 1
  return requests[last]
end
function done(summary, latency, _)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  local text = '\\n{"per_second": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d}\\n'
  local seconds = summary.duration / 1e6
  local p50, p99 = latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  io.write(text:format(summary.requests / seconds, p50, p99, failed))
end
"""


class Load(msgspec.Struct, frozen=True):
    """What wrk measured: `failed` requests were not answered, or with another status than 200."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def run_wrk(port: int, path: str, bodies: list[bytes], connections: int, seconds: int) -> Load:
    """Return what wrk measures, which sends bodies in turn.

    Raises:
        EdgeMnistError: wrk is not installed.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise EdgeMnistError("wrk is not installed", fix="On Debian: apt-get install wrk.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "post.lua").write_text(_WRK_SCRIPT)
        files = [folder / str(number) for number in range(len(bodies))]
        for file, body in zip(files, bodies, strict=True):
            file.write_bytes(body)
        options = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        options += ["--script", str(folder / "post.lua"), f"http://{HOST}:{port}{path}", "--"]
        command = [wrk, *options, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - from PATH
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Load)


def main(
    artifacts: Artifacts = Path("artifacts"),
    against: Annotated[Path | None, typer.Option(metavar="CHECKOUT", help="Another checkout.")] = None,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Rounds of each load in turn.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="Seconds a load.")] = 5,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Connections of wrk.")] = 8,
) -> None:
    """Measure the service, then stop it under load; exit code 1 if a request was lost."""
    bodies = image_bodies(_IMAGES)
    with ExitStack() as stack:
        process, port = stack.enter_context(running_service(artifacts))
        aims = {"PNG": (port, PICTURES), "raw pixels": (port, RAW)}
        if against is not None:
            python = against.absolute() / ".venv/bin/python"
            other = stack.enter_context(
                running_service(artifacts, against.absolute() / SERVICE, python=python)
            )
            aims[f"PNG, {against}"] = (other[1], PICTURES)
        for aim_port, path in aims.values():
            run_wrk(aim_port, path, bodies[path], connections, 1)  # warm-up
        ways = {
            name: lambda _, to=to: run_wrk(to[0], to[1], bodies[to[1]], connections, seconds)
            for name, to in aims.items()
        }
        loads = take_turns(ways, rounds)
        stopped, exit_code = stop_under_load(process, port, bodies[RAW], connections, after=1000, path=RAW)
    *_, (base, base_loads) = loads.items()
    for name, found in loads.items():
        ratios = [one.per_second / other.per_second for one, other in zip(found, base_loads, strict=True)]
        print(f"{name}: {row(found)}, {statistics.median(ratios):.2f} times {base}")
    lost = [text for tally in stopped for text in tally.lost]
    print(
        f"SIGTERM under load: {sum(tally.sent for tally in stopped):,} requests sent,"
        f" {sum(len(tally.labels) for tally in stopped):,} answered, {len(lost)} lost,"
        f" {sum(tally.refused for tally in stopped)} clients refused, exit code {exit_code}"
    )
    if lost or any(one.failed for found in loads.values() for one in found):
        print("\n".join(sorted(set(lost))))
        raise SystemExit(1)


def row(loads: list[Load]) -> str:
    """Return the medians of what was measured in several rounds."""
    per_second, p50, p99 = (
        statistics.median(getattr(load, name) for load in loads)
        for name in ("per_second", "p50_ms", "p99_ms")
    )
    failed = sum(load.failed for load in loads)
    return f"{per_second:,.0f} requests/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms, {failed} failed"


if __name__ == "__main__":
    run_study(main)
