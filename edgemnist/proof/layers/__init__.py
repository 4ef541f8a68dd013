"""Where two models part: their layers are paired and compared, and the one that spoils a model is named."""

from .compare import LayerDifference, LayerReport, compare_layers, input_of, random_items, read_trace
from .spoiled import SPOILED_DB, SpoiledLayer, first_spoiled_layer, kept_db

__all__ = [
    "SPOILED_DB",
    "LayerDifference",
    "LayerReport",
    "SpoiledLayer",
    "compare_layers",
    "first_spoiled_layer",
    "input_of",
    "kept_db",
    "random_items",
    "read_trace",
]
