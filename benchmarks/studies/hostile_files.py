"""Damaged model files, or pictures, against the process that loads them.

`python -m edgemnist.benchmarks.studies.hostile_files [--artifacts DIR] [--mutations 5000] [--log DIR]
[FILE...]`

Each artifact is damaged thousands of times, without its manifest, and loaded and run the way an application
would. That is done in worker processes, so that a crash of a worker, a load that takes too long or memory
that does not come back is seen and counted here. The probe that an unknown file goes through first is forked
from a warm process, since starting one for each mutation would take hours; every 25th mutation is probed by a
process of its own, as in an application. What is allowed: one of this project's errors, or predictions of the
right shape without NaN. A mutation of weights is still a valid model, which only predicts worse. Pictures
given as FILE are damaged too, or turned into decompression bombs, and predicted by the folder's
mnist.float32.onnx.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...runtime import load_predictor
from .mutations import KINDS, PICTURE_SUFFIXES
from .program import run_study
from .trials import Fate, try_mutation, try_picture
from .warm_probes import WarmProbes

_SILENCE_SECS = 120
_SUFFIXES = (".onnx", ".ort", ".tflite")
_MODEL = "mnist.float32.onnx"


def fates(path: Path, seeds: range, artifacts: Path = Path("artifacts")) -> Iterator[Fate]:
    """Yield what becomes of each mutation, tried in worker processes one after the other."""
    position = 0
    while position < len(seeds):
        for fate in _worker(path, seeds[position:], artifacts):
            position = fate.seed - seeds.start + 1
            yield fate


def _worker(path: Path, seeds: range, artifacts: Path) -> Iterator[Fate]:
    """Yield the fates of mutations until all are done or the worker dies, which is the last one's fate."""
    span = f"{seeds.start}:{seeds.stop}"
    arguments = ["--worker-seeds", span, "--artifacts", str(artifacts), str(path)]
    module = __spec__.name if __name__ == "__main__" else __name__
    with subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-P", "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        watchdog = _Watchdog(process)
        current = seeds.start
        for line in process.stdout or ():
            watchdog.heard()
            fate = Fate(**json.loads(line))
            current = fate.seed + 1
            yield fate
    if current < seeds.stop:
        kind = list(KINDS)[current % len(KINDS)]
        outcome = "hung" if watchdog.fired else "crashed"
        yield Fate(current, kind, outcome, message=f"exit code {process.returncode}")


class _Watchdog:
    """Kills a process that says nothing for too long.

    It counts seconds that it was awake itself: when the whole study is stopped for a while, nothing hangs.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.fired = False
        self._process = process
        self._silent_secs = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def heard(self) -> None:
        self._silent_secs = 0

    def _watch(self) -> None:
        while self._process.poll() is None:
            time.sleep(1)
            self._silent_secs += 1
            if self._silent_secs > _SILENCE_SECS:
                self.fired = True
                self._process.kill()


def _work(path: Path, seeds: range, artifacts: Path) -> None:
    content = path.read_bytes()
    if path.suffix in PICTURE_SUFFIXES:
        with load_predictor(artifacts / _MODEL) as predictor:
            for seed in seeds:
                _tell(try_picture(content, path.suffix, seed, predictor))
        return
    with tempfile.TemporaryDirectory() as folder, WarmProbes() as probes:
        for seed in seeds:
            _tell(try_mutation(content, path.suffix, seed, Path(folder), probes))


def _tell(fate: Fate) -> None:
    print(json.dumps(asdict(fate)), flush=True)


def logged_fates(path: Path, seeds: range, log: Path, artifacts: Path = Path("artifacts")) -> Iterator[Fate]:
    """Yield the fates that a log of an interrupted run holds, then the others, which are added to it."""
    known = [Fate(**json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []
    yield from (fate for fate in known if fate.seed in seeds)
    start = max((fate.seed + 1 for fate in known), default=seeds.start)
    with log.open("a", encoding="utf-8") as file:
        for fate in fates(path, range(max(start, seeds.start), seeds.stop), artifacts):
            print(json.dumps(asdict(fate)), file=file, flush=True)
            yield fate


def report(name: str, all_fates: list[Fate]) -> bool:
    """Print what became of a file's mutations, and return whether all of it is allowed."""
    print(f"\n{name}: {len(all_fates):,} mutations")
    table = Counter((fate.kind, fate.outcome) for fate in all_fates)
    for (kind, outcome), count in sorted(table.items()):
        print(f"  {kind:16} {outcome:24} {count:>6,}")
    memory = [fate.resident_mb for fate in all_fates if fate.resident_mb] or [0.0]
    slowest = max(all_fates, key=lambda fate: fate.seconds)
    print(
        f"  memory of the worker {memory[0]:.0f} MB after the first, {memory[-1]:.0f} MB after the last, peak"
        f" {max(fate.peak_mb for fate in all_fates):.0f} MB; slowest {slowest.seconds:.1f} s"
    )
    bad = [fate for fate in all_fates if not fate.allowed]
    for fate in bad:
        print(f"  NOT ALLOWED: mutation {fate.seed} ({fate.kind}): {fate.outcome} {fate.message}")
    return not bad


def main(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Model files or pictures; default: all artifacts.")
    ] = None,
    artifacts: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the artifacts.")] = Path(
        "artifacts"
    ),
    mutations: Annotated[int, typer.Option(min=1, help="Mutations of each file.")] = 5000,
    first_seed: Annotated[int, typer.Option(min=0, help="The number of the first one.")] = 0,
    log: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep each outcome in this folder, and go on where a run ended."),
    ] = None,
    worker_seeds: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Damage artifacts, load and run them, and count what happens; exit code 1 if anything must not."""
    if worker_seeds and files:
        start, stop = (int(number) for number in worker_seeds.split(":"))
        _work(files[0], range(start, stop), artifacts)
        return
    paths = files or sorted(path for path in artifacts.iterdir() if path.suffix in _SUFFIXES)
    seeds = range(first_seed, first_seed + mutations)
    fine = []
    for path in paths:
        if log is None:
            found = fates(path, seeds, artifacts)
        else:
            log.mkdir(parents=True, exist_ok=True)
            found = logged_fates(path, seeds, log / f"{path.name}.jsonl", artifacts)
        fine.append(report(path.name, list(found)))
    if not all(fine):
        raise SystemExit(1)


if __name__ == "__main__":
    run_study(main)
