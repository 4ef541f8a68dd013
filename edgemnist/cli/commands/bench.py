"""`edgemnist bench`: accuracy, agreement and latency of every artifact on every engine."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import literal, print_json, print_message, results
from ..options import Artifacts, Data, Force, Json, RunForeignCode
from ..progress import bench_progress, device_progress

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ...benchmarks.emulation.model import CModel
    from ...benchmarks.report.training.outputs import Trained
    from ...benchmarks.runner.benchmark import Benchmark
    from ...benchmarks.runner.cases import Case
    from ...benchmarks.runner.plan import Plan

EXAMPLES = """
**Examples**

- `edgemnist bench` every artifact in the folder artifacts, and Keras where TensorFlow is installed
- `edgemnist bench mine.onnx theirs.tflite --num-threads 2 --output report`
- `edgemnist bench --quick --json` a first impression in seconds
- `edgemnist bench --artifacts edge --history notebook` with the curves of both trainings
- `edgemnist bench --target cortex-m4 --target s390x` the model in C, on emulated processors
- `edgemnist bench --baseline old/bench.json --max-slowdown 1.2 --max-accuracy-drop 0.001` a gate for CI
"""

_FILES_HELP = "Model files, instead of all in the artifacts folder."
_ENGINE_HELP = "This engine only, see `edgemnist env`; repeatable."
_KERAS_HELP = "Measure Keras, the slowest by far. Default: unless --quick."
_TARGET_HELP = (
    "Where to run; repeatable. host: this machine, the default. An emulated processor, with the model in C:"
    " cortex-m0, -m3, -m4, -m7, -m33, -m55, aarch64, arm, riscv64, s390x. emulated: all of these."
)
_RUNS_HELP = "Single images to measure per model at least. Default: 2000."
_SECS_HELP = "Seconds of single images per model at least. Default: 0.6."
_WARMUP_HELP = "Unmeasured calls in each process first. Default: 100."
_BASELINE_HELP = "An earlier bench.json to compare the new results with."
_SLOWDOWN_HELP = "Exit 3 if a model is certainly slower than that, such as 1.2."
_DROP_HELP = "Exit 3 if a model loses more accuracy, such as 0.001."
_OUTPUT_HELP = "Where the reports go. Default: the artifacts folder, or for named files the current one."
_HISTORY_HELP = "Draw the curves of this folder's training beside those of the artifacts folder; repeatable."


def bench(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help=_FILES_HELP)] = None,
    engine: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_ENGINE_HELP)] = None,
    keras: Annotated[bool | None, typer.Option("--with-keras/--no-keras", help=_KERAS_HELP)] = None,
    target: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_TARGET_HELP)] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under 15 s, with wider intervals.")] = False,
    num_runs: Annotated[int | None, typer.Option(min=1, help=_RUNS_HELP)] = None,
    min_secs: Annotated[float | None, typer.Option(min=0, help=_SECS_HELP)] = None,
    warmup_runs: Annotated[int | None, typer.Option(min=1, help=_WARMUP_HELP)] = None,
    num_threads: Annotated[int, typer.Option(min=1, help="Threads for one inference.")] = 1,
    loadgen: Annotated[bool, typer.Option("--loadgen", hidden=True, help="Moved to a study.")] = False,
    baseline: Annotated[Path | None, typer.Option(metavar="OLD.json", help=_BASELINE_HELP)] = None,
    max_slowdown: Annotated[float | None, typer.Option(metavar="FACTOR", help=_SLOWDOWN_HELP)] = None,
    max_accuracy_drop: Annotated[float | None, typer.Option(metavar="SHARE", help=_DROP_HELP)] = None,
    force: Force = False,
    run_foreign_code: RunForeignCode = False,
    data: Data = None,
    artifacts: Artifacts = Path("artifacts"),
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="DIR", help=_OUTPUT_HELP)] = None,
    history: Annotated[list[Path] | None, typer.Option(metavar="DIR", help=_HISTORY_HELP)] = None,
    json: Json = False,
) -> None:
    """Measure accuracy, agreement with Keras and latency of every artifact on every engine.

    Each model runs in fresh processes of its own, in several rounds in shuffled order, on real test images. A
    missing engine gives a row "skipped". A model that fails or crashes its process gives a row "failed"; the
    others go on, and the exit code is 1 at the end.

    An emulated processor runs every test image too: its row has accuracy, agreement with LiteRT's reference
    kernels to the byte, flash, RAM and instructions. If a byte differs, the exit code is 3. Where a compiler
    or an emulator is missing, the row is "skipped" and names the Debian packages.

    Native code is run if it was built here: a shared library from elsewhere gives a row "skipped". C for an
    emulated processor is generated again from the TFLite file beside it, and the exit code is 3 if it is not
    the same.

    Writes bench.json (metrics, machine, versions, raw samples), bench.md and bench.html, which shows the
    training too where its history.json lies in the folder.
    """
    from ...benchmarks.emulation.boards import HOST, find_devices
    from ...benchmarks.emulation.model import c_models
    from ...benchmarks.regression import Scope, open_gate
    from ...benchmarks.report import terminal
    from ...benchmarks.report.training.outputs import read_trained
    from ...benchmarks.runner.benchmark import run_benchmark
    from ...data.datasets import load_test_split
    from ...runtime.errors import OptionError

    if loadgen:
        raise OptionError(
            "LoadGen is no part of the benchmark any more",
            received="--loadgen",
            fix="In a checkout: python -m edgemnist.benchmarks.studies.loadgen_cross_check MODEL...",
        )
    plan = _plan(quick, num_runs, min_secs, warmup_runs, num_threads)
    why_no_keras = _why_no_keras(keras, quick)
    scope = Scope(tuple(file.name for file in files or ()), tuple(engine or ()), not why_no_keras)
    _finish_exports(files, artifacts)
    devices = find_devices(target or [])
    models = c_models(files or [artifacts]) if devices else ()
    on_host = not target or HOST in target
    if baseline is not None and not on_host:
        raise OptionError(
            "--baseline compares what ran on this machine",
            received="--target without host",
            fix="Add --target host.",
        )
    gate = open_gate(baseline, max_slowdown, max_accuracy_drop, plan, scope=scope, force=force)
    split = load_test_split(data)
    cases: tuple[Case, ...] = ()
    if on_host:
        cases = _cases(files, artifacts, engine or [], keras is True, why_no_keras, run_foreign_code)
    folder = files[0].parent if files else artifacts
    trained = read_trained(folder, history or ())
    with _runnable(models, run_foreign_code) as c_sources, bench_progress() as report:
        benchmark = run_benchmark(
            cases,
            split,
            plan,
            folder,
            on_progress=report,
            devices=devices,
            models=c_sources,
            on_device=device_progress(len(devices) * len(models)),
        )
    document = benchmark.document()
    if json:
        print_json(document)
    else:
        terminal.show(benchmark, results)
    _write_reports(benchmark, trained, output or (Path() if files else artifacts))
    benchmark.require_metrics()
    benchmark.require_exact_devices()
    if gate is not None:
        for line in gate.check(document):
            print_message(literal(line))


def _runnable(
    models: "tuple[CModel, ...]", run_foreign_code: bool
) -> "AbstractContextManager[tuple[CModel, ...]]":
    """Return the models in C generated again, so that no stranger's code is compiled and run."""
    if not models or run_foreign_code:
        return nullcontext(models)
    from ...benchmarks.emulation.model import proven_copies
    from ...export.codegen.regenerate import regenerate

    return proven_copies(models, regenerate)


def _write_reports(benchmark: "Benchmark", trained: "Trained | None", output: Path) -> None:
    from ...benchmarks.report import html, markdown
    from ...benchmarks.report.document import write_document
    from ...runtime.files import write_text

    write_document(output / "bench.json", benchmark.document())
    write_text(output / "bench.md", markdown.render(benchmark))
    page = html.render_if_possible(benchmark, trained)
    if page is not None:
        write_text(output / "bench.html", page)
    written = "bench.json, bench.md and bench.html" if page else "bench.json and bench.md"
    print_message(f"wrote {written} to {literal(output)}")
    if page is None:
        print_message(literal("bench.html needs more packages: pip install 'edgemnist[bench]'"))


def _finish_exports(files: list[Path] | None, artifacts: Path) -> None:
    """Finish exports that were interrupted, and warn where a model is newer than its artifacts."""
    from ...runtime.artifact.folder import recover
    from ...runtime.artifact.manifest import newer_model

    for folder in sorted({file.parent for file in files or ()} or {artifacts}):
        recover(folder)
        if outdated := newer_model(folder):
            print_message(literal(outdated))


def _plan(
    quick: bool, num_runs: int | None, min_secs: float | None, warmup_runs: int | None, num_threads: int
) -> "Plan":
    from dataclasses import replace

    from ...benchmarks.runner.plan import QUICK, Plan

    given = {"num_runs": num_runs, "min_secs": min_secs, "warmup_runs": warmup_runs}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK if quick else Plan(), num_threads=num_threads, **changes)


def _why_no_keras(keras: bool | None, quick: bool) -> str:
    if keras is False:
        return "--no-keras was given"
    return "--quick leaves it out unless --with-keras is given" if keras is None and quick else ""


def _cases(
    files: list[Path] | None,
    artifacts: Path,
    engines: list[str],
    add_keras: bool,
    why_no_keras: str,
    run_foreign_code: bool,
) -> "tuple[Case, ...]":
    from ...benchmarks.runner.cases import cases_for, cases_in

    rules: dict[str, Any] = {
        "engines": engines,
        "why_no_keras": why_no_keras,
        "run_foreign_code": run_foreign_code,
    }
    if not files:
        return cases_in(artifacts, **rules)
    added = sorted(artifacts.glob("*.keras")) if add_keras else []
    return cases_for(dict.fromkeys([*files, *added]), **rules)
