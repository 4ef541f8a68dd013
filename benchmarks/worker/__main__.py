"""`python -m edgemnist.benchmarks.worker TASK.json`: measure one model on one engine in this fresh process.

The answer goes to two files beside the task: `TASK.result.json`, and arrays in `TASK.result.npz`.
"""

from time import perf_counter_ns

STARTED_NS = perf_counter_ns()  # before numpy and the engine are imported, which is part of what is measured

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from ...runtime.errors import EdgeMnistError, MissingExtraError  # noqa: E402
from .measure import measure  # noqa: E402
from .task import Task, result_paths  # noqa: E402


def main(arguments: list[str]) -> None:
    """Do the task in the file that `arguments` names."""
    task_path = Path(arguments[0])
    facts_path, arrays_path = result_paths(task_path)
    try:
        facts, arrays = measure(Task.from_json(task_path.read_text(encoding="utf-8")), STARTED_NS)
    except MissingExtraError as error:
        facts, arrays = {"skipped": str(error)}, {}
    except EdgeMnistError as error:
        facts, arrays = {"failed": str(error)}, {}
    np.savez(arrays_path, **arrays)  # type: ignore[arg-type]  # the stub takes `allow_pickle: bool` for one
    facts_path.write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
