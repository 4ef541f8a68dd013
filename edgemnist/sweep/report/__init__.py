"""Showing a sweep: the page `sweep.html` and its charts."""
