"""`edgemnist bench`: accuracy, agreement and latency of every artifact on every engine."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from ...benchmarks.devices.remote import Remote
from ...benchmarks.emulation.boards import HOST, find_devices
from ...benchmarks.emulation.model import CModel, c_models, proven_copies
from ...benchmarks.regression import Scope, open_gate
from ...benchmarks.report import markdown, terminal
from ...benchmarks.report.document import write_document
from ...benchmarks.report.page import html
from ...benchmarks.report.training.outputs import Trained, read_trained
from ...benchmarks.runner.benchmark import Benchmark, run_benchmark
from ...benchmarks.runner.cases import Case, cases_for, cases_in
from ...benchmarks.runner.inputs import BenchInputs, find_inputs
from ...benchmarks.runner.plan import QUICK, Plan
from ...runtime.artifact.folder import recover
from ...runtime.artifact.lookup import newer_model
from ...runtime.errors import OptionError
from ...runtime.files import write_text
from ..console import literal, print_json, print_message, results
from ..devices import bench_devices
from ..options import Artifacts, Data, Force, Json, RunForeignCode
from ..progress import bench_progress, device_progress

EXAMPLES = """
**Examples**

- `edgemnist bench` every artifact in the folder artifacts, and Keras where TensorFlow is installed
- `edgemnist bench mine.onnx theirs.tflite --num-threads 2 --output report`
- `edgemnist bench --quick --json` a first impression in seconds
- `edgemnist bench --artifacts edge --history notebook` with the curves of both trainings
- `edgemnist bench --target cortex-m4 --target s390x` the model in C, on emulated processors
- `edgemnist bench --device pi@raspberry --device jetson` on devices, next to each other
- `edgemnist bench --serial /dev/ttyACM0` a microcontroller, by its own cycle counter
- `edgemnist bench --baseline old/bench.json --max-slowdown 1.2 --max-accuracy-drop 0.001` a gate for CI
"""

_FILES_HELP = "Model files, instead of all in the artifacts folder."
_ENGINE_HELP = "This engine only, see `edgemnist env`; repeatable."
_KERAS_HELP = "Measure Keras, the slowest by far. Default: unless --quick."
_TARGET_HELP = (
    "Where to run; repeatable. host: this machine, the default. An emulated processor, with the model in C:"
    " cortex-m0, -m3, -m4, -m7, -m33, -m55, aarch64, arm, riscv64, s390x. emulated: all of these."
)
_DEVICE_HELP = "Measure on this device instead, over ssh, with its own clock; repeatable."
_DEVICE_PYTHON_HELP = "A Python there that has the engines. Default: a new environment with the extra litert."
_SERIAL_HELP = "Measure a microcontroller on this serial line instead, which runs the self-test's firmware."
_RUNS_HELP = "Single inputs to measure per model at least. Default: 2000."
_SECS_HELP = "Seconds of single inputs per model at least. Default: 0.6."
_WARMUP_HELP = "Unmeasured calls in each process first. Default: 100."
_BASELINE_HELP = "An earlier bench.json to compare the new results with."
_SLOWDOWN_HELP = "Exit 3 if a model is certainly slower than that, such as 1.2."
_DROP_HELP = "Exit 3 if a model loses more accuracy, or R² of values, such as 0.001."
_OUTPUT_HELP = "Where the reports go. Default: the artifacts folder, or for named files the current one."
_HISTORY_HELP = "Draw the curves of this folder's training beside those of the artifacts folder; repeatable."


def bench(
    files: Annotated[list[Path] | None, Argument(metavar="FILE", help=_FILES_HELP)] = None,
    engine: Annotated[list[str] | None, Option(metavar="NAME", help=_ENGINE_HELP)] = None,
    keras: Annotated[bool | None, Option("--with-keras/--no-keras", help=_KERAS_HELP)] = None,
    target: Annotated[list[str] | None, Option(metavar="NAME", help=_TARGET_HELP)] = None,
    device: Annotated[list[str] | None, Option(metavar="USER@HOST", help=_DEVICE_HELP)] = None,
    device_python: Annotated[str | None, Option(metavar="PATH", help=_DEVICE_PYTHON_HELP)] = None,
    serial: Annotated[str | None, Option(metavar="PORT", help=_SERIAL_HELP)] = None,
    baud: Annotated[int, Option(help="Speed of the serial line.")] = 115_200,
    quick: Annotated[bool, Option("--quick", help="Under 15 s, with wider intervals.")] = False,
    num_runs: Annotated[int | None, Option(min=1, help=_RUNS_HELP)] = None,
    min_secs: Annotated[float | None, Option(min=0, help=_SECS_HELP)] = None,
    warmup_runs: Annotated[int | None, Option(min=1, help=_WARMUP_HELP)] = None,
    num_threads: Annotated[int, Option(min=1, help="Threads for one inference.")] = 1,
    loadgen: Annotated[bool, Option("--loadgen", hidden=True, help="Moved to a study.")] = False,
    baseline: Annotated[Path | None, Option(metavar="OLD.json", help=_BASELINE_HELP)] = None,
    max_slowdown: Annotated[float | None, Option(metavar="FACTOR", help=_SLOWDOWN_HELP)] = None,
    max_accuracy_drop: Annotated[float | None, Option(metavar="SHARE", help=_DROP_HELP)] = None,
    force: Force = False,
    run_foreign_code: RunForeignCode = False,
    data: Data = None,
    artifacts: Artifacts = Path("artifacts"),
    output: Annotated[Path | None, Option("--output", "-o", metavar="DIR", help=_OUTPUT_HELP)] = None,
    history: Annotated[list[Path] | None, Option(metavar="DIR", help=_HISTORY_HELP)] = None,
    json: Json = False,
) -> None:
    """Measure accuracy, agreement with Keras and latency of every artifact on every engine.

    Each model runs in fresh processes of its own, in several rounds in shuffled order, on real test inputs. A
    missing engine gives a row "skipped". A model that fails or crashes its process gives a row "failed"; the
    others go on, and the exit code is 1 at the end.

    An emulated processor runs every test input too: its row has accuracy, agreement with LiteRT's reference
    kernels to the byte, flash, RAM and instructions. If a byte differs, the exit code is 3. Where a compiler
    or an emulator is missing, the row is "skipped" and names the Debian packages.

    Native code is run if it was built here: a shared library from elsewhere gives a row "skipped". C for an
    emulated processor is generated again from the TFLite file beside it, and the exit code is 3 if it is not
    the same.

    On a device, a temporary folder gets the artifacts, the data and a wheel of this program, and is removed
    at the end, even if the connection is lost. Its bench.json lies in a folder of the device's name then, and
    devices.html shows all of them.

    Without --data the test inputs are those that the artifacts were proved on, as their manifest records; for
    files of anyone's that MNIST does not fit they are random.

    On a serial line, the board gets the first test inputs (--num-runs, by default 100), and answers outputs
    and the cycles of its own counter, which go to serial.json. Exits with 3 if a byte is not the reference's.

    Writes bench.json (metrics, machine, versions, raw samples), bench.md and bench.html, which shows the
    training too where its history.json lies in the folder.
    """
    if loadgen:
        raise OptionError(
            "LoadGen is no part of the benchmark any more",
            received="--loadgen",
            fix="In a checkout: python -m edgemnist.benchmarks.studies.speed.loadgen_cross_check MODEL...",
        )
    given = {"num_runs": num_runs, "min_secs": min_secs, "warmup_runs": warmup_runs}
    if serial is not None:
        _refuse_elsewhere(target or device, baseline)
        from ..serial import bench_serial  # POSIX only

        folder = files[0].parent if files else artifacts
        where = output or (Path() if files else artifacts)
        bench_serial((serial, baud), files or (), folder, data, num_runs, where, json=json)
        return
    if device:
        _refuse_elsewhere(target, baseline)
        options = _flags({**given, "num_threads": num_threads}, engine or (), quick=quick)
        remote = Remote(tuple(files or [artifacts]), data, options, device_python)
        bench_devices(device, remote, output or (Path() if files else artifacts), json=json)
        return
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    plan = replace(QUICK if quick else Plan(), num_threads=num_threads, **changes)
    why_no_keras = "--no-keras was given" if keras is False else ""
    if keras is None and quick:
        why_no_keras = "--quick leaves it out unless --with-keras is given"
    scope = Scope(tuple(file.name for file in files or ()), tuple(engine or ()), not why_no_keras)
    _settle({file.parent for file in files or ()} or {artifacts})
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
    folder = files[0].parent if files else artifacts
    inputs = _inputs(files or (), folder, data)
    cases = _cases(files, artifacts, keras, engine or (), why_no_keras, run_foreign_code) if on_host else ()
    trained = read_trained(folder, history or ())
    runnable: AbstractContextManager[tuple[CModel, ...]] = nullcontext(models)
    if models and not run_foreign_code:  # generated again, so that no stranger's code is compiled and run
        from ...export.codegen.proving.regenerate import regenerate  # needs LiteRT

        runnable = proven_copies(models, regenerate)
    with runnable as c_sources, bench_progress() as report:
        benchmark = run_benchmark(
            cases,
            inputs.split,
            plan,
            folder,
            on_progress=report,
            devices=devices,
            models=c_sources,
            on_device=device_progress(len(devices) * len(models)),
            signature=inputs.signature,
            notes=inputs.notes,
        )
    document = benchmark.document()
    if json:
        print_json(document)
    else:
        terminal.show(benchmark, results)
    _write_reports(benchmark, document, trained, output or (Path() if files else artifacts))
    benchmark.require_metrics()
    benchmark.require_exact_devices()
    if gate is not None:
        for line in gate.check(document):
            print_message(literal(line))


def _refuse_elsewhere(target: list[str] | None, baseline: Path | None) -> None:
    if target or baseline is not None:
        raise OptionError(
            "--device and --serial measure elsewhere",
            received="another of these, --target or --baseline",
            fix="Give one of them.",
        )


def _flags(given: dict[str, Any], engines: Sequence[str], *, quick: bool) -> tuple[str, ...]:
    """Return the options of this command that a device gets as well."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
    return (*flags, *(f"--engine={name}" for name in engines), *(("--quick",) if quick else ()))


def _settle(folders: Iterable[Path]) -> None:
    """Finish exports that were interrupted, and say where a model is newer than its artifacts."""
    for folder in sorted(folders):
        recover(folder)
        if outdated := newer_model(folder):
            print_message(literal(outdated))


def _inputs(files: Sequence[Path], folder: Path, data: Path | None) -> BenchInputs:
    if files and all(file.suffix == ".keras" for file in files):
        from ...export import backend  # noqa: F401 - starts TensorFlow without its log
    inputs = find_inputs(folder, files, data)
    for note in inputs.notes:
        print_message(literal(note))
    return inputs


def _cases(
    files: list[Path] | None,
    artifacts: Path,
    keras: bool | None,
    engines: Sequence[str],
    why_no_keras: str,
    run_foreign_code: bool,
) -> tuple[Case, ...]:
    rules: dict[str, Any] = {"engines": engines, "why_no_keras": why_no_keras}
    rules["run_foreign_code"] = run_foreign_code
    if not files:
        return cases_in(artifacts, **rules)
    added = sorted(artifacts.glob("*.keras")) if keras else []
    return cases_for(dict.fromkeys([*files, *added]), **rules)


def _write_reports(
    benchmark: Benchmark, document: dict[str, Any], trained: Trained | None, output: Path
) -> None:
    write_document(output / "bench.json", document)
    write_text(output / "bench.md", markdown.render(benchmark))
    page = html.render_if_possible(benchmark, trained, output)
    if page is not None:
        write_text(output / "bench.html", page)
    written = "bench.json, bench.md and bench.html" if page else "bench.json and bench.md"
    print_message(f"wrote {written} to {literal(output)}")
    if page is None:
        print_message(literal("bench.html needs more packages: pip install 'edgemnist[bench]'"))
