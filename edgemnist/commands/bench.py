"""`edgemnist bench`: accuracy, agreement and latency of every artifact on every engine."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import messages, print_json, results
from .options import Artifacts, Data, Json

EXAMPLES = """
**Examples**

- `edgemnist bench` every artifact in the folder artifacts, and Keras where TensorFlow is installed
- `edgemnist bench mine.onnx theirs.tflite --num-threads 2`
- `edgemnist bench --quick --no-keras --json`
"""


def bench(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Model files, instead of all in the artifacts folder."),
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option("--engine", metavar="NAME", help="This engine only; repeatable.")
    ] = None,
    keras: Annotated[
        bool, typer.Option("--with-keras/--no-keras", help="Measure Keras too, the slowest by far.")
    ] = True,
    num_threads: Annotated[int, typer.Option(min=1, help="Threads for one inference.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Under 15 s, with wider intervals.")] = False,
    data: Data = None,
    artifacts: Artifacts = Path("artifacts"),
    json: Json = False,
) -> None:
    """Measure accuracy, agreement with Keras and latency of every artifact on every engine.

    Each model runs in fresh processes of its own, in several rounds in shuffled order, on real test images.

    Writes `bench.json` (figures, machine, versions, raw samples) and `bench.md` into the artifacts folder.
    """
    from dataclasses import replace
    from datetime import UTC, datetime
    from json import dumps

    from ..benchmarks.collect import QUICK, Plan, collect
    from ..benchmarks.datasets import load_test_split
    from ..benchmarks.document import to_document
    from ..benchmarks.machine import describe_machine
    from ..benchmarks.report import markdown, terminal
    from ..benchmarks.results import compute
    from ..benchmarks.targets import targets_for, targets_in
    from ..runtime.files import write_text
    from .progress import bench_progress

    split = load_test_split(data)
    wanted = engine or ()
    if files:
        targets = targets_for(files, engines=wanted, keras=keras)
    else:
        targets = targets_in(artifacts, engines=wanted, keras=keras)
    plan = replace(QUICK if quick else Plan(), num_threads=num_threads)
    created = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    with bench_progress(messages) as report:
        collection = collect(targets, split, plan, on_progress=report)
    found = compute(collection, split, plan, describe_machine(), folder=artifacts, created=created)
    document = to_document(found, collection)
    write_text(artifacts / "bench.json", dumps(document, ensure_ascii=False) + "\n")
    write_text(artifacts / "bench.md", markdown.render(found))
    if json:
        print_json(document)
    else:
        terminal.show(found, results)
    messages.print(f"wrote bench.json and bench.md to {artifacts}")
