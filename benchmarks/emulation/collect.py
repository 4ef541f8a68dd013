"""Collecting what emulated devices answer: build, run, and turn every way it can end into an outcome."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ...data.datasets import Split
from ...runtime.errors import EdgeMnistError
from ...runtime.isolation.native_code import private_folder
from ...runtime.process import usable_cpu_count
from ..runner.processes import FAILED, MEASURED, SKIPPED
from .boards import Device
from .building import Sections, build_harness, build_self_test, model_sections, version_of
from .model import CModel, Expected, expected_answers
from .running import Answers, run_harness, run_self_test


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRun:
    """What was measured on a device.

    Attributes:
        answers: What the harness left.
        sections: The model's flash and static memory; None where this machine itself ran it.
        self_test: The exit code of the model's self-test.
        compiler: Its version.
        emulator: Its version, or "".
    """

    answers: Answers
    sections: Sections | None
    self_test: int
    compiler: str
    emulator: str


@dataclass(frozen=True, slots=True, eq=False)
class DeviceOutcome:
    """A model on a device: what was measured, or why nothing was.

    Attributes:
        device: The device.
        model: The model in C.
        status: "measured", "skipped" or "failed".
        reason: Why it was skipped or how it failed, else "".
        expected: What the model has to answer; None unless measured.
        run: What was measured; None unless it was.
    """

    device: Device
    model: CModel
    status: str
    reason: str = ""
    expected: Expected | None = None
    run: DeviceRun | None = None


def collect_devices(
    models: Sequence[CModel],
    devices: Sequence[Device],
    split: Split,
    *,
    on_progress: Callable[[str], None] = lambda _title: None,
) -> tuple[DeviceOutcome, ...]:
    """Run models on devices, as many at once as there are CPUs: nothing here is timed.

    Args:
        models: The models in C.
        devices: What to run them on.
        split: The test images.
        on_progress: Called with a device's title when it is done.

    Raises:
        ArtifactError: A model's TFLite file is missing or not the one it was made of.
        MissingExtraError: LiteRT is not installed, whose answers are the reference.
    """
    pairs = [(model, device) for model in models for device in devices]
    able = {model for model, device in pairs if not device.missing}
    expected = {model: expected_answers(model, split.images) for model in able}

    def measure(pair: tuple[CModel, Device]) -> DeviceOutcome:
        model, device = pair
        outcome = measure_device(device, model, expected.get(model))
        on_progress(device.title)
        return outcome

    with ThreadPoolExecutor(usable_cpu_count()) as pool:
        return tuple(pool.map(measure, pairs))


def measure_device(device: Device, model: CModel, expected: Expected | None) -> DeviceOutcome:
    """Build a model for a device and run it there on every input.

    Args:
        device: The device.
        model: The model in C.
        expected: What the model is asked and has to answer; may be None where the device's tools are missing.
    """
    if device.missing or expected is None:
        return DeviceOutcome(device, model, SKIPPED, device.missing)
    try:
        with private_folder() as folder:
            program = build_harness(device, model, folder)
            self_test = build_self_test(device, model, folder)
            run = DeviceRun(
                answers=run_harness(
                    device, program, folder, expected.inputs, output_bytes=expected.outputs.shape[1]
                ),
                sections=model_sections(device, model, folder) if device.emulator else None,
                self_test=run_self_test(device, self_test, folder),
                compiler=version_of(device.compiler),
                emulator=version_of(device.emulator[0]) if device.emulator else "",
            )
    except EdgeMnistError as error:
        return DeviceOutcome(device, model, FAILED, str(error))
    return DeviceOutcome(device, model, MEASURED, expected=expected, run=run)
