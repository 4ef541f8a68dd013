"""`python -m edgemnist.benchmarks.worker TASK.json`: measure one model on one engine in this fresh process.

The reply goes to two files beside the task: `TASK.result.json`, and arrays in `TASK.result.npz`.
"""

from time import perf_counter_ns

STARTED_NS = perf_counter_ns()  # before numpy and the engine are imported, which is part of what is measured

import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from .task import Reply, read_task, result_paths, write_json  # noqa: E402

READ_NS = perf_counter_ns()  # msgspec is imported for the task alone, so it is no part of what is measured

import msgspec  # noqa: E402
import numpy as np  # noqa: E402

from ...runtime.errors import EdgeMnistError, MissingExtraError  # noqa: E402
from .measure import Samples, measure  # noqa: E402


def main(arguments: list[str]) -> None:
    """Do the task in the file that `arguments` names."""
    task_path = Path(arguments[0])
    reply_path, arrays_path = result_paths(task_path)
    arrays: Samples = {}
    try:
        facts, arrays, signature = measure(read_task(task_path), STARTED_NS, READ_NS)
        reply = Reply("measured", "", facts, msgspec.to_builtins(signature))
    except MissingExtraError as error:
        reply = Reply("skipped", str(error), None)
    except EdgeMnistError as error:
        reply = Reply("failed", str(error), None)
    np.savez(arrays_path, **arrays)  # type: ignore[arg-type]  # the stub takes `allow_pickle: bool` for one
    write_json(reply_path, reply)


if __name__ == "__main__":
    main(sys.argv[1:])
