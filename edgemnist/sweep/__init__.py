"""Many trainings and exports, on this machine or on a Ray cluster, and the frontier of what came of them.

A sweep is a list of points. What a point needs is computed by `tasks.run`, a pure function of bytes, in
processes here (`local`) or on Ray (`cluster`); `results` keeps every answer under the hash of its question.
"""

from .options import Export, Point, Training
from .space import Space, read_space

__all__ = ["Export", "Point", "Space", "Training", "read_space"]
