"""Operators that compute each element alone."""
