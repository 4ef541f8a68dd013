"""Blocks scored by Ray Data: `map_batches` with one scorer an actor, in order, each block once."""

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from ...runtime.errors import EngineError, MissingExtraError, first_line
from .run import Job, Scorer

_TOGETHER = 16  # blocks in a call of an actor, since each call costs Ray some milliseconds
_CALLS_PER_ACTOR = 8  # at least, so that none of them waits long for the slowest at the end


class RayScorer:
    """An actor: loads the model once, and scores the blocks that Ray sends it."""

    def __init__(self, job: Job) -> None:
        self._scorer = Scorer(job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Return the tables of a batch of blocks, each as one value."""
        bounds = zip(batch["start"].tolist(), batch["stop"].tolist(), strict=True)
        return {"table": [packed(self._scorer.score(start, stop)) for start, stop in bounds]}


class RayBlocks:
    """Scores blocks on a Ray cluster whose nodes find input and model at the same paths."""

    def __init__(self, address: str, actors: int | None = None, together: int | None = None) -> None:
        """Choose a cluster; nothing is connected yet.

        Args:
            address: As `ray.init` takes it.
            actors: How many; None is one a CPU of the cluster.
            together: How many blocks a call of an actor scores; None chooses by how many there are.
        """
        self._address, self._actors, self._together = address, actors, together

    def __call__(self, job: Job, wanted: Sequence[tuple[int, int]]) -> Iterator[Any]:
        """Yield the blocks in order.

        Raises:
            EngineError: There is no cluster, or a block could not be scored.
            MissingExtraError: Ray is not installed.
        """
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError("ray", "cluster", "A Ray cluster") from error
        from ..cluster import RETRIES, connected

        with connected(ray, self._address):
            context = ray.data.DataContext.get_current()
            context.execution_options.preserve_order = True
            context.enable_progress_bars = False
            logging.getLogger("ray.data").setLevel(logging.ERROR)  # which `ray.init` leaves as it is
            actors = self._actors or max(1, int(ray.cluster_resources().get("CPU", 1)))
            together = self._together or together_of(len(wanted), actors)
            calls = max(1, math.ceil(len(wanted) / together))
            bounds = [{"start": start, "stop": stop} for start, stop in wanted]
            with warnings.catch_warnings():  # Ray 2.60 has no other way to say max_task_retries
                warnings.simplefilter("ignore", DeprecationWarning)
                scored = ray.data.from_items(bounds, override_num_blocks=calls).map_batches(
                    RayScorer,
                    fn_constructor_args=(job,),
                    batch_size=together,
                    num_cpus=1,
                    max_task_retries=RETRIES,  # Ray Data's default is without end
                    compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(actors, calls)),
                )
            try:
                for row in scored.iter_rows():
                    yield unpacked(row["table"])
            except ray.exceptions.RayError as error:
                raise EngineError("a block could not be scored", received=first_line(error)) from error


def together_of(blocks: int, actors: int) -> int:
    """Return how many blocks a call of an actor scores: as many as leave enough calls for all actors."""
    return max(1, min(_TOGETHER, blocks // (actors * _CALLS_PER_ACTOR)))


def packed(table: Any) -> bytes:
    """Return a table as bytes."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unpacked(content: bytes) -> Any:
    """Return the `pyarrow.Table` in bytes."""
    import pyarrow as pa

    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()
