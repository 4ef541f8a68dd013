"""The fewest layers that must stay float for a quantized model to keep its accuracy.

Where two models part shows which layer loses most; that one is kept float, and so on until the accuracy is
kept. Then each layer that was kept is tried without, and, where several were needed, each layer alone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...proof.layers import LayerReport, compare_layers, kept_db
from ...proof.layers.activations import Trace, of_tflite
from ...proof.layers.alignment import Watched, align
from ...runtime.errors import ConversionError
from ...runtime.signature import InputSpec
from .quantizer import Quantizer

Reals = NDArray[np.float32]
# Rounding the input to 8 bits leaves about this much, with which the first layer's loss is compared.
_EXACT_DB = 45.0


@dataclass(frozen=True, slots=True)
class MixedPrecision:
    """A quantized model that keeps its accuracy.

    Attributes:
        content: The TFLite file.
        keep_float: The names of the layers that are float in it, in order; empty where none need be.
        accuracy_drop: What it loses.
        tried: How many models were measured.
    """

    content: bytes
    keep_float: tuple[str, ...]
    accuracy_drop: float
    tried: int


def fewest_float_layers(
    quantizer: Quantizer,
    inputs: Reals,
    accuracy_drop: Callable[[bytes], float],
    max_accuracy_drop: float,
    *,
    always: Collection[str] = (),
    report: Callable[[str], None] = lambda _: None,
) -> MixedPrecision:
    """Return the quantized model with as few float layers as the search finds.

    Args:
        quantizer: The float model, calibrated.
        inputs: `(N, ...)` float32, on which layers are compared.
        accuracy_drop: Returns how much accuracy a model loses against the float one, negative for a gain. It
            must not read the test set, which then would prove nothing.
        max_accuracy_drop: How much may be lost.
        always: Names of layers that stay float in any case.
        report: Called with a line before each model is measured.

    Raises:
        ConversionError: Even with every layer float more is lost.
    """
    search = _Search(quantizer, accuracy_drop, max_accuracy_drop, report, always)
    spec = InputSpec("features", inputs.shape[1:])
    exact = of_tflite("float", quantizer.content, exact=False)
    kept: list[str] = []
    everything = [layer.name for layer in quantizer.layers]
    if not search.passes(kept) and not search.passes(everything):
        raise ConversionError(
            "the accuracy is not kept even with every layer in float",
            received=f"{search.drops[frozenset(everything)]:.4f} lost",
            expected=f"at most {max_accuracy_drop}",
            fix="Raise --max-accuracy-drop, or look at the input's range: it is quantized in any case.",
        )
    while not search.passes(kept):
        quantized = of_tflite("quantized", search.content(kept), exact=False)
        comparison = compare_layers(exact, quantized, inputs, spec)
        kept.append(_worst(comparison, kept) or next(name for name in everything if name not in kept))
    for name in reversed(kept[:-1]):  # the last one was needed
        fewer = [each for each in kept if each != name]
        if search.passes(fewer):
            kept = fewer
    if len(kept) > 1:
        alone = next((name for name in everything if search.passes([name])), None)
        kept = [alone] if alone is not None else kept
    names = tuple(name for name in everything if name in {*kept, *always})
    return MixedPrecision(search.content(kept), names, search.drops[frozenset(kept)], len(search.drops))


def counterparts(model: Trace, converted: Trace, raw: NDArray[Any], spec: InputSpec) -> Mapping[str, str]:
    """Return for each layer of a Keras model the name of the TFLite layer that it became.

    A layer that was fused into another, as a convolution into the activation behind it, became that one.

    Args:
        model: The layers of the Keras model.
        converted: Those of its float TFLite file.
        raw: A few raw items.
        spec: What they mean.
    """
    traces = (model, converted)
    watched = (
        Watched([layer.name for layer in each.layers], each.parents, each.run(raw, spec)) for each in traces
    )
    pairs = dict(align(*watched))
    children: list[list[int]] = [[] for _ in model.layers]
    for index, parents in enumerate(model.parents):
        for parent in parents:
            children[parent].append(index)
    found: dict[str, str] = {}
    became: dict[int, int] = {}
    for index in range(len(model.layers) - 1, -1, -1):
        below = [became[child] for child in children[index] if child in became]
        if index in pairs or below:
            became[index] = pairs[index] if index in pairs else min(below)
            found[model.layers[index].name] = converted.layers[became[index]].name
    return found


class _Search:
    """The models that were measured, each once."""

    def __init__(
        self,
        quantizer: Quantizer,
        accuracy_drop: Callable[[bytes], float],
        limit: float,
        report: Callable[[str], None],
        always: Collection[str],
    ) -> None:
        self._always = tuple(always)
        self._quantizer, self._accuracy_drop = quantizer, accuracy_drop
        self._limit, self._report = limit, report
        self._contents: dict[frozenset[str], bytes] = {}
        self.drops: dict[frozenset[str], float] = {}

    def content(self, kept: list[str]) -> bytes:
        """Return the model with these layers float."""
        key = frozenset(kept)
        if key not in self._contents:
            self._contents[key] = self._quantizer.quantize([*kept, *self._always])
        return self._contents[key]

    def passes(self, kept: list[str]) -> bool:
        """Return whether the model with these layers float keeps its accuracy."""
        key = frozenset(kept)
        if key not in self.drops:
            self._report(f"measuring it with {len(kept)} layers in float")
            self.drops[key] = self._accuracy_drop(self.content(kept))
        return self.drops[key] <= self._limit


def _worst(report: LayerReport, kept: list[str]) -> str | None:
    """Return the layer, not float yet, that loses most of what reaches it."""
    before = np.inf
    worst: tuple[float, str | None] = (0.0, None)
    for layer, ratio in zip(report.layers, kept_db(report), strict=True):
        if min(before, _EXACT_DB) - ratio > worst[0] and layer.first.name not in kept:
            worst = min(before, _EXACT_DB) - ratio, layer.first.name
        before = min(before, ratio)
    return worst[1]
