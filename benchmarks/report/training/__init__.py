"""The training, as `bench.html` and PNG files show it."""
