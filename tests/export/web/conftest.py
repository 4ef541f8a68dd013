"""What the tests of the web share: tools that may be missing, and artifacts that are made once."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgemnist.export.codegen.arithmetic.fixed_point import Match
from edgemnist.export.web.compiler import find_web_compiler, has_web_compiler
from edgemnist.export.web.modules import Modules, make_modules

from .small import small_network

BROWSER = Path(__file__).with_name("browser")


@pytest.fixture(scope="session")
def compiler():
    if not has_web_compiler():
        pytest.skip("needs a compiler of C to WebAssembly: pip install 'edgemnist[web]'")
    return find_web_compiler()


@pytest.fixture(scope="session")
def small(compiler) -> Modules:
    """A network with a convolution, a depthwise one, an addition and a dense layer with a softmax."""
    pytest.importorskip("wasmtime")
    return make_modules(small_network(), "small", Match.LITERT, compiler)


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs node: apt-get install nodejs")
    return found


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The packages of npm that drive a browser, and the browser."""
    folder = Path(os.environ.get("EDGEMNIST_NODE_MODULES", BROWSER / "node_modules"))
    if not (folder / "playwright-core").is_dir() or not (folder / "axe-core").is_dir():
        pytest.skip("needs packages of npm: npm install --no-package-lock --prefix tests/export/web/browser")
    if shutil.which("chromium") is None:
        pytest.skip("needs chromium: apt-get install chromium")
    return folder


def run_node(node: str, script: str, *arguments: object, cwd: Path | None = None) -> str:
    """Return what a module of JavaScript prints."""
    done = subprocess.run(
        [node, "--input-type=module", "--eval", script, "--", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def raw_inputs(modules: Modules, count: int, seed: int = 3) -> np.ndarray:
    """Return random raw inputs of a model of one input, `(N, *shape)`."""
    (tensor,) = modules.graph.inputs
    limits = np.iinfo(tensor.dtype)
    generator = np.random.default_rng(seed)
    return generator.integers(limits.min, limits.max, (count, *tensor.shape), tensor.dtype, endpoint=True)
