"""What the proof that C gives a runtime's bytes compared: seeded random inputs, and test images that fit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..runtime.artifact.manifest import ExactnessRecord

ProveExact = Callable[[Path, bytes, NDArray[np.uint8]], ExactnessRecord]
"""`prove_exact(c, tflite, images)`: compiles C that the caller has generated of a TFLite file, and compares.

Raises ProofError if a byte differs, MissingCompilerError, and MissingExtraError without the runtime.
"""


def sentence(exactness: ExactnessRecord) -> str:
    """Return what was compared, for people."""
    images = f" and {exactness.test_images:,} test images" if exactness.test_images else ""
    return (
        f"all {exactness.output_bytes:,} bytes for {exactness.random_inputs:,} random inputs{images}"
        f" are those of {exactness.runtime}"
    )
