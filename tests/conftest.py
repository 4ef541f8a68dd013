"""What the tests share: one quickly trained model and its artifacts, made once by the real code."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock

from edgemnist.data.datasets import Dataset, Split, load_test_split

if TYPE_CHECKING:
    from edgemnist.export.convert.source import Source

# A shell's background jobs ignore Ctrl-C, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

EPOCHS = 4
INSTALLING = re.compile(r"apt-get install (?:--\S+ )*(.+)")
MadeOnce = Callable[[str, Callable[[Path], None]], Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shared",
        type=Path,
        metavar="DIR",
        help="Where trained models and exports are kept for other runs of the tests of the same code.",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what to install for the tests that were skipped, and why any others were."""
    reasons = [
        report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")
    ]
    wanting = [found[1].split() for reason in reasons if (found := INSTALLING.search(reason))]
    if wanting:
        terminalreporter.write_line(
            f"{len(wanting)} tests need programs that are not installed. On Debian:"
            f" apt-get install --no-install-recommends {' '.join(sorted(set().union(*wanting)))}"
        )
    for reason, count in Counter(reason for reason in reasons if not INSTALLING.search(reason)).items():
        terminalreporter.write_line(f"{count} skipped: {reason}")


@pytest.fixture(scope="session")
def made_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Return a function that has a folder made by whichever worker needs it first, and returns it to all."""
    root = request.config.getoption("--shared")
    if root is None:
        own = tmp_path_factory.getbasetemp()
        root = own.parent if hasattr(request.config, "workerinput") else own
    root.mkdir(parents=True, exist_ok=True)

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, unfinished = root / name, root / f"{name}.unfinished"
        with FileLock(root / f"{name}.lock"):
            if not folder.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return made


@pytest.fixture(scope="session", autouse=True)
def data_home(made_once: MadeOnce) -> Iterator[Path]:
    """The user's data directory, where builds are on record, is one of the tests' own, for all workers."""
    folder = made_once("data-home", lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def test_split() -> Split:
    return load_test_split()


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    from edgemnist.export.training.data import load_dataset

    return load_dataset()


@pytest.fixture(scope="session")
def model_folder(made_once: MadeOnce) -> Path:
    """A folder with only `mnist.keras` and what training writes beside it."""

    def make(folder: Path) -> None:
        from dataclasses import replace

        from edgemnist.cli.training import run_training
        from edgemnist.export.training.recipe import NOTEBOOK

        run_training(folder, None, replace(NOTEBOOK, epochs=EPOCHS), 0)

    return made_once("model", make)


@pytest.fixture(scope="session")
def artifacts(model_folder: Path, request: pytest.FixtureRequest, made_once: MadeOnce) -> Path:
    """A folder with the model and every format; read it, copy it, never change it."""

    def make(folder: Path) -> None:
        shutil.copy(model_folder / "mnist.keras", folder)
        export_every_format(folder, request.getfixturevalue("mnist"))

    return made_once("artifacts", make)


def export_every_format(folder: Path, mnist: Dataset) -> None:
    """Export the model in a folder as `edgemnist export` does, the library for this machine included."""
    from edgemnist.export.calibration import choose_calibration
    from edgemnist.export.convert.options import ExportOptions
    from edgemnist.export.convert.source import load_source
    from edgemnist.export.opening import tolerances_of
    from edgemnist.export.pipeline import export_all
    from edgemnist.proof.formats import FORMATS

    calibration = choose_calibration(mnist.train, len(mnist.class_names), 500, 0)
    source = load_source(folder / "mnist.keras", calibration)
    outcomes = export_all(
        source,
        [dataclasses.replace(row, tolerances=tolerances_of(row, source)) for row in FORMATS],
        mnist,
        folder,
        options=ExportOptions(compile=True),
    )
    assert [outcome.failures for outcome in outcomes] == [()] * len(outcomes)


@pytest.fixture
def artifacts_copy(artifacts: Path, tmp_path: Path) -> Path:
    """A copy of the artifacts folder that a test may damage."""
    return Path(shutil.copytree(artifacts, tmp_path / "artifacts"))


@pytest.fixture
def digit(test_split: Split) -> np.ndarray:
    """The first test image, a seven: (28, 28) uint8."""
    return test_split.inputs[0]


@pytest.fixture
def noexec_temporary_folder(tmp_path: Path) -> list[str]:
    """What to put before a command so that $TMPDIR is on a file system mounted noexec while it runs."""
    mount = 'mount -t tmpfs -o noexec tmpfs "$TMPDIR" && exec "$@"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    try:
        tried = subprocess.run(
            [*command, "true"], env={"TMPDIR": str(tmp_path), "PATH": os.defpath}, check=False
        )
    except FileNotFoundError:
        pytest.skip("needs unshare, of util-linux")
    if tried.returncode:
        pytest.skip("this user may not mount a file system in a namespace of their own")
    return command


@pytest.fixture(scope="session")
def small_mnist(mnist) -> Dataset:
    """150 training and 70 test images of MNIST."""

    def first(split: Split, count: int) -> Split:
        return dataclasses.replace(split, inputs=split.inputs[:count], labels=split.labels[:count])

    return Dataset(train=first(mnist.train, 150), test=first(mnist.test, 70))


@pytest.fixture(scope="session")
def quick_mnist(mnist) -> Dataset:
    """All training images and the first 500 test images, so that a proof takes no time."""
    test = dataclasses.replace(mnist.test, inputs=mnist.test.inputs[:500], labels=mnist.test.labels[:500])
    return Dataset(train=mnist.train, test=test)


@pytest.fixture(scope="session")
def source(model_folder, mnist) -> "Source":
    """The quickly trained model with 100 calibration images, and class names that are no numbers."""
    from edgemnist.export.calibration import choose_calibration
    from edgemnist.export.convert.source import load_source
    from edgemnist.runtime.signature import SignatureOptions

    calibration = choose_calibration(mnist.train, 10, 100, 0)
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return load_source(model_folder / "mnist.keras", calibration, SignatureOptions(labels=names))
