"""Thousands of damaged model files and pictures of every format, against the process that loads them.

`python -m edgemnist.benchmarks.studies.fuzzing [--format int8.tflite]... [--cases 5000] [--log DIR]`

libFuzzer, by way of atheris, changes a file of each format, without its manifest, and it is loaded and run
the way an application would. That is done in a worker process, so that a crash of a worker, a load that takes
too long or memory that does not come back is seen and counted here, with the file that caused it. The probe
that an unknown file goes through first is forked from a warm process, since starting one for each case would
take hours; every 25th case is probed by a process of its own, as in an application. Every 4th is read as
`inspect` reads it; a model in C is only ever read. What is allowed: one of this project's errors, or
predictions of the right shape without NaN. A model with other weights is valid, and only predicts worse.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, TextIO

import numpy as np
import typer

from ...data.datasets import load_test_split
from ...proof.formats import FORMATS
from ...runtime.errors import EdgeMnistError, OptionError
from . import run_study
from .trials import CRASHED, HUNG, Fate

PICTURES = ("png", "jpg", "gif", "bmp", "webp")
MODELS = tuple(row.name for row in FORMATS)
_SILENCE_SECS = 120
_PICTURE_MODEL = "mnist.float32.onnx"
_COLD_EVERY = 25
_ENLARGED = 10
_PATIENCE = 3


def fates(name: str, cases: range, artifacts: Path, kept: Path, seed: int = 1) -> Iterator[Fate]:
    """Yield what becomes of each case of a format, tried in worker processes one after the other.

    Args:
        name: The format, of `MODELS` or `PICTURES`.
        cases: Their numbers.
        artifacts: The folder of the artifacts.
        kept: A folder for the files that crash a worker.
        seed: Of libFuzzer.

    Raises:
        EdgeMnistError: atheris is not installed.
    """
    if find_spec("atheris") is None:
        raise EdgeMnistError(
            "fuzzing needs the package atheris, which is not installed",
            fix="Install it with: pip install atheris. It has wheels for Linux only.",
        )
    position, first_cases_lost = cases.start, 0
    while position < cases.stop:
        start = position
        with tempfile.TemporaryDirectory(prefix="edgemnist-fuzz-") as folder:
            for fate in _worker(
                name, range(position, cases.stop), artifacts, Path(folder), kept, seed + position
            ):
                position = fate.case + 1
                yield fate
        first_cases_lost = first_cases_lost + 1 if position == start + 1 else 0
        if first_cases_lost > _PATIENCE and position < cases.stop:
            raise EdgeMnistError(
                "workers die at their first case, one after the other", received=fate.message
            )


def _worker(name: str, cases: range, artifacts: Path, folder: Path, kept: Path, seed: int) -> Iterator[Fate]:
    """Yield fates until all cases are done or the worker dies, which is the last one's fate."""
    file, log, corpus = _seed_file(name, artifacts, folder), folder / "log.jsonl", folder / "corpus"
    corpus.mkdir()
    shutil.copy(file, corpus)
    log.touch()
    model = str((artifacts / _PICTURE_MODEL).absolute()) if name in PICTURES else ""
    task = {
        "file": str(file),
        "log": str(log),
        "corpus": str(corpus),
        "folder": str(folder),
        "first": cases.start,
        "end": cases.stop,
        "cold_every": _COLD_EVERY,
        "model": model,
        "seed": seed,
    }
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    current = cases.start
    with (
        (folder / "messages").open("wb") as messages,
        subprocess.Popen(  # noqa: S603 - a module of this package
            [sys.executable, "-m", f"{__package__}.fuzz_target", str(folder / "task.json")],
            stdout=subprocess.DEVNULL,
            stderr=messages,
            env=_environment(folder),
        ) as process,
    ):
        watchdog = _Watchdog(process)
        with log.open(encoding="utf-8") as lines:
            for line in _followed(lines, process):
                watchdog.heard()
                fate = Fate(**json.loads(line))
                current = fate.case + 1
                yield fate
    if current < cases.stop:
        said = (folder / "messages").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        found = next(folder.glob("edgemnist-fuzz-*/case.*"), None)
        if found is None:
            raise EdgeMnistError(
                "the worker did not start", received=" ".join(said[-3:]) or process.returncode
            )
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(found, kept / f"{name}-{current}{found.suffix}")
        outcome = HUNG if watchdog.fired else CRASHED
        yield Fate(current, outcome, message=f"exit code {process.returncode}: {' '.join(said[-2:])[:300]}")


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def _followed(lines: TextIO, process: "subprocess.Popen[bytes]") -> Iterator[str]:
    """Yield the lines of a growing file until the process that writes it has ended."""
    text = ""
    while True:
        ended = process.poll() is not None
        text += lines.readline()
        if text.endswith("\n"):
            yield text
            text = ""
        elif ended:
            return
        else:
            time.sleep(0.05)


class _Watchdog:
    """Kills a process that says nothing for too long.

    It counts seconds that it was awake itself: when the whole study is stopped for a while, nothing hangs.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
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


def _seed_file(name: str, artifacts: Path, folder: Path) -> Path:
    """Return the undamaged file of a format: an artifact, or a page with a digit on it."""
    if name in PICTURES:
        from PIL import Image

        page = np.full((300, 400), 235, np.uint8)
        digit = np.kron(load_test_split().array[0], np.ones((_ENLARGED, _ENLARGED), np.uint8))
        page[10:290, 60:340] -= (digit * 0.8).astype(np.uint8)
        path = folder / f"page.{name}"
        Image.fromarray(page).save(path)
        return path
    row = next((row for row in FORMATS if row.name == name), None)
    if row is None:
        raise OptionError(
            "unknown format", received=repr(name), expected=f"one of {', '.join((*MODELS, *PICTURES))}"
        )
    from ...runtime.artifact.manifest import read_manifest

    path = artifacts / row.file_name(read_manifest(artifacts).model.name)
    return Path(shutil.copy(path, folder / f"seed{path.suffix}"))


def logged_fates(name: str, cases: range, artifacts: Path, log: Path) -> Iterator[Fate]:
    """Yield the fates that the log of an interrupted run holds, then the others, which are added to it."""
    log.mkdir(parents=True, exist_ok=True)
    file = log / f"{name}.jsonl"
    known = [Fate(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
    yield from (fate for fate in known if fate.case in cases)
    start = max((fate.case + 1 for fate in known), default=cases.start)
    with file.open("a", encoding="utf-8") as lines:
        for fate in fates(name, range(max(start, cases.start), cases.stop), artifacts, log):
            print(json.dumps(asdict(fate)), file=lines, flush=True)
            yield fate


def report(name: str, all_fates: list[Fate]) -> bool:
    """Print what became of a format's cases, and return whether all of it is allowed."""
    print(f"\n{name}: {len(all_fates):,} cases")
    for outcome, count in sorted(Counter(fate.outcome for fate in all_fates).items()):
        print(f"  {outcome:32} {count:>6,}")
    memory = [fate.resident_mb for fate in all_fates if fate.resident_mb] or [0.0]
    slowest = max(all_fates, key=lambda fate: fate.seconds)
    print(
        f"  memory of the worker {memory[0]:.0f} MB after the first, {memory[-1]:.0f} MB after the last, peak"
        f" {max(fate.peak_mb for fate in all_fates):.0f} MB; slowest {slowest.seconds:.1f} s"
    )
    bad = [fate for fate in all_fates if not fate.allowed]
    for fate in bad:
        print(f"  NOT ALLOWED: case {fate.case}: {fate.outcome} {fate.message}")
    return not bad


def main(
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", help="A format, such as int8.tflite or png; default: all."),
    ] = None,
    cases: Annotated[int, typer.Option(min=1, help="Cases of each format.")] = 5000,
    artifacts: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the artifacts.")] = Path(
        "artifacts"
    ),
    log: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Each outcome and each crash go here; a run goes on where it ended."
        ),
    ] = Path("fuzzing"),
) -> None:
    """Damage files of every format, load and run them, and count outcomes; exit 1 if one is not allowed."""
    fine = [
        report(name, list(logged_fates(name, range(cases), artifacts, log)))
        for name in formats or (*MODELS, *PICTURES)
    ]
    if not all(fine):
        raise SystemExit(1)


if __name__ == "__main__":
    run_study(main)
