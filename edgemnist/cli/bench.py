"""`edgemnist bench`: accuracy, agreement and latency of every artifact on every engine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import literal, messages, print_json, results
from .options import Artifacts, Data, Force, Json, RunForeignCode

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..benchmarks.emulation.boards import Device
    from ..benchmarks.emulation.model import CModel
    from ..benchmarks.runner.cases import Case
    from ..benchmarks.runner.plan import Plan

EXAMPLES = """
**Examples**

- `edgemnist bench` every artifact in the folder artifacts, and Keras where TensorFlow is installed
- `edgemnist bench mine.onnx theirs.tflite --num-threads 2 --output report`
- `edgemnist bench --quick --json` a first impression in seconds
- `edgemnist bench --loadgen` beside LoadGen's SingleStream and Offline scenarios
- `edgemnist bench --artifacts edge --history notebook` with the curves of both trainings
- `edgemnist bench --target cortex-m4 --target s390x` the model in C, on emulated processors
- `edgemnist bench --baseline old/bench.json --max-slowdown 1.2 --max-accuracy-drop 0.001` a gate for CI
"""


def bench(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Model files, instead of all in the artifacts folder."),
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option("--engine", metavar="NAME", help="This engine only, see `edgemnist env`; repeatable."),
    ] = None,
    keras: Annotated[
        bool | None,
        typer.Option(
            "--with-keras/--no-keras", help="Measure Keras, the slowest by far. Default: unless --quick."
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="NAME",
            help="Where to run; repeatable. host: this machine, the default. An emulated processor, with the"
            " model in C: cortex-m0, -m3, -m4, -m7, -m33, -m55, aarch64, arm, riscv64, s390x. emulated: all"
            " of these.",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under 15 s, with wider intervals.")] = False,
    num_runs: Annotated[
        int | None, typer.Option(min=1, help="Single images to measure per model at least. Default: 2000.")
    ] = None,
    min_secs: Annotated[
        float | None, typer.Option(min=0, help="Seconds of single images per model at least. Default: 0.6.")
    ] = None,
    warmup_runs: Annotated[
        int | None, typer.Option(min=1, help="Unmeasured calls in each process first. Default: 100.")
    ] = None,
    num_threads: Annotated[int, typer.Option(min=1, help="Threads for one inference.")] = 1,
    loadgen: Annotated[
        bool, typer.Option("--loadgen", help="Run LoadGen's SingleStream and Offline scenarios too.")
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="An earlier bench.json to hold the new figures against."),
    ] = None,
    max_slowdown: Annotated[
        float | None,
        typer.Option(metavar="FACTOR", help="Exit 3 if a model is certainly slower than that, such as 1.2."),
    ] = None,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Exit 3 if a model loses more accuracy, such as 0.001."),
    ] = None,
    force: Force = False,
    run_foreign_code: RunForeignCode = False,
    data: Data = None,
    artifacts: Artifacts = Path("artifacts"),
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Where the reports go. Default: the artifacts folder, or for named files the current one.",
        ),
    ] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Draw the curves of the training in this folder beside those of the artifacts folder;"
            " repeatable.",
        ),
    ] = None,
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

    Writes bench.json (figures, machine, versions, raw samples), bench.md and bench.html, which shows the
    training too where its history.json lies in the folder.
    """
    from ..benchmarks.benchmark import run_benchmark
    from ..benchmarks.emulation.boards import HOST
    from ..benchmarks.loadgen import require_loadgen
    from ..benchmarks.regression_gate import Scope, open_gate
    from ..benchmarks.report import html, markdown, terminal
    from ..benchmarks.report.json import write_document
    from ..benchmarks.report.training.outputs import read_trained
    from ..data.datasets import load_test_split
    from ..runtime.errors import OptionError
    from ..runtime.files import write_text
    from .bench_progress import bench_progress, device_progress

    plan = _plan(quick, num_runs, min_secs, warmup_runs, num_threads, loadgen)
    why_no_keras = _why_no_keras(keras, quick)
    scope = Scope(tuple(file.name for file in files or ()), tuple(engine or ()), not why_no_keras)
    _settle(files, artifacts)
    devices, models = _devices(target or [], files, artifacts)
    on_host = not target or HOST in target
    if baseline is not None and not on_host:
        raise OptionError(
            "--baseline compares what ran on this machine",
            received="--target without host",
            fix="Add --target host.",
        )
    gate = open_gate(baseline, max_slowdown, max_accuracy_drop, plan, scope=scope, force=force)
    if loadgen:
        require_loadgen()
    split = load_test_split(data)
    targets: tuple[Case, ...] = ()
    if on_host:
        targets = _targets(files, artifacts, engine or [], keras is True, why_no_keras, run_foreign_code)
    folder = files[0].parent if files else artifacts
    trained = read_trained(folder, history or ())
    with _runnable(models, run_foreign_code) as runnable, bench_progress(messages) as report:
        benchmark = run_benchmark(
            targets,
            split,
            plan,
            folder,
            on_progress=report,
            devices=devices,
            models=runnable,
            on_device=device_progress(messages, len(devices) * len(models)),
        )
    document = benchmark.document()
    output = output or (Path() if files else artifacts)
    write_document(output / "bench.json", document)
    write_text(output / "bench.md", markdown.render(benchmark))
    page = html.render_if_possible(benchmark, trained)
    if page is not None:
        write_text(output / "bench.html", page)
    if json:
        print_json(document)
    else:
        terminal.show(benchmark, results)
    written = "bench.json, bench.md and bench.html" if page else "bench.json and bench.md"
    messages.print(f"wrote {written} to {literal(output)}", highlight=False, soft_wrap=True)
    if page is None:
        messages.print("bench.html needs more packages: pip install 'edgemnist\\[bench]'", highlight=False)
    benchmark.require_figures()
    benchmark.require_exact_devices()
    if gate is not None:
        for line in gate.check(document):
            messages.print(literal(line), highlight=False, soft_wrap=True)


def _settle(files: list[Path] | None, artifacts: Path) -> None:
    """Finish exports that were interrupted, and say where a model is newer than its artifacts."""
    from ..runtime.artifact.folder import recover
    from ..runtime.artifact.manifest import newer_model

    for folder in sorted({file.parent for file in files or ()} or {artifacts}):
        recover(folder)
        outdated = newer_model(folder)
        if outdated:
            messages.print(outdated, markup=False, highlight=False, soft_wrap=True)


def _plan(
    quick: bool,
    num_runs: int | None,
    min_secs: float | None,
    warmup_runs: int | None,
    num_threads: int,
    loadgen: bool,
) -> "Plan":
    from dataclasses import replace

    from ..benchmarks.runner.plan import LOADGEN_SECS, QUICK, Plan

    usual = QUICK if quick else Plan()
    return replace(
        usual,
        num_runs=usual.num_runs if num_runs is None else num_runs,
        min_secs=usual.min_secs if min_secs is None else min_secs,
        warmup_runs=usual.warmup_runs if warmup_runs is None else warmup_runs,
        num_threads=num_threads,
        loadgen_secs=LOADGEN_SECS if loadgen else 0.0,
    )


def _why_no_keras(keras: bool | None, quick: bool) -> str:
    if keras is False:
        return "--no-keras was given"
    if keras is None and quick:
        return "--quick leaves it out unless --with-keras is given"
    return ""


def _targets(
    files: list[Path] | None,
    artifacts: Path,
    engines: list[str],
    add_keras: bool,
    why_no_keras: str,
    run_foreign_code: bool,
) -> "tuple[Case, ...]":
    from ..benchmarks.runner.cases import cases_for, cases_in

    if not files:
        return cases_in(
            artifacts, engines=engines, why_no_keras=why_no_keras, run_foreign_code=run_foreign_code
        )
    added = sorted(artifacts.glob("*.keras")) if add_keras else []
    return cases_for(
        dict.fromkeys([*files, *added]),
        engines=engines,
        why_no_keras=why_no_keras,
        run_foreign_code=run_foreign_code,
    )


def _runnable(
    models: "tuple[CModel, ...]", run_foreign_code: bool
) -> "AbstractContextManager[tuple[CModel, ...]]":
    """Return the models in C as they may be run: as they are, or as they were generated again."""
    from contextlib import nullcontext

    from ..benchmarks.emulation.proven import proven_copies
    from ..export.codegen.regenerate import regenerate

    return nullcontext(models) if run_foreign_code else proven_copies(models, regenerate)


def _devices(
    names: list[str], files: list[Path] | None, artifacts: Path
) -> "tuple[tuple[Device, ...], tuple[CModel, ...]]":
    from ..benchmarks.emulation.boards import find_devices
    from ..benchmarks.emulation.model import c_models

    devices = find_devices(names)
    return devices, c_models(files or [artifacts]) if devices else ()
