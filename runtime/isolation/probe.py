"""A first run of an unknown model file where it can hurt nobody: in a short-lived process of its own.

Engines check a file when they load it, but not all that their kernels rely on: a damaged or malicious file
can crash them, run for ever or take all memory, and with them the application. So a file whose
sha256 nobody has given is loaded and run once in a subprocess that has little time and memory. What survives
there is loaded here.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..artifact.keras.file import try_keras_file
from ..engines.registry import ENGINES, EngineOptions, ModelFile
from ..errors import ArtifactError, IntegrityError, MissingExtraError, OptionError, require_one_of

if TYPE_CHECKING:
    import subprocess

When = Literal["unverified", "always", "never"]
Reader = Callable[[Path, bytes], Any]

_WALL_PER_CPU_SECOND = 6
_CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from edgemnist.runtime.isolation.probe_child import main
main()
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """When and how a model file is tried before it is loaded.

    Attributes:
        when: "unverified": unless the file's sha256 is the one in the manifest beside it or the one given to
            `load_predictor`. "always": even then, for a file and a manifest that come from the same stranger.
            "never": for files that are known to be good; damaged ones may then crash the process.
        cpu_seconds: CPU time that loading and a few predictions may take; six times that on the clock.
        memory_bytes: Address space that they may take, beyond what the imported engine has. Enforced where
            the system limits it: on Linux.
    """

    when: When = "unverified"
    cpu_seconds: int = 10
    memory_bytes: int = 1024 * 1024 * 1024

    @property
    def wall_seconds(self) -> int:
        """Time on the clock that loading and a few predictions may take."""
        return self.cpu_seconds * _WALL_PER_CPU_SECOND

    def __post_init__(self) -> None:
        if str(self.when) == "unvouched":  # its former name
            warnings.warn('Probe(when="unvouched") is now called "unverified"', DeprecationWarning, 3)
            object.__setattr__(self, "when", "unverified")
        require_one_of("occasion to probe", self.when, get_args(When))
        if self.cpu_seconds < 1 or self.memory_bytes < 1:
            raise OptionError("a probe without time or memory", received=self, expected="at least 1 of each")


_ERRORS = {error.__name__: error for error in (ArtifactError, OptionError)}
# Memory that was never written to holds this byte, so that its use does not go unnoticed by chance.
ENVIRONMENT = {"MALLOC_PERTURB_": "165", "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}
_survivors: set[tuple[str, str, str]] = set()


def probe_if_needed(source: ModelFile, limits: Probe, *, verified: bool) -> bool:
    """Try a model in a subprocess unless that is not wanted; return whether its answers need checks.

    A content that survived is not tried again by this process. Keras' own files are only read there, not run,
    since TensorFlow takes many seconds to start.

    Raises:
        ArtifactError: It does not keep the artifact contract, crashed, or took too much time or memory.
        IntegrityError: There is no Python interpreter to start, as in a frozen application; or the file is a
            program, which could do in a subprocess what it likes.
    """
    if limits.when == "never" or (limits.when == "unverified" and verified):
        return False
    if ENGINES[source.engine].code:
        raise IntegrityError(
            f"{source.path.name} is a program, which no trial run makes safe",
            received="a probe of it",
            fix="Load it without a probe; it is loaded only if it was built here or you say that it may run.",
        )
    key = (source.sha256, source.engine, repr(source.options))
    if key not in _survivors:
        if ENGINES[source.engine].light:
            _found(source, limits, None, source.engine)
        else:
            read_in_child(source.path, source.content, limits, try_keras_file)
        _survivors.add(key)
    return True


def read_in_child(path: Path, content: bytes, limits: Probe, read: Reader) -> Any:
    """Return what `read` returns for a stranger's file, called in a subprocess.

    Readers rely on what a file says of its parts, and some are native code.

    Errors are as of `probe_if_needed`, and MissingExtraError if what reads the format is not installed.
    """
    return _found(ModelFile(path, content, "", "", EngineOptions()), limits, read, "its reader")


@dataclass(frozen=True, slots=True)
class Task:
    """What the subprocess does: `read`, or where that is None, load the model and predict."""

    source: ModelFile
    limits: Probe
    read: Reader | None = None


def run_child(
    source: ModelFile, limits: Probe, read: Reader | None = None
) -> "subprocess.CompletedProcess[bytes] | None":
    """Return the ended child, or None if its time ran out."""
    import pickle  # here, since a predictor of a recorded file must start quickly
    import subprocess

    # What is not absolute, such as the "" of `python -c`, means the current folder: maybe a stranger's.
    places = [place for place in sys.path if Path(place).is_absolute()]
    command = [sys.executable, "-I", "-c", _CHILD, json.dumps(places)]
    try:
        return subprocess.run(  # noqa: S603 - our own module, with this interpreter
            command,
            input=pickle.dumps(Task(source, limits, read)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | ENVIRONMENT,
            timeout=limits.wall_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        return subprocess.CompletedProcess(command, error.errno or 1, stdout=b"")


def _found(source: ModelFile, limits: Probe, read: Reader | None, what: str) -> Any:
    """Return what a child found, or raise for how it ended; `what` is what would have crashed."""
    import signal

    name = source.path.name
    if getattr(sys, "frozen", False) or not sys.executable:
        raise IntegrityError(
            f"no sha256 of {name} is on record, and it cannot be tried first",
            received="a frozen application, which has no interpreter to start",
            fix="Ship manifest.json beside the file, or give its sha256=, or probe=Probe(when='never').",
        )
    ended = run_child(source, limits, read)
    if ended is None or -ended.returncode == getattr(signal, "SIGXCPU", None):
        raise ArtifactError(
            f"{name} did not load and predict in time when it was tried",
            received=f"more than {limits.cpu_seconds} s of CPU time, or {_WALL_PER_CPU_SECOND} times that",
            fix="If it is a large model, give it more with probe=Probe(cpu_seconds=...).",
        )
    lines = ended.stdout.decode(errors="replace").splitlines()
    if not lines:
        raise IntegrityError(
            f"no sha256 of {name} is on record, and the process that should try it did not start",
            received=f"exit code {ended.returncode} of {sys.executable}",
            fix="Give its sha256=, put its manifest.json beside it, or give probe=Probe(when='never').",
        )
    if len(lines) == 1:
        number = -ended.returncode
        signalled = f"signal {number} ({signal.strsignal(number)})" if number > 0 else ""
        raise ArtifactError(
            f"{name} crashes {what}",
            received=f"{signalled or f'exit code {ended.returncode}'} in the process that tried it",
            expected="a model that loads and predicts",
        )
    answer = json.loads(lines[1])
    if "missing" in answer:
        raise MissingExtraError(*answer["missing"])
    if "error" in answer:
        raise _ERRORS[answer.pop("error")](**answer)
    return answer["found"]
