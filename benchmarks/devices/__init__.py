"""Benchmarks on devices of one's own: over ssh, with the device's own clock, or over a serial line."""
