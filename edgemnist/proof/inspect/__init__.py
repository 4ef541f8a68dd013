"""What a model file contains, read without running it: one module a format."""
