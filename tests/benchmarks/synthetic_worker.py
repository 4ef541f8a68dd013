"""The real worker, with engines of known behaviour added to the engine table: run as a program by the tests.

An engine's name says what it does. Its model file may hold anything; its class is the brightest third of
the image's columns. Time is virtual: it passes by sleeping and by looking at the clock, each with a little
jitter, so that a busy machine changes no figure.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path
from random import Random
from types import ModuleType

CLOCK_READ_SECS = 1e-7
JITTER = 0.02


class VirtualTime:
    def __init__(self):
        self.now_ns = time.perf_counter_ns()
        self.random = Random(os.getpid())

    def sleep(self, seconds):
        self.now_ns += round(seconds * (1 + JITTER * self.random.random()) * 1e9)

    def perf_counter_ns(self):
        self.sleep(CLOCK_READ_SECS)
        return self.now_ns


real_sleep, virtual = time.sleep, VirtualTime()
time.sleep, time.perf_counter_ns = virtual.sleep, virtual.perf_counter_ns  # before the worker takes them

import numpy as np  # noqa: E402

from edgemnist.benchmarks.worker import __main__ as worker  # noqa: E402
from edgemnist.runtime.engines import registry as engines  # noqa: E402
from edgemnist.runtime.errors import ArtifactError  # noqa: E402
from edgemnist.runtime.tensors import TensorSpec  # noqa: E402

SHAPE = (4, 6)
CLASSES = 3
SLEEP_SECS = 0.002


class Synthetic:
    def __init__(self, name):
        self.name = name
        self.input = TensorSpec("image", "uint8", (None, *SHAPE))
        self.output = TensorSpec("probabilities", "float32", (None, CLASSES))
        self.metadata = {}
        self.calls = 0
        self.hoard = []

    def run(self, batch):
        self.calls += 1
        getattr(self, self.name)()
        columns = batch.reshape(len(batch), SHAPE[0], CLASSES, -1).sum(axis=(1, 3)) + np.float32(1)
        if self.name == "random" and len(batch) > 1:
            columns += np.random.default_rng().random(columns.shape, np.float32)
        answer = (columns / columns.sum(axis=1, keepdims=True)).astype(np.float32)
        return answer * np.float32("nan") if self.name == "nan" else answer

    def close(self):
        pass

    def instant(self):
        pass

    def sleep(self):
        time.sleep(SLEEP_SECS)

    def sleep_twice(self):
        time.sleep(2 * SLEEP_SECS)

    def bimodal(self):
        time.sleep(SLEEP_SECS if self.calls % 3 else 4 * SLEEP_SECS)

    def leak(self):
        time.sleep(SLEEP_SECS / 4)
        self.hoard.append(np.ones(100_000, np.uint8))

    def crash(self):
        if self.calls > 20:
            os.abort()

    def hang(self):
        real_sleep(3600)

    def nan(self):
        pass

    def random(self):
        pass


class Buggy(Synthetic):
    """An engine whose failure nothing expects, as those of `load` and `run` are."""

    @property
    def metadata(self):
        raise ZeroDivisionError("a bug in the engine")

    @metadata.setter
    def metadata(self, value):
        pass


def load(name, _content, _options):
    if name == "refuse":
        raise ArtifactError("it is not a model")
    return Buggy(name) if name == "bug" else Synthetic(name)


NAMES = (
    *("instant", "sleep", "sleep_twice", "bimodal", "leak", "crash", "hang", "nan", "random"),
    *("refuse", "bug"),
)


def register():
    for name in NAMES:
        module = ModuleType(f"{engines.__package__}.{name}")
        module.load, module.KIND = partial(load, name), "a model"
        sys.modules[module.__name__] = module
        engines.ENGINES[name] = engines.EngineEntry(name, (f".{name}",), "numpy", "")


if __name__ == "__main__":
    register()
    worker.main([str(Path(sys.argv[1]))])
