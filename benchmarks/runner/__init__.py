"""Collecting measurements: cases, rounds and worker processes."""
