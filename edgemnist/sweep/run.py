"""The driver: what a sweep needs is asked of a pool of processes, and every answer is kept at once."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from ..runtime.errors import first_line
from ..runtime.files import read_model
from .options import Export, Point, Training, key_of, title_of
from .results import PointRecord, Results, TrainedRecord
from .tasks import MODEL_NAME, Context, ExportRequest, Reply, Request, TrainRequest


class Pool(Protocol):
    """What answers requests: processes here, or a Ray cluster."""

    def submit(self, request: bytes) -> "Future[bytes]":
        """Return the answer to a request, as soon as there is one."""

    def slots(self) -> int:
        """Return how many requests to have under way at once."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is.

    Attributes:
        done: Points that are done, those of earlier runs too.
        total: All points.
        latest: What was done last.
        remaining_secs: About how long it will take yet; None where that cannot be told.
    """

    done: int
    total: int
    latest: str
    remaining_secs: float | None


@dataclass(frozen=True, slots=True)
class Computed:
    """What became of points, by their keys: a record, or why there is none."""

    records: dict[str, PointRecord] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Job:
    """A request to come, made when it is its turn, since it may hold a whole model."""

    title: str
    request: Callable[[], Request]
    keys: tuple[str, ...]
    training: str = ""


class Driver:
    """Computes points, each once: what the results have is not computed again."""

    def __init__(
        self, results: Results, context: Context, report: Callable[[Progress], None] = lambda _: None
    ) -> None:
        """Prepare to compute.

        Args:
            results: Where answers are kept and found.
            context: What every request shares.
            report: Called after each answer.
        """
        self._results, self.context, self._report = results, context, report
        self._keys: dict[Point, str] = {}

    def key(self, point: Point) -> str:
        """Return the key of a point: the sha256 of all that decides what comes of it."""
        if point not in self._keys:
            export = point.export.effective()
            options = {**msgspec.to_builtins(export), "model": None, "labels": None}
            self._keys[point] = key_of(
                {
                    "model": self._model_key(point),
                    "export": options,
                    "signature": msgspec.to_builtins(export.signature()),
                    "data": (self.context.data, self.context.data_sha256, self.context.resize),
                    "versions": self.context.versions,
                }
            )
        return self._keys[point]

    def training_key(self, training: Training) -> str:
        """Return the key of a training."""
        return key_of(
            {
                "recipe": asdict(training.found_recipe()),
                "seed": training.seed,
                "data": self.context.data_sha256,
                "versions": self.context.versions,
            }
        )

    def compute(self, points: Iterable[Point], pool: Pool, before: int = 0, after: int = 0) -> Computed:
        """Compute what the results do not have of some points, and return the records of all.

        Args:
            points: What to compute.
            pool: What computes it.
            before: How many points of the sweep are done already, for reports.
            after: How many follow.

        Raises:
            OutputError: An answer could not be written; those before are kept.
        """
        computed = Computed()
        missing: dict[str, Point] = {}
        for point in points:
            key = self.key(point)
            record = self._results.find("points", key, PointRecord)
            if record is not None:
                computed.records[key] = record
            else:
                missing.setdefault(key, point)
        self._compute(missing, pool, computed, (before, after))
        return computed

    def _compute(
        self, missing: Mapping[str, Point], pool: Pool, computed: Computed, around: tuple[int, int]
    ) -> None:
        before, after = around
        total, began = before + len(computed.records) + len(missing) + after, time.monotonic()
        waiting: deque[_Job] = deque()
        later: dict[str, list[_Job]] = {}
        for job in self._exports(missing):
            if not job.training or self._trained(job.training) is not None:
                waiting.append(job)
            else:
                later.setdefault(job.training, []).append(job)
        waiting.extend(self._training(jobs, missing[jobs[0].keys[0]]) for jobs in later.values())
        steps, finished = len(missing) + len(later), 0
        running: dict[Future[bytes], _Job] = {}
        while waiting or running:
            while waiting and len(running) < max(1, pool.slots()):
                job = waiting.popleft()
                running[pool.submit(msgspec.msgpack.encode(job.request()))] = job
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                reply = _reply(future)
                if reply.trained is not None:
                    self._keep_trained(job.training, reply)
                    waiting.extendleft(later[job.training])
                    finished += 1
                else:
                    self._keep_points(job, reply, computed)
                    finished += len(job.keys)
                following = after * steps / len(missing)  # as many steps a point as these have
                left = (time.monotonic() - began) / finished * (steps - finished + following)
                so_far = before + len(computed.records) + len(computed.errors)
                self._report(Progress(so_far, total, job.title, left))

    def _exports(self, missing: Mapping[str, Point]) -> Iterator[_Job]:
        """Yield a request for all points that differ in nothing but the format."""
        groups: dict[str, dict[str, Point]] = {}
        for key, point in missing.items():
            alike = msgspec.structs.replace(point.export, format="")
            groups.setdefault(key_of((self._model_key(point), alike)), {})[key] = point
        for group in groups.values():
            first = next(iter(group.values()))
            exports = {key: point.export for key, point in group.items()}
            formats = ", ".join(export.format for export in exports.values())
            training = "" if first.train is None else self.training_key(first.train)
            yield _Job(
                f"{formats} of {title_of(first)}",
                self._request(first, training, exports),
                tuple(exports),
                training,
            )

    def _request(
        self, point: Point, training: str, exports: dict[str, Export]
    ) -> Callable[[], ExportRequest]:
        def make() -> ExportRequest:
            if point.export.model is not None:
                path = Path(point.export.model)
                return ExportRequest(self.context, path.name, read_model(path), exports)
            trained = self._trained(training)
            assert trained is not None  # noqa: S101 - exported after it was trained
            model = self._results.read_file(MODEL_NAME, trained.model)
            return ExportRequest(self.context, MODEL_NAME, model, exports)

        return make

    def _training(self, jobs: list[_Job], point: Point) -> _Job:
        training = point.train or Training()
        keys = tuple(key for job in jobs for key in job.keys)
        return _Job(
            f"training {title_of(point)}",
            lambda: TrainRequest(self.context, training),
            keys,
            jobs[0].training,
        )

    def _trained(self, key: str) -> TrainedRecord | None:
        return self._results.find("trained", key, TrainedRecord)

    def _model_key(self, point: Point) -> str:
        if point.train is not None:
            return self.training_key(point.train)
        path = Path(point.export.model or "")
        return key_of((path.name, read_model(path).hex()))

    def _keep_trained(self, key: str, reply: Reply) -> None:
        if (trained := reply.trained) is None:
            return
        sha256 = self._results.keep_files({MODEL_NAME: trained.model})[MODEL_NAME]
        record = TrainedRecord(sha256, trained.parameters, trained.val_accuracy)
        self._results.keep("trained", key, record)

    def _keep_points(self, job: _Job, reply: Reply, computed: Computed) -> None:
        for key in job.keys:
            answer = reply.exported.get(key)
            problem = reply.error or (answer.error if answer else "its process gave no answer for it")
            if answer is None or problem or answer.size_bytes is None:
                computed.errors[key] = problem or "; ".join(answer.failures if answer else ())
                continue
            files = self._results.keep_files(answer.files)
            record = PointRecord(files, answer.failures, answer.size_bytes, answer.parity)
            self._results.keep("points", key, record)
            computed.records[key] = record


def _reply(future: "Future[bytes]") -> Reply:
    try:
        return msgspec.msgpack.decode(future.result(), type=Reply)
    except (CancelledError, msgspec.MsgspecError) as error:
        return Reply(error=f"its process gave no answer: {first_line(error)}")
    except Exception as error:  # noqa: BLE001 - Ray raises what killed a task after its last retry
        return Reply(error=f"{type(error).__name__}: {first_line(error)}")
