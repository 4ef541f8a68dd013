"""The artifacts int8.wasm and int8.html: their files, and the proof of them."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Split
from ...proof.artifact import Proof, prove
from ...proof.formats import Format
from ...proof.inspect.structure import Structure, parse_structure
from ...runtime.artifact.manifest import ExactnessRecord
from ...runtime.errors import EdgeMnistError
from ..codegen.artifact import spec_of
from ..codegen.proving.exactness import fitting_images
from .javascript import write_javascript
from .modules import Modules
from .page import Evidence, write_page
from .proving import prove_modules

PAGE = "html"


@dataclass(frozen=True, slots=True, eq=False)
class WebProof:
    """What was found of a model's modules.

    Attributes:
        proof: Their structure, their answers on the test images, and what failed.
        exactness: What was compared with the runtime; None where a byte differed.
        content: The artifact: the module or the page; empty where the proof failed.
    """

    proof: Proof
    exactness: ExactnessRecord | None
    content: bytes


def files_of(modules: Modules) -> dict[str, bytes]:
    """Return the files of int8.wasm, by what their names have after `<model>.int8`."""
    javascript = write_javascript(modules.graph, modules.name)
    return {".wasm": modules.simd, ".plain.wasm": modules.plain, **javascript}


def structure_of_module(content: bytes) -> Structure:
    """Return what a module contains."""
    return parse_structure(Path("model.wasm"), content)


def prove_with_data(
    modules: Modules,
    row: Format,
    reference: NDArray[np.float32],
    test: Split,
    report: Callable[[str], None] = lambda _: None,
    *,
    batch: int | None = None,
    node: bool = True,
) -> WebProof:
    """Prove modules on a test set, and make the artifact of them.

    Only modules that were made here may run in Node, which is no sandbox.
    """
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
        paths = [Path(folder, f"{modules.name}.int8.{name}.wasm") for name in modules.by_name]
        for path, content in zip(paths, modules.by_name.values(), strict=True):
            path.write_bytes(content)
        structure = structure_of_module(modules.simd)
        files: dict[Path, str | None] = dict.fromkeys(paths)
        proof = prove(
            paths[0], row, reference, test, ours=True, batch=batch, structure=structure, files=files
        )
    if proof.predictor is None or proof.parity is None:
        return WebProof(proof, None, b"")
    (tensor,) = modules.graph.inputs
    encoded = proof.predictor.signature.input.encode(test.array, spec_of(tensor, batched=True))
    fitting = encoded.reshape(-1, *tensor.shape)
    try:
        exactness, _, outputs = prove_modules(modules, files_of(modules), fitting, report, node=node)
    except EdgeMnistError as error:
        return WebProof(replace(proof, failures=(*proof.failures, str(error))), None, b"")
    evidence = Evidence(exactness, fitting, outputs[0], test, proof.parity, reference)
    return WebProof(proof, exactness, _content(modules, row.format, evidence))


def prove_without_data(
    modules: Modules,
    kind: str,
    images: NDArray[np.uint8],
    report: Callable[[str], None] = lambda _: None,
    *,
    node: bool = True,
) -> tuple[ExactnessRecord, tuple[NDArray[Any], ...], bytes]:
    """Prove modules of anybody's TFLite file, and make the artifact of them.

    Returns:
        What was compared, the runtime's outputs for the random inputs, and the module or the page.

    Raises:
        ProofError: A byte differs from the runtime's.
        MissingExtraError: There is neither Node nor wasmtime; or the runtime is not installed.
    """
    fitting = fitting_images(images, modules.graph)
    exactness, expected, _ = prove_modules(modules, files_of(modules), fitting, report, node=node)
    return exactness, expected, _content(modules, kind, Evidence(exactness))


def _content(modules: Modules, kind: str, evidence: Evidence) -> bytes:
    return write_page(modules, evidence) if kind == PAGE else modules.simd
