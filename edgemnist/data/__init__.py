"""Data sets and the record of a training."""
