"""A whole folder or file through one artifact into a Parquet file, streamed: rows in order, each once."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...runtime.errors import EngineError, MissingExtraError
from ...runtime.files import replacing
from ...runtime.inputs.picture_files import PictureOptions
from ...runtime.loading import load_predictor
from .sources import Source, blocks_of, open_source

if TYPE_CHECKING:
    from ...runtime.predictor import Predictor

_AHEAD = 2  # blocks under way for each process, so that none of them waits


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be scored, and by what.

    Attributes:
        input: A file or a folder.
        array: Which array or column of it; None chooses it by its name.
        model: The model's file.
        sha256: That it must have.
        engine: Which runs it; None chooses it by the suffix.
        pictures: How pictures become images of the model's size.
        run_foreign_code: Whether native code runs that was not built here.
    """

    input: Path
    array: str | None
    model: Path
    sha256: str
    engine: str | None = None
    pictures: PictureOptions | None = None
    run_foreign_code: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """What was scored: how many rows, and how many of them could not be read."""

    rows: int
    unreadable: int


class Scorer:
    """Scores blocks of rows; one a process."""

    def __init__(self, job: Job) -> None:
        """Load the model and open the input; errors as of `load_predictor` and `open_source`.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError as error:
            raise MissingExtraError("pyarrow", "parquet", "Writing Parquet") from error
        self._arrow: Any = pa
        self._predictor: Predictor = load_predictor(
            job.model,
            engine=job.engine,
            sha256=job.sha256,
            pictures=job.pictures,
            run_foreign_code=job.run_foreign_code,
        )
        self.source: Source = open_source(job.input, job.array)
        metadata = {"edgemnist.model": job.model.name, "edgemnist.sha256": job.sha256}
        self.schema: Any = pa.schema(self._fields(), metadata)

    def score(self, start: int, stop: int) -> Any:
        """Return the `pyarrow.Table` of the rows from `start` to before `stop`."""
        rows = self.source.read(start, stop, self._predictor)
        found: dict[str, Sequence[Any]] = {}
        if len(rows.raw):
            predictions = self._predictor.predict(rows.raw)
            outputs = list(predictions.values.reshape(len(rows.raw), -1))
            found = {"probabilities": outputs, "values": outputs}
            if names := predictions.class_names:
                indices = predictions.indices.tolist()
                found |= {"index": indices, "label": [names[index] for index in indices]}
                found["confidence"] = predictions.confidences.tolist()
        columns: dict[str, Any] = {
            "row": range(start, stop),
            "file": rows.files or [None] * (stop - start),
            "error": [error or None for error in rows.errors],
        }
        arrays = []
        for field in self.schema:
            values = columns.get(field.name)
            if values is None:
                ahead = iter(found.get(field.name, ()))
                values = [None if error else next(ahead) for error in rows.errors]
            arrays.append(self._arrow.array(values, field.type))
        return self._arrow.table(arrays, schema=self.schema)

    def _fields(self) -> list[tuple[str, Any]]:
        pa, output = self._arrow, self._predictor.signature.output
        numbers = pa.list_(pa.float32(), int(np.prod(output.shape)))
        given = [("values", numbers)]
        if self._predictor.class_names:
            given = [("label", pa.string()), ("index", pa.int32()), ("confidence", pa.float32())]
            given.append(("probabilities", numbers))
        return [("row", pa.int64()), ("file", pa.string()), *given, ("error", pa.string())]


def score(
    job: Job,
    output: Path,
    processes: int = 1,
    blocks: Callable[[Job, Sequence[tuple[int, int]]], Iterator[Any]] | None = None,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> Score:
    """Score a whole input into a Parquet file, which appears when it is complete.

    Args:
        job: What to score.
        output: The Parquet file.
        processes: How many processes score blocks.
        blocks: Scores blocks elsewhere, and yields their tables in order.
        report: Called with the rows that are done, and their number.

    Raises:
        EngineError: A process died, or a block was lost or came twice.
        InputError: The input cannot be read or does not fit the model.
        MissingExtraError: pyarrow is not installed.
        OutputError: The file cannot be written.
    """
    scorer = Scorer(job)
    from pyarrow import parquet  # which the scorer needs too

    wanted, total = blocks_of(scorer.source), len(scorer.source)
    if blocks is not None:
        found = blocks(job, wanted)
    elif processes > 1:
        found = in_processes(job, wanted, processes)
    else:
        found = (scorer.score(*each) for each in wanted)
    done = unreadable = 0
    with (
        replacing(output) as temporary,
        parquet.ParquetWriter(temporary, scorer.schema, compression="zstd") as writer,
    ):
        for table in found:
            if (first := table["row"][0].as_py()) != done:
                raise EngineError("a block was lost or came twice", received=f"row {first}", expected=done)
            writer.write_table(table)
            done += len(table)
            unreadable += len(table) - table["error"].null_count
            report(done, total)
        if done != total:
            raise EngineError("blocks were lost", received=f"{done:,} rows", expected=f"{total:,}")
    return Score(done, unreadable)


def in_processes(job: Job, wanted: Iterable[tuple[int, int]], processes: int) -> Iterator[Any]:
    """Yield the tables of blocks, in order, scored by several processes; EngineError if one of them dies."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, initializer=_start, initargs=(job,))
    try:
        waiting: deque[Any] = deque()
        for each in wanted:
            waiting.append(pool.submit(_score, each))
            if len(waiting) >= _AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise EngineError(
            "a process that scored died", fix="Check the free memory; fewer --processes need less."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_scorers: list[Scorer] = []


def _start(job: Job) -> None:
    _scorers.append(Scorer(job))


def _score(block: tuple[int, int]) -> Any:
    return _scorers[0].score(*block)
