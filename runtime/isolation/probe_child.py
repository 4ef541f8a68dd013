"""The process that `probe` starts: load one model under limits, predict, and report on standard output.

The first line says that the limits are set; the second is a JSON document. A process that the model kills
writes no second line.
"""

import json
import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import numpy as np

from ..engines.registry import ENGINES, ModelFile
from ..errors import ArtifactError, EdgeMnistError, EngineError, MissingExtraError
from ..loading import signature_of
from ..signature import PIXEL_VALUES
from ..tensors import checked_run

if TYPE_CHECKING:
    from .probe import Task

_RANDOM_BATCH = 3


def main() -> None:
    """Try the model that standard input describes."""
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the process that started this one
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # engines print there
    answer(task, answers)


def answer(task: "Task", answers: TextIO) -> NoReturn:
    """Do a task under its limits, write both lines, and end the process."""
    source, read = task.source, task.read
    if read is None:
        ENGINES[source.engine].import_module()
    _limit(task.limits.cpu_seconds, task.limits.memory_bytes)
    print("limited", file=answers, flush=True)
    try:
        result: dict[str, object] = {
            "found": _predict(source) if read is None else read(source.path, source.content)
        }
    except MissingExtraError as error:
        result = {"missing": (error.package, error.extra, error.purpose)}
    except EdgeMnistError as error:
        result = _facts(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the file's doing and the answer
        result = {
            "error": ArtifactError.__name__,
            "problem": f"{source.path.name} {'cannot be read' if read else 'does not predict'}",
            "received": f"{type(error).__name__}: {error}"[:300],
        }
    print(json.dumps(result), file=answers, flush=True)
    os._exit(0)  # no finalizer of a damaged model runs any more


def _facts(error: EdgeMnistError) -> dict[str, object]:
    # An engine that fails on a model which is only now tried: the model is at fault.
    kind = ArtifactError if isinstance(error, EngineError) else type(error)
    facts = {name: None if fact is None else str(fact) for name, fact in error.facts.items()}
    return {"error": kind.__name__, "problem": error.problem, **facts}


def _predict(source: ModelFile) -> bool:
    """Run random items alone and together, and of images the darkest and the brightest."""
    engine = source.load()
    spec = signature_of(source.path.name, engine).input
    run, rng = checked_run(engine.run, engine.output), np.random.default_rng(0)
    batches = [spec.draw(count, engine.input, rng) for count in (1, _RANDOM_BATCH)]
    if spec.kind == "image":
        batches += [np.zeros_like(batches[0]), np.full_like(batches[0], PIXEL_VALUES - 1)]
    fixed = engine.input.shape[0]
    for batch in batches:
        if fixed in (None, len(batch)):
            run(spec.encode(batch, engine.input))
    return True


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    if sys.platform != "win32":  # which has no such limits; the time on the clock is still limited
        import resource

        def lower(kind: int, soft: int, hard: int) -> None:
            """Set a limit of this process, or leave what is lower already: a hard limit cannot be raised."""
            limits = [
                wanted if found == resource.RLIM_INFINITY else min(wanted, found)
                for wanted, found in zip((soft, hard), resource.getrlimit(kind), strict=True)
            ]
            resource.setrlimit(kind, (min(limits), limits[1]))

        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
        lower(resource.RLIMIT_CPU, seconds, seconds + 1)
        lower(resource.RLIMIT_CORE, 0, 0)
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        except OSError:  # macOS has no such file, nor does it enforce
            return
        space = pages * resource.getpagesize() + memory_bytes
        lower(resource.RLIMIT_AS, space, space)
