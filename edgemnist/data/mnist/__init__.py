"""The MNIST test pair, as distributed by its authors."""
