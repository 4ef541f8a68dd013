"""`edgemnist sweep`: many trainings and exports, and the best of them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from typer import Argument, Option

from ...runtime.errors import EngineError, ProofError
from ...runtime.process import usable_cpu_count
from ..console import literal, messages, print_json, print_message, print_result, print_table
from ..options import Data, Json, Resize, byte_count
from ..progress import sweep_progress

if TYPE_CHECKING:
    from ...sweep.run import Pool
    from ...sweep.sweep import Sweep

EXAMPLES = """
**Examples**

- `edgemnist sweep SWEEP.toml` every point of the grid, as many at once as there are CPUs
- `edgemnist sweep SWEEP.toml --max-flash 128k --max-ram 32k --min-accuracy 0.97` and the best that fits
- `edgemnist sweep SWEEP.toml --sampler tpe --points 40` Optuna chooses which
- `edgemnist sweep SWEEP.toml --ray auto --output s3://bucket/sweep` on a Ray cluster
"""

_FILE_HELP = (
    "A TOML file with the tables train and export; its keys are flags of these commands, with _ for -."
)
_OUTPUT_HELP = "Where results go: a folder, or a URL that fsspec knows. What is there is not computed again."
_PROCESSES_HELP = "How many to compute at once. Default: as many as there are CPUs."
_RAY_HELP = "Compute on this Ray cluster instead: auto, host:port or ray://host:port."
_SAMPLER_HELP = "All points, some drawn at random, or some that Optuna chooses."
_POINTS_HELP = "How many points, for random and tpe."
_SEED_HELP = "Seed of the sampler."
_FLASH_HELP = "What the best artifact may take of flash, such as 128k."
_RAM_HELP = "The same of RAM, such as 32k."
_ACCURACY_HELP = "What it must reach, such as 0.99."
_TARGET_HELP = "The processor that flash, RAM and instructions are for: cortex-m0 to -m55."
_LATENCY_HELP = "Measure the latency of the frontier on this machine."

FORMAT = "export.format"
SHOWN = ("accuracy", "size", "flash", "RAM", "p50")


def sweep(
    file: Annotated[Path, Argument(metavar="SWEEP.toml", help=_FILE_HELP)],
    output: Annotated[str, Option("--output", "-o", metavar="DIR", help=_OUTPUT_HELP)] = "sweep",
    processes: Annotated[int | None, Option(metavar="N", min=1, help=_PROCESSES_HELP)] = None,
    ray: Annotated[str | None, Option(metavar="ADDRESS", help=_RAY_HELP)] = None,
    sampler: Annotated[
        Literal["grid", "random", "tpe"], Option(metavar="grid|random|tpe", help=_SAMPLER_HELP)
    ] = "grid",
    points: Annotated[int | None, Option(min=1, metavar="N", help=_POINTS_HELP)] = None,
    seed: Annotated[int, Option(metavar="N", min=0, help=_SEED_HELP)] = 0,
    max_flash: Annotated[str | None, Option(metavar="BYTES", help=_FLASH_HELP)] = None,
    max_ram: Annotated[str | None, Option(metavar="BYTES", help=_RAM_HELP)] = None,
    min_accuracy: Annotated[float | None, Option(metavar="SHARE", help=_ACCURACY_HELP)] = None,
    target: Annotated[str, Option(metavar="NAME", help=_TARGET_HELP)] = "cortex-m4",
    latency: Annotated[bool, Option("--latency/--no-latency", help=_LATENCY_HELP)] = True,
    data: Data = None,
    resize: Resize = False,
    json: Json = False,
) -> None:
    """Train and export every combination of options, prove all of them, and show the frontier.

    Each list in the file is a dimension. A model is trained once for all of its exports. What is in the
    output folder is not computed again: a sweep that was interrupted goes on with the same command. A proof
    that fails is a row of the result. A point that cannot be computed is one too; the others go on, and the
    exit code is 1. Where no artifact keeps the limits, it is 3.

    The frontier has the points that no other one beats in accuracy, size, flash and RAM. Its latency is
    measured here at the end, once. Writes sweep.json, sweep.html, the files of each point under their
    hashes, and the best artifact within the limits, if there are any, in the folder best.
    """
    print_message(literal(f"Reading {file} ..."))
    from ...sweep.frontier import Limits
    from ...sweep.results import Results, open_storage
    from ...sweep.run import Driver
    from ...sweep.space import read_space
    from ...sweep.sweep import Wishes, run_sweep
    from ...sweep.tasks import Context, data_sha256, versions

    space = read_space(file)
    limits = Limits(byte_count("--max-flash", max_flash), byte_count("--max-ram", max_ram), min_accuracy)
    wishes = Wishes(sampler, points, seed, limits, target, latency)
    wishes.device  # noqa: B018 - an unknown one is told before hours of work
    path = str(data.resolve()) if data else None
    results = Results(open_storage(output))
    context = Context(path, resize, data_sha256(path), versions())
    with (
        _explaining_how_to_go_on(output),
        _pool(ray, processes) as pool,
        sweep_progress() as (report, status),
    ):
        driver = Driver(results, context, report)
        finished = run_sweep(space, driver, pool, results, wishes, status)
    if json:
        print_json(msgspec.to_builtins(finished.document))
    else:
        _show(finished)
    print_message(literal(f"wrote {', '.join(finished.files)} to {output}"))
    _require_points(finished, limits.any)


@contextmanager
def _explaining_how_to_go_on(output: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interruption:
        raise KeyboardInterrupt(
            f"What is done is kept in {output}: go on with the same command."
        ) from interruption


def _pool(ray: str | None, processes: int | None) -> "AbstractContextManager[Pool]":
    if ray is not None:
        from ...sweep.cluster import RayPool

        with messages.status("connecting to Ray"):
            return RayPool(ray)
    from ...sweep.local import LocalPool

    return LocalPool(processes or usable_cpu_count())


def _show(finished: "Sweep") -> None:
    from ...sweep.report.page import COLUMNS, cells, origin, summary, title

    document = finished.document
    varied = [name for name, values in document.dimensions.items() if len(values) > 1 and name != FORMAT]
    rows = []
    for row in document.points:
        options = {"train": row.train, "export": row.export}
        values = (getattr(options[table], option) for table, option in (each.split(".") for each in varied))
        verdict = "[green]passed[/]" if row.status == "passed" else f"[red]{row.status}[/]"
        known = dict(zip(COLUMNS, cells(row), strict=True))
        shown = (literal(known[name]) for name in SHOWN)
        rows.append(
            (
                "*" * row.frontier,
                literal(row.export.format),
                literal(", ".join(map(str, values))),
                *shown,
                verdict,
            )
        )
    by = ", ".join(name.partition(".")[2].replace("_", " ") for name in varied) or "format"
    count = f"{len(rows)} points by {by}" if len(rows) > 1 else "1 point"
    print_table(
        ("", "format", "point", *(f">{name}" for name in SHOWN), "proof"),
        rows,
        title=f"{count}; * is on the frontier",
    )
    for row in document.points:
        if row.failures:
            print_message(literal(f"{row.export.format} of {title(row)}: {'; '.join(row.failures)}"))
    for note in document.notes:
        print_message(literal(note))
    rows_of = {row.key: row for row in document.points}
    for row in (rows_of[key] for key in document.frontier):
        print_result(literal(f"frontier: {row.artifact} of {origin(row)}: {summary(row)}"))
    if (best := finished.best) is not None:
        print_result(literal(f"best within the limits: {best.artifact} of {origin(best)}: {summary(best)}"))


def _require_points(finished: "Sweep", limited: bool) -> None:
    rows = finished.document.points
    errors = [row for row in rows if row.status == "error"]
    if errors:
        raise EngineError(
            f"{len(errors)} of {len(rows)} points could not be computed",
            received=errors[0].failures[0],
            fix="The same command tries these again, and no others.",
        )
    if limited and finished.best is None:
        raise ProofError("no artifact keeps the limits", fix="sweep.json has what each takes and gives.")
