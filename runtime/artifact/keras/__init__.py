"""Keras files, read as data: what they are made of, and whether they carry code."""
