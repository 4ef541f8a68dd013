import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edgemnist.cli import entry


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


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; return the exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgemnist", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            entry.main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


@pytest.fixture(scope="session")
def own_models() -> ModuleType:
    path = Path(__file__).parents[1] / "own_models.py"
    spec = importlib.util.spec_from_file_location("own_models", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["own_models"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def own_model(made_once, own_models) -> Callable[[str], Path]:
    """Return a function that returns the folder of a model of `own_models`, trained once."""
    return lambda name: made_once(f"own-{name}", lambda folder: own_models.make(name, folder))
