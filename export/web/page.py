"""The page: one file with a model, its proof and what shows them, made of the files in `page/`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data.datasets import Split
from ...proof.parity import Parity
from ...runtime.artifact.manifest import ExactnessRecord
from ...runtime.artifact.page_file import packed
from ..codegen.artifact import choose_samples
from ..codegen.emitting.rendering import environment
from ..codegen.emitting.writing import GOLDEN_INPUTS
from ..codegen.proving.reference import random_inputs, run_reference
from .bundle import policy, script, style
from .facts import facts_of, preparation_of
from .gallery import GROUPS, Chosen, choose, pixels
from .modules import Modules

if TYPE_CHECKING:
    from jinja2 import Environment

_REFERENCE_BYTES = 1 << 20
_MOST_ROWS, _LONG_LABEL = 20, 3
_LIMITS = {"uint8": (0, 255), "int8": (-128, 127), "int16": (-32768, 32767)}


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a page shows of a model beside the model.

    Attributes:
        exactness: What was compared with the runtime.
        inputs: (N, *input shape), the test inputs as the model takes them; None without a test set.
        outputs: (N, *output shape), the runtime's raw outputs for them; None without.
        test: The test set; None without.
        parity: How the answers compare with the source model's; None without.
        reference: (N, ...) float32, the source model's outputs; None without.
    """

    exactness: ExactnessRecord
    inputs: NDArray[Any] | None = None
    outputs: NDArray[Any] | None = None
    test: Split | None = None
    parity: Parity | None = None
    reference: NDArray[np.float32] | None = None


def write_page(modules: Modules, evidence: Evidence) -> bytes:
    """Return the page of a model; the same bytes for the same modules and evidence."""
    graph, facts = modules.graph, facts_of(modules.graph)
    preparation, labels = preparation_of(graph), facts["labels"]
    chosen = _gallery(evidence, labels) if preparation else ()
    gallery = (
        b"".join(pixels(evidence.test.inputs[entry.index]) for entry in chosen) if evidence.test else b""
    )
    golden, golden_count = _golden(modules, evidence)
    reference = _reference(evidence)
    page_facts = {
        **facts,
        "preparation": preparation,
        "golden": golden_count,
        "gallery": [entry.facts for entry in chosen],
        "dataset": evidence.test.hashes("test") if evidence.test else {},
    }
    blobs = {
        **_shared(modules.by_name),
        "golden": golden,
        **({"gallery": gallery} if gallery else {}),
        **({"reference": reference} if reference else {}),
    }
    scripts, styles = script(), style()
    shape = graph.inputs[0].shape[1:]
    rows = labels[:_MOST_ROWS] if labels else []
    text = (
        _html()
        .get_template("page.html.jinja")
        .render(
            policy=policy(scripts, styles),
            name=modules.name,
            version=metadata.version("edgemnist"),
            lead=_lead(preparation, labels),
            image=preparation is not None,
            pad=preparation == "ink",
            labels=labels,
            rows=rows,
            named=any(len(label) > _LONG_LABEL for label in rows),
            size=" × ".join(map(str, shape[:2])),
            count=graph.inputs[0].size,
            range=_range(facts["signature"]["inputs"][0]),
            groups=[
                {"name": name, "title": title}
                for name, title in GROUPS.items()
                if any(entry.group == name for entry in chosen)
            ],
            proof=_proof(modules, evidence),
            golden=golden_count,
            test_set=bool(reference),
            input_bytes=sum(tensor.size_bytes for tensor in graph.inputs),
            output_bytes=sum(tensor.size_bytes for tensor in graph.outputs),
            bytes=f"{len(modules.simd):,}",
            compiler=modules.compiler,
            facts=_json(page_facts),
            blobs=[(name, packed(content)) for name, content in blobs.items()],
            script=scripts,
            style=styles,
        )
    )
    return text.encode()


def _gallery(evidence: Evidence, labels: list[str] | None) -> tuple[Chosen, ...]:
    test, outputs, reference = evidence.test, evidence.outputs, evidence.reference
    if test is None or test.labels is None or outputs is None or reference is None or not labels:
        return ()
    if outputs[0].size != len(labels):  # two classes of one sigmoid output
        return ()
    return choose(test, outputs, reference)


def _golden(modules: Modules, evidence: Evidence) -> tuple[bytes, int]:
    """Return inputs, then the runtime's outputs for them, and how many there are."""
    graph, content, match = modules.graph, modules.made_of, modules.match
    if evidence.inputs is None:
        inputs = random_inputs(graph, GOLDEN_INPUTS)
    elif graph.inputs[0].dtype in ("uint8", "int8"):
        inputs = choose_samples(content, evidence.inputs[:, 0], match)
    else:
        inputs = (evidence.inputs[:GOLDEN_INPUTS],)
    outputs = run_reference(content, inputs, match).outputs
    count = len(inputs[0])
    parts = [
        b"".join(array[number].tobytes() for array in arrays)
        for arrays in (inputs, outputs)
        for number in range(count)
    ]
    return b"".join(parts), count


def _reference(evidence: Evidence) -> bytes:
    """Return the runtime's outputs for the test images, as many as a page should hold."""
    if evidence.outputs is None or not len(evidence.outputs):
        return b""
    count = max(_REFERENCE_BYTES // evidence.outputs[0].nbytes, 1)
    return np.ascontiguousarray(evidence.outputs[:count]).tobytes()


def _shared(modules: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return modules without their common end, which holds the weights, and that end."""
    first, second = modules.values()
    pairs = zip(reversed(first), reversed(second), strict=False)
    common = next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
    heads = {name: content[: len(content) - common] for name, content in modules.items()}
    return {**heads, "rest": first[len(first) - common :]}


def _proof(modules: Modules, evidence: Evidence) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    noun = "images" if evidence.test is None or evidence.test.kind == "image" else "inputs"

    def add(what: str, found: str, *, is_hash: bool = False) -> None:
        rows.append({"what": what, "found": found, "hash": is_hash})

    if evidence.parity is not None:
        parity = evidence.parity
        if parity.accuracy is not None and parity.reference_accuracy is not None:
            add("Accuracy", f"{parity.accuracy:.2%} on {parity.images:,} test {noun}")
            add("Before quantization", f"{parity.reference_accuracy:.2%}")
        if parity.agreement is not None:
            changed = "" if parity.broke is None else f"; {parity.broke} broken, {parity.fixed} mended"
            add("Agreement of the two", f"{parity.agreement:.2%}{changed}")
        if parity.agreement is None:
            add("Largest difference", f"{parity.max_abs_difference:.4g} on {parity.images:,} test {noun}")
    add("Same bytes", _same_bytes(evidence.exactness))
    add("WebAssembly", _sha256(modules.simd), is_hash=True)
    add("WebAssembly without SIMD", _sha256(modules.plain), is_hash=True)
    add(f"{modules.name}.int8.tflite", _sha256(modules.made_of), is_hash=True)
    if evidence.test is not None and evidence.parity is not None:
        add(f"Test {noun}", evidence.test.inputs_sha256, is_hash=True)
    return rows


def _same_bytes(exactness: ExactnessRecord) -> str:
    images = f" and {exactness.test_images:,} test images" if exactness.test_images else ""
    whose = {"litert": "LiteRT's reference kernels", "tflm": "TensorFlow Lite Micro"}[exactness.runtime]
    return (
        f"All {exactness.output_bytes:,} output bytes for {exactness.random_inputs:,} random inputs{images}"
        f" are those of {whose}, with SIMD and without."
    )


def _lead(preparation: str | None, labels: list[str] | None) -> str:
    what = " that tells digits apart" if preparation == "ink" and labels == list("0123456789") else ""
    return f"A neural network{what}, computed in integers, the same as on a microcontroller."


def _range(end: Mapping[str, Any]) -> str:
    if not end["scale"]:
        return f"{end['name']}: real numbers."
    low, high = (end["scale"] * (limit - end["zeroPoint"]) for limit in _LIMITS[end["dtype"]])
    steps = f"{low:.4g} to {high:.4g}, in steps of {end['scale']:.4g}"
    return f"{end['name']}: {steps}; what lies outside is cut off."


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def _html() -> "Environment":
    return environment("web").overlay(autoescape=True)
