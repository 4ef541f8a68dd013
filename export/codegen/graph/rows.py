"""How kernels walk over their inputs: what the planner may let lie over each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """How a kernel walks: the proof that its output may overlap an input.

    The kernel writes its output in pieces, from the lowest address up. When it writes the first byte of piece
    r, it has done with all bytes of the input before `done[r]`.

    A kernel with the field `backward` in its struct can also walk from the last piece to the first. When it
    then writes piece r, it has done with all bytes of the input from `ends[r]` on.

    Attributes:
        piece_bytes: The size of a piece of the output.
        done: One offset into the input for each piece; it never decreases.
        ends: The same for walking backward; None for a kernel that cannot.
    """

    piece_bytes: int
    done: NDArray[np.int64]
    ends: NDArray[np.int64] | None = None

    @classmethod
    def in_step(cls, count: int, input_bytes: int, output_bytes: int) -> "Rows":
        """Return how a kernel walks that reads element i, and then writes element i."""
        return cls(output_bytes, np.arange(1, count + 1, dtype=np.int64) * input_bytes)

    @property
    def below(self) -> int:
        """How many bytes below the input the output must begin at least, to be written forward."""
        pieces = np.arange(1, len(self.done) + 1, dtype=np.int64) * self.piece_bytes
        return int(max((pieces - self.done).max(initial=0), 0))

    @property
    def above(self) -> int | None:
        """How many bytes above the input the output must begin at least, to be written backward."""
        if self.ends is None:
            return None
        pieces = np.arange(len(self.ends), dtype=np.int64) * self.piece_bytes
        return int(max((self.ends - pieces).max(initial=0), 0))
