"""Blocks scored by Ray Data: `map_batches` with one scorer an actor, in order, each block once."""

from collections.abc import Iterator, Sequence
from typing import Any

from ...runtime.errors import EngineError, MissingExtraError, first_line
from .run import Job, Scorer


class RayScorer:
    """An actor: loads the model once, and scores the blocks that Ray sends it."""

    def __init__(self, job: Job) -> None:
        self._scorer = Scorer(job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Return the tables of a batch of blocks, each as one value."""
        bounds = zip(batch["start"].tolist(), batch["stop"].tolist(), strict=True)
        return {"table": [_packed(self._scorer.score(start, stop)) for start, stop in bounds]}


class RayBlocks:
    """Scores blocks on a Ray cluster whose nodes find input and model at the same paths."""

    def __init__(self, address: str, actors: int | None = None) -> None:
        """Choose a cluster; nothing is connected yet.

        Args:
            address: As `ray.init` takes it.
            actors: How many; None is one a CPU of the cluster.
        """
        self._address, self._actors = address, actors

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
        from ..cluster import connected

        with connected(ray, self._address):
            context = ray.data.DataContext.get_current()
            context.execution_options.preserve_order = True
            context.enable_progress_bars = False
            actors = self._actors or max(1, int(ray.cluster_resources().get("CPU", 1)))
            bounds = [{"start": start, "stop": stop} for start, stop in wanted]
            dataset = ray.data.from_items(bounds, override_num_blocks=max(1, len(bounds)))
            scored = dataset.map_batches(
                RayScorer,
                fn_constructor_args=(job,),
                batch_size=1,
                num_cpus=1,
                concurrency=(1, min(actors, max(1, len(bounds)))),
            )
            try:
                for row in scored.iter_rows():
                    yield _unpacked(row["table"])
            except ray.exceptions.RayError as error:
                raise EngineError("a block could not be scored", received=first_line(error)) from error


def _packed(table: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _unpacked(content: bytes) -> Any:
    import pyarrow as pa

    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()
