"""Parity, latency, statistics and reports. Imports the runtime, never TensorFlow."""
