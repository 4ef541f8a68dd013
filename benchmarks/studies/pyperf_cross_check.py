"""Does pyperf measure what `edgemnist bench` measures?

`python -m edgemnist.benchmarks.studies.pyperf_cross_check artifacts/*.onnx artifacts/*.tflite [--turns N]`

Both measure one image end to end, on the same CPU, in processes that take turns. pyperf times loops of many
calls, so its figure is a mean and contains no clock; it is held against the mean of this project's samples,
less what timing an empty call costs. Ends with exit code 1 if they differ by more than 10 %. Needs pyperf.
"""

import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import run
from typing import Annotated

import typer

from ...data.datasets import load_test_split
from ...runtime.errors import EdgeMnistError, EngineError
from ...runtime.process import usable_cpus
from ..analysis.statistics import Ratio, paired_ratio
from ..report.units import duration
from ..runner.cases import Case, cases_for
from ..runner.collect import collect
from ..runner.plan import Plan
from ..runner.processes import MEASURED
from . import run_study

MAX_DIFFERENCE = 0.1
_NS_PER_SEC = 1e9
_SETUP = """
import itertools
from edgemnist.data.datasets import load_test_split
from edgemnist.benchmarks.worker.measure import classifier
from edgemnist.runtime import load_predictor
classify = classifier(load_predictor({path!r}, engine={engine!r}))
images = itertools.cycle(list(load_test_split().images))
"""


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Both figures of one model, by turn.

    Attributes:
        target: What was measured.
        ours_ns: This project's mean of a call, less the cost of timing it.
        pyperf_ns: pyperf's median of its values, each a mean over many calls.
    """

    target: Case
    ours_ns: dict[int, float]
    pyperf_ns: dict[int, float]

    @property
    def ratio(self) -> Ratio:
        """Ours over pyperf's."""
        return paired_ratio(self.ours_ns, self.pyperf_ns)

    @property
    def agrees(self) -> bool:
        """Whether both agree within `MAX_DIFFERENCE`."""
        return abs(self.ratio.value - 1) <= MAX_DIFFERENCE


def cross_check(path: Path, turns: int) -> CrossCheck:
    """Let both measure a model in turn."""
    (target,) = cases_for([path])
    ours, theirs = {}, {}
    for turn in range(turns):
        ours[turn] = measure_ours(target, turn)
        theirs[turn] = measure_pyperf(target)
    return CrossCheck(target, ours, theirs)


def measure_ours(target: Case, seed: int) -> float:
    """Return the mean nanoseconds of a call in a fresh process, less the cost of timing it.

    Raises:
        EngineError: The model could not be measured.
    """
    plan = Plan(rounds=1, num_runs=2000, min_secs=0.5, batch_sizes=(), seed=seed)
    (measured,) = collect([target], load_test_split(), plan).measurements
    if measured.status != MEASURED:
        raise EngineError(f"{target.name} {measured.status}", received=measured.reason)
    result = measured.rounds[0]
    empty_call_ns = result.facts.clock.empty_call_ns if result.facts else 0
    return float(result.arrays["latency_ns"].mean()) - empty_call_ns


def measure_pyperf(target: Case) -> float:
    """Return the median nanoseconds that pyperf finds for a call in a fresh process.

    Raises:
        EdgeMnistError: pyperf is not installed.
    """
    try:
        import pyperf
    except ImportError as error:
        raise EdgeMnistError("this study needs pyperf", fix="Install it with: pip install pyperf") from error

    cpus = usable_cpus()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "pyperf.json"
        command = [
            *(sys.executable, "-m", "pyperf", "timeit", "--quiet", "--output", str(output)),
            *("--processes", "1", "--values", "5", "--warmups", "1"),
            *(("--affinity", str(cpus[-1])) if cpus else ()),
            *("--setup", _SETUP.format(path=str(target.path.resolve()), engine=target.engine)),
            "classify(next(images))",
        ]
        run(command, check=True, capture_output=True)  # noqa: S603 - this interpreter
        return float(pyperf.Benchmark.load(str(output)).median()) * _NS_PER_SEC


def main(
    models: Annotated[list[Path], typer.Argument(help="Model files.")],
    turns: Annotated[int, typer.Option(min=1, help="How often each of the two measures.")] = 6,
) -> None:
    """Measure each model with pyperf and with this project, in turn, and print the ratio."""
    checks = [cross_check(path, turns) for path in models]
    for check in checks:
        ratio = check.ratio
        limits = f"{ratio.interval[0]:.3f} to {ratio.interval[1]:.3f}" if ratio.interval else "no interval"
        print(
            f"{check.target.name}: here {duration(statistics.median(check.ours_ns.values()))},"
            f" pyperf {duration(statistics.median(check.pyperf_ns.values()))}, ratio {ratio.value:.3f}"
            f" ({limits}): {'they agree' if check.agrees else 'they differ by more than 10 %'}"
        )
    if not all(check.agrees for check in checks):
        sys.exit(1)


if __name__ == "__main__":
    run_study(main)
