"""Data sets and the record of a training: reading and checking them, with MNIST bundled."""

from .datasets import load_split, load_test_split, load_train_split
from .labels import read_class_names
from .record import DataRecord, find_data
from .splits import Dataset, SeededSplit, Split
from .wanted import Wanted

__all__ = [
    "DataRecord",
    "Dataset",
    "SeededSplit",
    "Split",
    "Wanted",
    "find_data",
    "load_split",
    "load_test_split",
    "load_train_split",
    "read_class_names",
]
