"""Comparing a benchmark with an earlier one: what changed, and whether a CI job may pass."""

from .changes import (
    Change,
    added_rows,
    changed_versions,
    differences,
    find_changes,
    require_same_machine,
    require_scipy,
    verdict,
)
from .gate import Gate, Limits, Scope, open_gate

__all__ = [
    "Change",
    "Gate",
    "Limits",
    "Scope",
    "added_rows",
    "changed_versions",
    "differences",
    "find_changes",
    "open_gate",
    "require_same_machine",
    "require_scipy",
    "verdict",
]
