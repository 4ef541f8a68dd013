"""Does pyperf measure what `edgemnist bench` measures?

`python -m edgemnist.benchmarks.studies.speed.pyperf_cross_check MODEL... [--turns N]`

Both measure one image end to end, on the same CPU, in processes that take turns. pyperf times loops of many
calls, so its figure is a mean and contains no clock; it is held against the mean of this project's samples,
less what timing an empty call costs. Ends with exit code 1 if they differ by more than 10 %. Needs pyperf.
"""

import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from subprocess import run
from typing import Annotated

import typer

from ....data.datasets import load_test_split
from ....runtime.errors import EngineError
from ....runtime.process import usable_cpus
from ...analysis.statistics import paired_ratio
from ...report.units import duration
from ...runner.cases import Case, cases_for
from ...runner.collect import collect
from ...runner.plan import Plan
from ...runner.processes import MEASURED
from .. import required, run_study, take_turns

MAX_DIFFERENCE = 0.1
_NS_PER_SEC = 1e9
_SETUP = """
import itertools
from edgemnist.data.datasets import load_test_split
from edgemnist.benchmarks.worker.measure import answering
from edgemnist.runtime import load_predictor
answer = answering(load_predictor({path!r}, engine={engine!r}))
images = itertools.cycle(list(load_test_split().array))
"""


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


def measure_pyperf(target: Case, _turn: int) -> float:
    """Return the median nanoseconds that pyperf finds for a call in a fresh process.

    Raises:
        EdgeMnistError: pyperf is not installed.
    """
    pyperf = required("pyperf", "pyperf")
    cpus = usable_cpus()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "pyperf.json"
        command = [
            *(sys.executable, "-m", "pyperf", "timeit", "--quiet", "--output", str(output)),
            *("--processes", "1", "--values", "5", "--warmups", "1"),
            *(("--affinity", str(cpus[-1])) if cpus else ()),
            *("--setup", _SETUP.format(path=str(target.path.resolve()), engine=target.engine)),
            "answer(next(images))",
        ]
        run(command, check=True, capture_output=True)  # noqa: S603 - this interpreter
        return float(pyperf.Benchmark.load(str(output)).median()) * _NS_PER_SEC


def main(
    models: Annotated[list[Path], typer.Argument(help="Model files.")],
    turns: Annotated[int, typer.Option(min=1, help="How often each of the two measures.")] = 6,
) -> None:
    """Measure each model with pyperf and with this project, in turn, and print the ratio."""
    agree = True
    for path in models:
        (target,) = cases_for([path])
        found = take_turns(
            {"ours": partial(measure_ours, target), "pyperf's": partial(measure_pyperf, target)}, turns
        )
        ours, theirs = found.values()
        ratio = paired_ratio(dict(enumerate(ours)), dict(enumerate(theirs)))
        limits = f"{ratio.interval[0]:.3f} to {ratio.interval[1]:.3f}" if ratio.interval else "no interval"
        close = abs(ratio.value - 1) <= MAX_DIFFERENCE
        agree = agree and close
        print(
            f"{target.name}: here {duration(statistics.median(ours))},"
            f" pyperf {duration(statistics.median(theirs))}, ratio {ratio.value:.3f}"
            f" ({limits}): {'they agree' if close else 'they differ by more than 10 %'}"
        )
    if not agree:
        sys.exit(1)


if __name__ == "__main__":
    run_study(main)
