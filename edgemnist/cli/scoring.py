"""`edgemnist predict --input`: what is printed while a whole file or folder is scored."""

import time
from pathlib import Path

from ..runtime.errors import InputError
from ..sweep.scoring.on_ray import RayBlocks
from ..sweep.scoring.run import Job, score
from .console import literal, print_json, print_message
from .guidance.interruption import saying_what_is_kept
from .progress import rows_progress


def score_all(job: Job, output: Path, processes: int, ray: str | None, *, json: bool) -> None:
    """Score an input into a Parquet file; a row that could not be read makes the command fail at its end.

    Raises:
        InputError: Rows could not be read; they are in the file, with the reason.
        EdgeMnistError: As of `score`.
    """
    began = time.perf_counter()
    unwritten = f"{output} is as it was: it is written when every row is scored."
    with saying_what_is_kept(unwritten), rows_progress() as report:
        scored = score(job, output, processes, RayBlocks(ray) if ray else None, report)
    seconds = time.perf_counter() - began
    if json:
        counts = {"rows": scored.rows, "unreadable": scored.unreadable, "seconds": seconds}
        print_json({"model": job.model.name, "output": str(output), **counts})
    rate = scored.rows / max(seconds, 1e-9)
    print_message(literal(f"wrote {output}: {scored.rows:,} rows in {seconds:.1f} s, {rate:,.0f} a second"))
    if scored.unreadable:
        raise InputError(
            f"{scored.unreadable:,} of {scored.rows:,} rows could not be read",
            fix="The column error says why; the others are scored.",
        )
