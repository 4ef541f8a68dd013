"""The binding for models in C: a small extension module that costs less than ctypes, where there is one.

`edgemnist export --compile` builds it of `c_binding.c` with the compiler of the models, if Python's headers
are there, and keeps it in the user's data directory, where only this user can have put it. It knows no model,
so it serves all, and it keeps to Python's stable ABI, so one build serves all Pythons. Without it, models in
C run through ctypes and answer the same.
"""

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from ..isolation.native_code import kept_build
from ..tensors import TensorSpec

MODULE = "edgemnist_c_binding"
SOURCE = Path(__file__).with_name("c_binding.c")
# Returns the prediction for one image of raw pixels; None for anything else, and while another thread is in
# the model.
One = Callable[[Any], Any]
# The class names; the probability that each byte stands for; the type of predictions, and what it is passed
# after label, index, confidence and the output's bytes.
Parts = tuple[tuple[str, ...], tuple[float, ...], type, Any]


def binding_name() -> str | None:
    """Return what the binding's build is called, or None where it cannot be built or loaded.

    A Python without its global lock has no stable ABI yet, and another Python than CPython has none.
    """
    supported = (
        os.name == "posix"
        and sys.implementation.name == "cpython"
        and "t" not in getattr(sys, "abiflags", "")
    )
    if not supported or not SOURCE.is_file():
        return None
    return f"binding-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.abi3.so"


def bound_call(
    library: ctypes.CDLL, variant: int, arena_bytes: int, ends: tuple[TensorSpec, TensorSpec], parts: Parts
) -> One | None:
    """Return the binding's call of a library for one item, or None where there is no binding.

    Args:
        library: The loaded library.
        variant: The number of the code in it to run.
        arena_bytes: Memory that the library needs between the layers.
        ends: A call's input and output, whose first axis is a batch of one: raw pixels, and a byte a class.
        parts: What the answers are made of.
    """
    taken, given = ends
    name = binding_name()
    path = kept_build(name) if name else None
    caller = _caller_in(path) if path else None
    if caller is None or taken.dtype != "uint8" or given.dtype not in ("uint8", "int8"):
        return None
    address = ctypes.cast(library.edgemnist_one, ctypes.c_void_p).value
    one: One = caller(address, variant, arena_bytes, taken.shape[1:], given.dtype == "int8", parts).one
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
