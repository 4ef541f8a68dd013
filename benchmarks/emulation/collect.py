"""Models on emulated devices: build, run, turn every way it can end into an outcome, compute its metrics."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ...data.datasets import Split
from ...runtime.artifact.manifest import Count, Positive, Share
from ...runtime.errors import EdgeMnistError
from ...runtime.isolation.native_code import private_folder
from ...runtime.process import usable_cpu_count
from ..runner.processes import FAILED, MEASURED, SKIPPED
from .boards import Device
from .building import Sections, build_harness, build_self_test, model_sections, version_of
from .expected import Expected, expected_answers
from .model import CModel
from .running import Answers, run_harness, run_self_test


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRun:
    """What was measured on a device.

    Attributes:
        sections: The model's flash and static memory; None where this machine itself ran it.
    """

    answers: Answers
    sections: Sections | None
    self_test: int
    compiler: str
    emulator: str


@dataclass(frozen=True, slots=True, eq=False)
class DeviceOutcome:
    """A model on a device: what it has to answer and what was measured, or why nothing was."""

    device: Device
    model: CModel
    status: str
    reason: str = ""
    expected: Expected | None = None
    run: DeviceRun | None = None


@dataclass(frozen=True, slots=True)
class Instructions:
    """For one run of the model, over all inputs, as the emulator counts them; they are not cycles."""

    least: Positive
    median: Annotated[float, Meta(ge=1)]
    most: Positive


@dataclass(frozen=True, slots=True)
class Footprint:
    """The memory that a model takes on a device.

    Attributes:
        flash_bytes: Code and constants of the model, and what it needs of the compiler's library.
        buffer_bytes: One input, one output and the arena, which the caller keeps.
        ram_bytes: The three before it together.
    """

    flash_bytes: Positive
    static_ram_bytes: Count
    stack_bytes: Count
    buffer_bytes: Count
    ram_bytes: Count = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ram_bytes", self.static_ram_bytes + self.stack_bytes + self.buffer_bytes)


@dataclass(frozen=True, slots=True)
class DeviceMetrics:
    """What a model does and takes on a device.

    Attributes:
        accuracy: Share of test inputs whose label is right, 0 to 1; None for a model that takes none, for
            values and without labels.
        agreement: Share of inputs on which every byte of the output is the reference's.
        wrong_labels: On how many inputs the label is not the first of the most probable classes.
        footprint: None where this machine itself ran the model.
        instructions: None where nothing counted them.
        exact: Whether every answer is the reference's to the byte, and the self-test says so too.
    """

    images: Positive
    accuracy: Share | None
    agreement: Share
    wrong_bytes: Count
    wrong_labels: Count
    self_test: Count
    footprint: Footprint | None
    instructions: Instructions | None
    exact: bool = field(init=False)

    def __post_init__(self) -> None:
        exact = self.wrong_bytes == self.wrong_labels == self.self_test == 0
        object.__setattr__(self, "exact", exact)


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRow:
    """A device in the report; it has metrics if it was measured, and `predicted` classes if it has any."""

    outcome: DeviceOutcome
    metrics: DeviceMetrics | None
    predicted: NDArray[np.int64] | None = None

    @property
    def title(self) -> str:
        """The model's file and the device."""
        return f"{self.outcome.model.source.name} on {self.outcome.device.title}"


def collect_devices(
    models: Sequence[CModel],
    devices: Sequence[Device],
    split: Split,
    *,
    on_progress: Callable[[str], None] = lambda _title: None,
) -> tuple[DeviceOutcome, ...]:
    """Run models on devices, as many at once as there are CPUs: nothing here is timed.

    `on_progress` is called with a device's title when it is done.

    Raises:
        ArtifactError: A model's TFLite file is missing or not the one it was made of.
        MissingExtraError: LiteRT is not installed, whose answers are the reference.
    """
    pairs = [(model, device) for model in models for device in devices]
    able = {model for model, device in pairs if not device.missing}
    expected = {model: expected_answers(model, split.array) for model in able}

    def measure(pair: tuple[CModel, Device]) -> DeviceOutcome:
        model, device = pair
        outcome = measure_device(device, model, expected.get(model))
        on_progress(device.title)
        return outcome

    with ThreadPoolExecutor(usable_cpu_count()) as pool:
        return tuple(pool.map(measure, pairs))


def measure_device(device: Device, model: CModel, expected: Expected | None) -> DeviceOutcome:
    """Build a model for a device and run it there on every input.

    `expected` may be None where the device's tools are missing.
    """
    if device.missing or expected is None:
        return DeviceOutcome(device, model, SKIPPED, device.missing)
    try:
        with private_folder() as folder:
            program = build_harness(device, model, folder)
            self_test = build_self_test(device, model, folder)
            inputs = in_its_order(device, expected.inputs, expected.input.dtype)
            answers = run_harness(device, program, folder, inputs, output_bytes=expected.outputs.shape[1])
            run = DeviceRun(
                answers=replace(answers, bytes=in_its_order(device, answers.bytes, expected.output.dtype)),
                sections=model_sections(device, model, folder) if device.emulator else None,
                self_test=run_self_test(device, self_test, folder),
                compiler=version_of(device.compiler),
                emulator=version_of(device.emulator[0]) if device.emulator else "",
            )
    except EdgeMnistError as error:
        return DeviceOutcome(device, model, FAILED, str(error))
    return DeviceOutcome(device, model, MEASURED, expected=expected, run=run)


def in_its_order(device: Device, raw: NDArray[np.uint8], dtype: str) -> NDArray[np.uint8]:
    """Return rows of elements, `(N, bytes)`, with the bytes of each as a device has them, or back again."""
    if not device.big_endian:
        return raw
    elements = raw.reshape(len(raw), -1, np.dtype(dtype).itemsize)
    return np.ascontiguousarray(elements[..., ::-1]).reshape(raw.shape)


def device_rows(outcomes: Sequence[DeviceOutcome], split: Split) -> tuple[DeviceRow, ...]:
    """Compute the metrics of each outcome."""
    return tuple(_row(outcome, split) for outcome in outcomes)


def _row(outcome: DeviceOutcome, split: Split) -> DeviceRow:
    run, expected = outcome.run, outcome.expected
    if run is None or expected is None:
        return DeviceRow(outcome, None)
    predicted = expected.predicted(run.answers.bytes)
    labels = split.labels if expected.tested else None
    accuracy = None if predicted is None or labels is None else float((predicted == labels).mean())
    return DeviceRow(outcome, _metrics(outcome, run, expected, accuracy), predicted)


def _metrics(
    outcome: DeviceOutcome, run: DeviceRun, expected: Expected, accuracy: float | None
) -> DeviceMetrics:
    wrong = run.answers.bytes != expected.outputs
    labels, counts, classes = run.answers.labels, run.answers.instructions, expected.classes
    return DeviceMetrics(
        images=len(expected.inputs),
        accuracy=accuracy,
        agreement=float((~wrong.any(axis=1)).mean()),
        wrong_bytes=int(np.count_nonzero(wrong)),
        wrong_labels=0 if classes is None else int(np.count_nonzero(labels != classes)),
        self_test=run.self_test,
        footprint=None
        if run.sections is None
        else Footprint(
            flash_bytes=run.sections.flash_bytes,
            static_ram_bytes=run.sections.static_ram_bytes,
            stack_bytes=run.answers.stack_bytes,
            buffer_bytes=expected.inputs.shape[1] + expected.outputs.shape[1] + outcome.model.arena_bytes,
        ),
        instructions=None
        if counts is None
        else Instructions(int(counts.min()), float(np.median(counts)), int(counts.max())),
    )
