"""Export small Keras classifiers to edge formats, with proof that every artifact gives the same answers."""

__version__ = "0.1.0"
