"""Operators that compute one element of many."""
