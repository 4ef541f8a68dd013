"""The inference engines: a registry, and one module an engine."""
