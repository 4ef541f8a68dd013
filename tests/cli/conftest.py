from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """40 training and 20 test images of 6x5 pixels in 3 classes."""
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    draw = np.random.default_rng(0)
    labels = np.arange(40) % 3
    np.savez(
        path,
        x_train=draw.integers(0, 256, (40, 6, 5), dtype=np.uint8),
        y_train=labels,
        x_test=draw.integers(0, 256, (20, 6, 5), dtype=np.uint8),
        y_test=labels[:20],
    )
    return path
