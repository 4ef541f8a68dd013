"""Layers of sums of products."""
