"""Data sets and the record of a training: reading and checking them, with MNIST bundled."""

from .datasets import Dataset, Split, load_split, load_test_split, load_train_split

__all__ = ["Dataset", "Split", "load_split", "load_test_split", "load_train_split"]
