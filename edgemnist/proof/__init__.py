"""Proof that an artifact still gives the source model's answers."""
