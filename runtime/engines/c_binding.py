"""The binding for models in C: a small extension module that costs less than ctypes, where there is one.

`edgemnist export --compile` builds it of `c_binding.c` with the compiler of the models, if Python's headers
are there, and keeps it in the user's data directory, where only this user can have put it. It knows no model,
so it serves all, and it keeps to Python's stable ABI, so one build serves all Pythons. Without it, models in
C run through ctypes and answer the same.
"""

import ctypes
import hashlib
import math
import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from ..isolation.native_code import kept_build
from ..tensors import TensorSpec

MODULE = "edgemnist_c_binding"
SOURCE = Path(__file__).with_name("c_binding.c")
# The number of the largest output and all outputs as bytes, for one input; None for what is not an input as
# it is, and while the model's memory is in use by another thread.
One = Callable[[Any], tuple[int, bytes] | None]


def binding_name() -> str | None:
    """Return what the binding's build is called, or None where it cannot be built or loaded.

    A Python without its global lock has no stable ABI yet, and another Python than CPython has none.
    """
    supported = os.name == "posix" and sys.implementation.name == "cpython" and "t" not in sys.abiflags
    if not supported or not SOURCE.is_file():
        return None
    return f"binding-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.abi3.so"


def bound_call(
    library: ctypes.CDLL, variant: int, ends: tuple[TensorSpec, TensorSpec], arena_bytes: int
) -> One | None:
    """Return the binding's call of a library for one item, or None where there is no binding.

    Args:
        library: The loaded library.
        variant: The number of the code in it to run.
        ends: A call's input and output, whose first axis is a batch of one.
        arena_bytes: Memory that the library needs between the layers.
    """
    taken, given = ends
    if taken.dtype != "uint8" or np.dtype(given.dtype).itemsize != 1:
        return None
    name = binding_name()
    path = kept_build(name) if name else None
    caller = _caller_in(path) if path else None
    if caller is None:
        return None
    address = ctypes.cast(library.edgemnist_one, ctypes.c_void_p).value
    outputs = math.prod(size or 1 for size in given.shape)
    one: One = caller(address, variant, taken.shape[1:], outputs, given.dtype == "int8", arena_bytes).one
    return one


@cache
def _caller_in(path: Path) -> Any:
    """Return the binding's class; None if it does not load: of another processor, or in a noexec place."""
    spec = spec_from_file_location(MODULE, path, loader=ExtensionFileLoader(MODULE, str(path)))
    if spec is None or spec.loader is None:
        return None
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError:
        return None
    return module.Caller
