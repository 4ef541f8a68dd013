"""The process in which libFuzzer runs, started by `fuzzing`.

libFuzzer (by way of atheris) changes a file, guided by what each change reaches of this project's and of
Pillow's Python code. Each case is written to a file before it is tried, so that a crash of this process
leaves what caused it, and its fate to a log after.
"""

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import atheris
import msgspec

with atheris.instrument_imports(include=["edgemnist.runtime", "PIL"]):
    from ....proof.inspect.structure import parse_structure
    from ....runtime import load_predictor
    from ....runtime.isolation import probe as probing
    from .damage import damaged
    from .trials import Fate, run_forked, try_model, try_picture, try_structure

_STRUCTURE_EVERY, _COLD_EVERY = 4, 25
_GROWTH_BYTES = 64
_TINY_BYTES = 16  # libFuzzer's own beginning is one line break
_OPTIONS = ("-runs=-1", "-rss_limit_mb=4096", "-handle_segv=0", "-handle_abrt=0", "-detect_leaks=0")


@dataclass
class Target:
    """What libFuzzer calls for each case.

    Attributes:
        log: Where fates go, a line of JSON each.
        end: That of the last one, and one more.
        model: What predicts pictures; "" where models are damaged.
    """

    file: Path
    log: Path
    case: int
    end: int
    model: str

    def __post_init__(self) -> None:
        self.content, self.suffix = self.file.read_bytes(), self.file.suffix
        self.path = self.file.with_name(f"case{self.suffix}")
        self.predictor = load_predictor(self.model) if self.model else None
        self.own_probe = probing.run_child

    def change(self, content: bytes, max_bytes: int, seed: int) -> bytes:
        """Return a changed file, no longer than `max_bytes`."""

        def damage(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, len(part) + _GROWTH_BYTES))

        changed = content if len(content) > _TINY_BYTES else self.content
        return damaged(changed, self.suffix, random.Random(seed), damage)[:max_bytes]  # noqa: S311 - no secret

    def __call__(self, content: bytes) -> None:
        """Try one case; end the process after the last."""
        self.path.write_bytes(content)
        fate = self._fate(content)
        if content in (b"", self.content):  # what libFuzzer begins with, to see what it reaches
            return
        with self.log.open("a", encoding="utf-8") as log:
            print(json.dumps(msgspec.to_builtins(fate)), file=log)
        self.case += 1
        if self.case == self.end:
            os._exit(0)

    def _fate(self, content: bytes) -> Fate:
        if self.predictor is not None:
            return try_picture(self.case, content, self.predictor)
        probing.run_child = self.own_probe if self.case % _COLD_EVERY == 0 else run_forked
        turn = self.case % _STRUCTURE_EVERY == 0 and self.suffix != ".keras"
        if self.suffix == ".c" or turn:
            return try_structure(self.case, self.path, content)
        return try_model(self.case, self.path)


def main(file: str, log: str, first: str, end: str, model: str, *options: str) -> None:
    """Try cases `first` to `end` of a file that libFuzzer damages; options are libFuzzer's."""
    target = Target(Path(file), Path(log), int(first), int(end), model)
    if not model and target.suffix != ".c":
        parse_structure(target.file, target.content)  # imports what is to be guided by
    longest = f"-max_len={2 * len(target.content) + _GROWTH_BYTES}"
    arguments = [sys.argv[0], *_OPTIONS, longest, *options]
    atheris.Setup(arguments, target, custom_mutator=target.change, enable_python_coverage=True)
    atheris.Fuzz()
