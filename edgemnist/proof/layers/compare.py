"""Where two forms of a model part: each layer of one against what belongs to it in the other."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace as replace_struct
from numpy.typing import NDArray

from ...runtime.artifact.keras.file import try_keras_file
from ...runtime.artifact.lookup import find_expected_hash
from ...runtime.assumed_signature import assumed_signature
from ...runtime.engines.registry import engine_for
from ...runtime.errors import ArtifactError
from ...runtime.files import read_model
from ...runtime.isolation.probe import Probe, read_in_child
from ...runtime.signature import InputSpec
from .activations import WATCHED, LayerOutput, Trace, open_trace, try_trace
from .alignment import Watched, align, as_shaped

Reals = NDArray[np.float32]
_ALIGNED_ON = 4
_NEARLY_ALL = 99.9  # percent of the values, which an outlier lies beyond


@dataclass(frozen=True, slots=True)
class LayerDifference:
    """How a layer of one model compares with the one that belongs to it in another.

    Attributes:
        first: The layer of the first model.
        second: The layer of the second.
        shape: The output's axes without the batch.
        snr_db: Signal-to-noise ratio of the second's output, 10 log10(Σa² / Σ(a-b)²); infinite where they are
            equal.
        cosine: Cosine similarity of both outputs.
        max_abs_difference: The largest difference of any value.
        largest: The largest absolute value of the first's output.
        typical: Its 99.9th percentile.
        clipped: The share of the second's values that lie at a limit of its quantized tensor.
    """

    first: LayerOutput
    second: LayerOutput
    shape: tuple[int, ...]
    snr_db: float
    cosine: float
    max_abs_difference: float
    largest: float
    typical: float
    clipped: float


@dataclass(frozen=True, slots=True)
class LayerReport:
    """All layers of two models that belong together, in order.

    Attributes:
        files: The names of both files.
        layers: How they compare.
        alone: The layers of each model that have no counterpart: fused into others, or added by a converter.
        samples: How many inputs were compared.
    """

    files: tuple[str, str]
    layers: tuple[LayerDifference, ...]
    alone: tuple[tuple[LayerOutput, ...], tuple[LayerOutput, ...]]
    samples: int


def read_trace(path: Path) -> Trace:
    """Load anybody's model, once it was loaded and run in a subprocess.

    Keras' own files are only read there, since TensorFlow needs many seconds to start.

    Raises:
        ArtifactError: It is no model whose layers can be watched.
        IntegrityError: There is no interpreter to start.
        MissingExtraError: The package that runs it is not installed.
    """
    content = read_model(path)
    entry = engine_for(path)
    if path.suffix in WATCHED:
        read_in_child(path, content, Probe(), try_trace if entry.light else try_keras_file)
    trace = open_trace(path, content)
    recorded = find_expected_hash(path)
    if recorded is None or recorded.sha256 != hashlib.sha256(content).hexdigest() or not recorded.signature:
        return trace
    return replace(trace, signature=recorded.signature)


def input_of(first: Trace, second: Trace) -> InputSpec:
    """Return what a raw item of two models is, and how it is scaled for one that does not say so itself.

    The range of a quantized input shows that, which was calibrated; else it is what a model that begins with
    pixels or floats usually takes.
    """
    traces = (first, second)
    silent = [trace for trace in traces if trace.signature is None]
    said = next((trace.signature.input for trace in traces if trace.signature), None)
    if said is not None and not silent:
        return said
    chosen = ([trace for trace in traces if trace.input.quantized] or silent)[0]
    found = assumed_signature(chosen.file, chosen.input, chosen.output).input
    if said is None or said.kind == found.kind:
        return found
    return replace_struct(found, kind=said.kind, scale=(1.0,), offset=(0.0,))


def random_items(first: Trace, second: Trace, spec: InputSpec, samples: int, seed: int) -> NDArray[Any]:
    """Draw raw items for two models: `(samples, *spec.shape)`, within the range of a quantized input."""
    tensor = second.input if second.input.quantized else first.input
    return spec.draw(samples, tensor, np.random.default_rng(seed))


def compare_layers(first: Trace, second: Trace, raw: NDArray[Any], spec: InputSpec) -> LayerReport:
    """Compare what the layers of two models output for the same raw items.

    Args:
        first: The model that is right, usually the float one.
        second: The other.
        raw: The items, `(N, *spec.shape)`: uint8 for images, float32 for features.
        spec: What they mean to a model that does not say so itself; see `input_of`.

    Raises:
        ArtifactError: The models do not take such inputs, or no layer belongs to one of the other.
    """
    if len(raw) < 1 or not np.isfinite(raw).all():
        raise ArtifactError("no items to compare layers on", received=f"{len(raw)} or not finite ones")
    few = raw[:_ALIGNED_ON]
    outputs = first.run(few, spec), second.run(few, spec)
    pairs = align(*(_watched(*each) for each in zip((first, second), outputs, strict=True)))
    if not pairs:
        raise ArtifactError(
            f"no layer of {second.file} computes what one of {first.file} does",
            received=f"{len(first.layers)} and {len(second.layers)} layers",
            expected="two forms of one model",
        )
    sums = [_Sums(second.layers[j]) for _, j in pairs]
    for start in range(0, len(raw), _ALIGNED_ON):
        batch = raw[start : start + _ALIGNED_ON]
        found = first.run(batch, spec), second.run(batch, spec)
        for total, (i, j) in zip(sums, pairs, strict=True):
            total.add(found[0][i], found[1][j])
    matched = {i for i, _ in pairs}, {j for _, j in pairs}
    return LayerReport(
        (first.file, second.file),
        tuple(total.result(first.layers[i]) for total, (i, _) in zip(sums, pairs, strict=True)),
        (_without(first.layers, matched[0]), _without(second.layers, matched[1])),
        len(raw),
    )


class _Sums:
    """The sums over all inputs of which a layer's comparison is made."""

    def __init__(self, second: LayerOutput) -> None:
        self.second = second
        self.signal = self.noise = self.other = self.product = 0.0
        self.difference = self.largest = self.typical = 0.0
        self.clipped = self.count = 0
        self.shape: tuple[int, ...] = ()

    def add(self, a: Reals, b: Reals) -> None:
        """Add a batch of both outputs."""
        arranged = as_shaped(b, a)
        assert arranged is not None  # noqa: S101 - they were aligned by their shapes
        x, y = a.astype(np.float64).ravel(), arranged.astype(np.float64).ravel()
        self.shape = a.shape[1:]
        self.signal += float(x @ x)
        self.other += float(y @ y)
        self.product += float(x @ y)
        self.noise += float((x - y) @ (x - y))
        if x.size:
            self.difference = max(self.difference, float(abs(x - y).max()))
            self.largest = max(self.largest, float(abs(x).max()))
            self.typical = max(self.typical, float(np.percentile(abs(x), _NEARLY_ALL)))
        if self.second.limits is not None:
            low, high = self.second.limits
            step = self.second.scale / 2
            # A rectifier's zeros are no clipping: only what the first model has beyond the limits is.
            beyond = ((y <= low + step) & (x < low - step)) | ((y >= high - step) & (x > high + step))
            self.clipped += int(beyond.sum())
        self.count += x.size

    def result(self, first: LayerOutput) -> LayerDifference:
        """Return the comparison."""
        sizes = math.sqrt(self.signal * self.other)
        return LayerDifference(
            first,
            self.second,
            self.shape,
            _decibels(self.signal, self.noise),
            self.product / sizes if sizes else float(self.signal == self.other),
            self.difference,
            self.largest,
            self.typical,
            self.clipped / self.count if self.count else 0.0,
        )


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _watched(trace: Trace, outputs: Sequence[Reals]) -> Watched:
    return Watched([each.name for each in trace.layers], trace.parents, outputs)


def _without(layers: Sequence[LayerOutput], matched: set[int]) -> tuple[LayerOutput, ...]:
    return tuple(layer for index, layer in enumerate(layers) if index not in matched)
