"""The metrics of a model on a device, computed from what was collected."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data.datasets import Split
from ..runner.processes import MEASURED
from .collect import DeviceOutcome, DeviceRun
from .model import Expected


@dataclass(frozen=True, slots=True)
class Instructions:
    """Instructions for one run of the model, as the emulator counts them; they are not cycles.

    Attributes:
        least: Of all inputs.
        median: Of all inputs.
        most: Of all inputs.
    """

    least: int
    median: float
    most: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """The memory that a model takes on a device.

    Attributes:
        flash_bytes: Code and constants of the model, and what it needs of the compiler's library.
        static_ram_bytes: The model's variables.
        stack_bytes: Its deepest stack.
        buffer_bytes: One input, one output and the arena, which the caller keeps.
    """

    flash_bytes: int
    static_ram_bytes: int
    stack_bytes: int
    buffer_bytes: int

    @property
    def ram_bytes(self) -> int:
        """All memory that using the model takes: variables, stack, one input, one output and the arena."""
        return self.static_ram_bytes + self.stack_bytes + self.buffer_bytes


@dataclass(frozen=True, slots=True)
class DeviceMetrics:
    """What a model does and takes on a device.

    Attributes:
        images: How many inputs were run.
        accuracy: Share of test images whose label is right, 0 to 1; None for a model that takes none.
        agreement: Share of inputs on which every byte of the output is the reference's.
        wrong_bytes: How many bytes of all outputs are not.
        wrong_labels: On how many inputs the label is not the first of the most probable classes.
        self_test: The exit code of the model's self-test, 0 where it passes.
        footprint: None where this machine itself ran the model.
        instructions: None where nothing counted them.
    """

    images: int
    accuracy: float | None
    agreement: float
    wrong_bytes: int
    wrong_labels: int
    self_test: int
    footprint: Footprint | None
    instructions: Instructions | None

    @property
    def exact(self) -> bool:
        """Whether every answer is the reference's to the byte, and the self-test says so too."""
        return self.wrong_bytes == self.wrong_labels == self.self_test == 0


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device in the report.

    Attributes:
        outcome: What was collected.
        metrics: None unless it was measured.
    """

    outcome: DeviceOutcome
    metrics: DeviceMetrics | None

    @property
    def title(self) -> str:
        """The model's file and the device."""
        return f"{self.outcome.model.source.name} on {self.outcome.device.title}"


def device_rows(outcomes: Sequence[DeviceOutcome], split: Split) -> tuple[DeviceRow, ...]:
    """Compute the metrics of each outcome."""
    return tuple(DeviceRow(outcome, _metrics(outcome, split)) for outcome in outcomes)


def _metrics(outcome: DeviceOutcome, split: Split) -> DeviceMetrics | None:
    if outcome.status != MEASURED or outcome.run is None or outcome.expected is None:
        return None
    run, expected = outcome.run, outcome.expected
    wrong = run.answers.bytes != expected.outputs
    return DeviceMetrics(
        images=len(expected.inputs),
        accuracy=_accuracy(expected, run, split),
        agreement=float((~wrong.any(axis=1)).mean()),
        wrong_bytes=int(np.count_nonzero(wrong)),
        wrong_labels=_wrong_labels(run, expected),
        self_test=run.self_test,
        footprint=None
        if run.sections is None
        else Footprint(
            flash_bytes=run.sections.flash_bytes,
            static_ram_bytes=run.sections.static_ram_bytes,
            stack_bytes=run.answers.stack_bytes,
            buffer_bytes=expected.inputs.shape[1] + expected.outputs.shape[1] + outcome.model.arena_bytes,
        ),
        instructions=_instructions(run),
    )


def _accuracy(expected: Expected, run: DeviceRun, split: Split) -> float | None:
    if not expected.tested or expected.classes is None:
        return None
    return float((run.answers.labels == split.known_labels).mean())


def _wrong_labels(run: DeviceRun, expected: Expected) -> int:
    return 0 if expected.classes is None else int(np.count_nonzero(run.answers.labels != expected.classes))


def _instructions(run: DeviceRun) -> Instructions | None:
    counts = run.answers.instructions
    if counts is None:
        return None
    return Instructions(int(counts.min()), float(np.median(counts)), int(counts.max()))
