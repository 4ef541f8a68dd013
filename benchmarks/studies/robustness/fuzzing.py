"""Thousands of damaged model files and pictures of every format, against the process that loads them.

`python -m edgemnist.benchmarks.studies.robustness.fuzzing [--format FORMAT]... [--cases 5000] [--log DIR]`

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
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer

from ....data.datasets import load_test_split
from ....proof.formats import FORMATS, find_format
from ....runtime.artifact.manifest import read_manifest
from ....runtime.errors import EdgeMnistError, OptionError
from .. import Artifacts, run_study
from .trials import CRASHED, HUNG, Fate

PICTURES = ("png", "jpg", "gif", "bmp", "webp")
MODELS = tuple(row.name for row in FORMATS)
_LONGEST_SECS, _TIMEOUT_EXIT_CODE = 120, 70  # libFuzzer's
_PICTURE_MODEL = "mnist.float32.onnx"
_ENLARGED = 10
_PATIENCE = 3
_WORKER = f"import sys; from {__package__}.fuzz_target import main; main(*sys.argv[1:])"


def fates(name: str, cases: int, artifacts: Path, log: Path, seed: int = 1) -> list[Fate]:
    """Return what becomes of so many cases of a format, tried in worker processes one after the other.

    `name` is of `MODELS` or `PICTURES`. In `log` are the fates, from which an interrupted run goes on, and
    the files that crash.

    Raises:
        EdgeMnistError: atheris is not installed, or workers do not start.
    """
    if find_spec("atheris") is None:
        raise EdgeMnistError(
            "fuzzing needs the package atheris, which is not installed",
            fix="Install it with: pip install atheris. It has wheels for Linux only.",
        )
    log.mkdir(parents=True, exist_ok=True)
    file = log / f"{name}.jsonl"
    file.touch()
    lost_at_once = 0
    while len(known := _logged(file)) < cases:
        if lost_at_once > _PATIENCE:
            raise EdgeMnistError(
                "workers die at their first case, one after the other", received=known[-1].message
            )
        with tempfile.TemporaryDirectory(prefix="edgemnist-fuzz-") as folder:
            _work(name, range(len(known), cases), artifacts, Path(folder), file, seed)
        now = _logged(file)
        lost_at_once = lost_at_once + 1 if len(now) == len(known) + 1 and not now[-1].seconds else 0
    return known[:cases]


def _logged(file: Path) -> list[Fate]:
    return [msgspec.json.decode(line, type=Fate) for line in file.read_bytes().splitlines()]


def _work(name: str, cases: range, artifacts: Path, folder: Path, log: Path, seed: int) -> None:
    """Have a worker log fates until all cases are done; if it dies, that is the fate of its last one."""
    file, corpus = _seed_file(name, artifacts, folder), folder / "corpus"
    corpus.mkdir()
    shutil.copy(file, corpus)
    model = str((artifacts / _PICTURE_MODEL).absolute()) if name in PICTURES else ""
    task = [file, log.absolute(), cases.start, cases.stop, model]
    options = [f"-seed={seed + cases.start}", f"-timeout={_LONGEST_SECS}", f"-artifact_prefix={folder}/"]
    ended = subprocess.run(  # noqa: S603 - a module of this package
        [sys.executable, "-P", "-c", _WORKER, *map(str, task), *options, str(corpus)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        check=False,
    )
    current = len(_logged(log))
    if current < cases.stop:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        tried = file.with_name(f"case{file.suffix}")
        if not tried.exists():
            raise EdgeMnistError("the worker did not start", received=" ".join(said[-3:]) or ended.returncode)
        shutil.copy(tried, log.with_name(f"{name}-{current}{file.suffix}"))
        outcome = HUNG if ended.returncode == _TIMEOUT_EXIT_CODE else CRASHED
        message = f"exit code {ended.returncode}: {' '.join(said[-2:])[:300]}"
        with log.open("a", encoding="utf-8") as lines:
            print(json.dumps(msgspec.to_builtins(Fate(current, outcome, message=message))), file=lines)


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
    if name not in MODELS:
        known = ", ".join((*MODELS, *PICTURES))
        raise OptionError("unknown format", received=repr(name), expected=f"one of {known}")
    path = artifacts / find_format(name).file_name(read_manifest(artifacts).model.name)
    return Path(shutil.copy(path, folder / f"seed{path.suffix}"))


def report(name: str, all_fates: list[Fate]) -> bool:
    """Print what became of a format's cases, and return whether all of it is allowed."""
    print(f"\n{name}: {len(all_fates):,} cases")
    for outcome, count in sorted(Counter(fate.outcome for fate in all_fates).items()):
        print(f"  {outcome:32} {count:>6,}")
    memory = [fate.resident_mb for fate in all_fates if fate.resident_mb] or [0.0]
    print(
        f"  memory of the worker {memory[0]:.0f} MB after the first, {memory[-1]:.0f} MB after the last, peak"
        f" {max(fate.peak_mb for fate in all_fates):.0f} MB; slowest"
        f" {max(fate.seconds for fate in all_fates):.1f} s"
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
    artifacts: Artifacts = Path("artifacts"),
    log: Annotated[
        Path, typer.Option(metavar="DIR", help="Outcomes and crashes go here; a run goes on where it ended.")
    ] = Path("fuzzing"),
) -> None:
    """Damage files of every format, load and run them, and count outcomes; exit 1 if one is not allowed."""
    fine = [report(name, fates(name, cases, artifacts, log)) for name in formats or (*MODELS, *PICTURES)]
    if not all(fine):
        raise SystemExit(1)


if __name__ == "__main__":
    run_study(main)
