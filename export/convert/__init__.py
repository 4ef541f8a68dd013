"""Converters from Keras to the export formats."""
