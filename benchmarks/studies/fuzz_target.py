"""`python -m edgemnist.benchmarks.studies.fuzz_target TASK.json`: the process in which libFuzzer runs.

libFuzzer (by way of atheris) changes a file, guided by what each change reaches of this project's and of
Pillow's Python code. Each case is written to a file before it is tried, so that a crash of this process
leaves what caused it, and its fate to a log after.
"""

import json
import os
import random
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edgemnist.runtime", "PIL"]):
    from ...proof.inspect.structure import parse_structure
    from ...runtime import load_predictor
    from ...runtime.isolation import probe as probing
    from .damage import damaged
    from .trials import Fate, try_model, try_picture, try_structure
    from .warm_probes import WarmProbes

_STRUCTURE_EVERY = 4
_GROWTH_BYTES = 64
_TINY_BYTES = 16  # libFuzzer's own beginning is one line break
_RESIDENT_MB = 4096


class Case:
    """What libFuzzer calls for each case."""

    def __init__(self, task: dict[str, object]) -> None:
        self._seed_file, self._log = Path(str(task["file"])), Path(str(task["log"]))
        self._seed_content = self._seed_file.read_bytes()
        self._case, self._end = int(str(task["first"])), int(str(task["end"]))
        self._folder = Path(tempfile.mkdtemp(prefix="edgemnist-fuzz-"))
        self._path = self._folder / f"case{self._seed_file.suffix}"
        self._cold_every = int(str(task["cold_every"]))
        self._predictor = load_predictor(str(task["model"])) if task["model"] else None
        self._probes, self._own_probe = WarmProbes(), probing.run_child

    def change(self, content: bytes, max_bytes: int, seed: int) -> bytes:
        """Return a changed file, no longer than `max_bytes`."""
        chance = random.Random(seed)  # noqa: S311 - not for secrets

        def damage(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, len(part) + _GROWTH_BYTES))

        return damaged(
            content if len(content) > _TINY_BYTES else self._seed_content,
            self._seed_file.suffix,
            chance,
            damage,
        )[:max_bytes]

    def __call__(self, content: bytes) -> None:
        """Try one case; end the process after the last."""
        self._path.write_bytes(content)
        if content in (b"", self._seed_content):  # what libFuzzer begins with, to see what it reaches
            self._fate(content)
            return
        fate = self._fate(content)
        with self._log.open("a", encoding="utf-8") as log:
            print(json.dumps(asdict(fate)), file=log)
        self._case += 1
        if self._case == self._end:
            os._exit(0)

    def _fate(self, content: bytes) -> Fate:
        if self._predictor is not None:
            return try_picture(self._case, content, self._predictor)
        cold = self._case % self._cold_every == 0
        probing.run_child = self._own_probe if cold else self._probes.run_child
        if self._path.suffix == ".c" or (
            self._case % _STRUCTURE_EVERY == 0 and self._path.suffix != ".keras"
        ):
            return try_structure(self._case, self._path, content)
        return try_model(self._case, self._path)


def main(arguments: list[str]) -> None:
    """Do the task in the file that `arguments` names."""
    task = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    target = Case(task)
    if not task["model"] and Path(task["file"]).suffix != ".c":
        parse_structure(
            Path(task["file"]), Path(task["file"]).read_bytes()
        )  # imports what is to be guided by
    options = [
        f"-seed={task['seed']}",
        "-runs=-1",
        f"-rss_limit_mb={_RESIDENT_MB}",
        f"-max_len={2 * len(Path(task['file']).read_bytes()) + _GROWTH_BYTES}",
        "-timeout=3600",  # `fuzzing` watches,
        f"-artifact_prefix={task['folder']}/",
        "-handle_segv=0",
        "-handle_abrt=0",
        "-detect_leaks=0",
    ]
    atheris.Setup(
        [sys.argv[0], *options, task["corpus"]],
        target,
        custom_mutator=target.change,
        enable_python_coverage=True,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
