"""Conversion to every format: one module a converter family, and the registry of them all."""
