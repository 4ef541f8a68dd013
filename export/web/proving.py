"""The proof that WebAssembly gives a runtime's bytes: in Node, by the JavaScript module, and in wasmtime."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.artifact.manifest import ExactnessRecord
from ...runtime.engines.registry import ENGINES, EngineOptions
from ...runtime.errors import MissingExtraError, ProofError
from ..codegen.graph.ir import Graph
from ..codegen.proving.exactness import RANDOM_INPUTS, SEED, run_engine
from ..codegen.proving.reference import Arrays, random_inputs, run_reference
from .modules import Modules

_NODE = "node"
_RUNNER = Path(__file__).with_name("node_runner.mjs")
_TIMEOUT_SECS = 600
_SHOWN = 500


def prove_modules(
    modules: Modules,
    files: Mapping[str, bytes],
    fitting: NDArray[Any],
    report: Callable[[str], None] = lambda _: None,
    *,
    node: bool = True,
) -> tuple[ExactnessRecord, Arrays, Arrays]:
    """Compare every output byte of both modules with those of the runtime that they match.

    Args:
        modules: The modules.
        files: The JavaScript beside them, by the endings of the names; it runs them in Node, if that is here.
        fitting: (N, *input shape), what the model gets besides random inputs, as its input takes it.
        report: Called with what is under way.
        node: Whether they may run in Node, as only modules that were made here may.

    Returns:
        What was compared, the runtime's outputs for the random inputs, and those for the images.

    Raises:
        ProofError: A byte differs, or Node cannot run the module.
        MissingExtraError: There is neither Node nor wasmtime; or the runtime is not installed.
    """
    graph, match = modules.graph, modules.match
    report(f"asking {match.value}")
    random = random_inputs(graph, RANDOM_INPUTS, SEED)
    expected = run_reference(modules.made_of, random, match).outputs
    of_images = run_reference(modules.made_of, (fitting,), match).outputs if len(fitting) else ()
    inputs = (np.concatenate([random[0], fitting]),) if len(fitting) else random
    outputs = (
        tuple(np.concatenate(pair) for pair in zip(expected, of_images, strict=True))
        if of_images
        else expected
    )
    compared = sum(array.nbytes for array in outputs)
    ran = False
    if node and shutil.which(_NODE):
        report("running it in Node")
        run_in_node(modules, files, inputs, outputs)
        ran = True
    if ENGINES["wasmtime"].available:
        for name, content in modules.by_name.items():
            report(f"running {name} in wasmtime")
            require_equal(f"{name} in wasmtime", run_in_wasmtime(content, graph, inputs), outputs)
        ran = True
    if not ran:
        raise MissingExtraError("wasmtime", "web", "proving WebAssembly without Node")
    record = ExactnessRecord(match.value, RANDOM_INPUTS, SEED, len(fitting), compared)
    return record, expected, of_images


def run_in_wasmtime(content: bytes, graph: Graph, inputs: Arrays) -> Arrays:
    """Return the outputs of a module for inputs one by one.

    Raises:
        ArtifactError: It is no module of a model.
        EngineError: It fails.
        MissingExtraError: wasmtime is not installed.
    """
    engine: Any = ENGINES["wasmtime"].load(Path("model.wasm"), content, EngineOptions())
    try:
        return run_engine(engine, graph, inputs)
    finally:
        engine.close()


def run_in_node(modules: Modules, files: Mapping[str, bytes], inputs: Arrays, outputs: Arrays) -> None:
    """Run both modules through their JavaScript in Node, and compare.

    Raises:
        ProofError: A byte differs, or Node cannot run the module.
    """
    node = shutil.which(_NODE) or _NODE
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
        folder = Path(name)
        (folder / "inputs").write_bytes(b"".join(array.tobytes() for array in inputs))
        for ending, content in files.items():
            (folder / f"{modules.name}.int8{ending}").write_bytes(content)
        for variant in modules.by_name:
            script = folder / f"{modules.name}.int8.mjs"
            command = [node, str(_RUNNER), str(script), variant, "inputs", "outputs"]
            ended = subprocess.run(  # noqa: S603 - our own module, in the user's Node
                command, cwd=folder, capture_output=True, check=False, timeout=_TIMEOUT_SECS
            )
            if ended.returncode:
                raise ProofError(
                    "Node cannot run the JavaScript module",
                    received=ended.stderr.decode(errors="replace").strip()[-_SHOWN:],
                )
            found = (folder / "outputs").read_bytes()
            arrays, place = [], 0
            for expected in outputs:
                part = found[place : place + expected.nbytes]
                arrays.append(np.frombuffer(part, expected.dtype).reshape(expected.shape))
                place += expected.nbytes
            require_equal(f"{variant} in Node", tuple(arrays), outputs)


def require_equal(what: str, found: Arrays, expected: Arrays) -> None:
    """Check that outputs are equal to the last byte.

    Raises:
        ProofError: They are not.
    """
    for given, right in zip(found, expected, strict=True):
        wrong = np.ascontiguousarray(given).view(np.uint8) != np.ascontiguousarray(right).view(np.uint8)
        if wrong.any():
            raise ProofError(
                f"the module {what} does not give the runtime's bytes",
                received=f"{int(wrong.sum()):,} of {wrong.size:,} bytes differ",
            )
