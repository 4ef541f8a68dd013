"""The integer arithmetic of TensorFlow Lite's kernels, in Python."""
