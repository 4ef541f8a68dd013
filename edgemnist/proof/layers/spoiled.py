"""Which layer spoils a quantized model, and what would help."""

from dataclasses import dataclass

from .compare import LayerDifference, LayerReport

# Noise of a third of the signal's size: what a layer passes on then is no longer what was trained.
SPOILED_DB = 10.0
# What rounding to 8 bits leaves of an output that uses the whole range: a layer cannot be better than that.
_EIGHT_BITS_DB = 40.0
_ACTIVATIONS = {
    "activation",
    "softmax",
    "logsoftmax",
    "log_softmax",
    "sigmoid",
    "logistic",
    "tanh",
    "relu",
    "relu6",
}
# A range that is this many times what nearly all values need was set by a few of them.
_OUTLIERS = 2.0
_CLIPPED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class SpoiledLayer:
    """The layer from which on a model no longer computes what the other does.

    Attributes:
        layer: How it compares.
        before_db: The smallest signal-to-noise ratio of the layers before it, at most that of 8 bits.
        remedies: What would help, a sentence each, the most likely first.
    """

    layer: LayerDifference
    before_db: float
    remedies: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"the first layer that spoils it is {self.layer.first.label} ({self.layer.first.kind}),"
            f" {self.layer.snr_db:.1f} dB after {self.before_db:.1f} dB; what would help: "
            + ", or ".join(self.remedies)
        )


def first_spoiled_layer(report: LayerReport, floor_db: float = SPOILED_DB) -> SpoiledLayer | None:
    """Return the layer that loses most on the way to the first whose output is lost in noise.

    Where none is lost, the one that loses most of all; None where every layer is as good as 8 bits can be.

    Args:
        report: The comparison with the float model.
        floor_db: The signal-to-noise ratio below which an output is lost.
    """
    before = _EIGHT_BITS_DB
    largest: tuple[float, SpoiledLayer] | None = None
    for layer, kept in zip(report.layers, kept_db(report), strict=True):
        if before - kept > (largest[0] if largest else 0.0):
            largest = before - kept, SpoiledLayer(layer, before, _remedies(layer))
        before = min(before, kept)
        if kept < floor_db:
            break
    return largest[1] if largest else None


def kept_db(report: LayerReport) -> list[float]:
    """Return how much of the signal each layer passes on: its own ratio, or that of an activation behind it.

    Logits may differ beyond what softmax tells apart, and a rectifier's input below zero.
    """
    kept = [layer.snr_db for layer in report.layers]
    for index in range(len(kept) - 2, -1, -1):
        if report.layers[index + 1].first.kind.lower() in _ACTIVATIONS:
            kept[index] = max(kept[index], kept[index + 1])
    return kept


def _remedies(layer: LayerDifference) -> tuple[str, ...]:
    found = []
    if layer.second.weight_scales == 1 and layer.second.kind != "FULLY_CONNECTED":
        found.append("weights with a scale for each channel, for they have one for all")
    if layer.clipped > _CLIPPED_SHARE:
        found.append(
            f"a wider range, for {layer.clipped:.0%} of its values lie at the range's limits:"
            " --calibration-method minmax, or more and other calibration samples"
        )
    elif layer.second.scale and layer.largest > _OUTLIERS * layer.typical:
        found.append(
            f"a narrower range, for values reach {layer.largest:.3g} and nearly all lie below"
            f" {layer.typical:.3g}: --calibration-method percentile or mse"
        )
    found.append(f"keep it float: --keep-float {layer.first.label}")
    return tuple(found)
