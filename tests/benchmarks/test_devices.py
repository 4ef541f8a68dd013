"""The model in C on emulated devices: real compilers and emulators, on some images."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.emulation import boards as table
from edgemnist.benchmarks.emulation.boards import DEVICES, TOOL_PACKAGES, Device, find_devices
from edgemnist.benchmarks.emulation.building import (
    FIRMWARE,
    STANDARD,
    build_harness,
    build_self_test,
    model_sections,
)
from edgemnist.benchmarks.emulation.collect import (
    DeviceOutcome,
    collect_devices,
    device_rows,
    in_its_order,
    measure_device,
)
from edgemnist.benchmarks.emulation.expected import expected_answers
from edgemnist.benchmarks.emulation.model import CModel, c_models
from edgemnist.benchmarks.emulation.running import Answers, run_harness
from edgemnist.benchmarks.studies.systems.portability import host_builds, shortcomings
from edgemnist.data.datasets import Split
from edgemnist.runtime.errors import ArtifactError, ArtifactNotFoundError, EngineError, OptionError

ROOT = Path(__file__).parents[2]
HOST = Device("host", "this machine", "gcc", "", ("-O2",))
M4 = DEVICES["cortex-m4"]
IMAGES = 24

TINY_HEADER = """
#include <stdint.h>
#define TINY_INPUT_BYTES 2
#define TINY_OUTPUT_BYTES 2
#define TINY_ARENA_BYTES 8
void tiny_run(const uint8_t *input, uint8_t *output, void *arena);
int tiny_classify(const uint8_t image[2]);
"""
TINY_SOURCE = """
#include "tiny.int8.h"
{before}
void tiny_run(const uint8_t *input, uint8_t *output, void *arena)
{{ (void)arena; {work} output[0] = input[0]; output[1] = input[1]; }}
int tiny_classify(const uint8_t image[2]) {{ return image[1] > image[0]; }}
"""


def needs(device: Device) -> pytest.MarkDecorator:
    return pytest.mark.skipif(bool(device.missing), reason=device.missing)


def on_each(devices, *, at_once=None) -> pytest.MarkDecorator:
    """Test each device; those that `at_once` does not name only among the slow tests."""
    marked = [
        pytest.param(
            device,
            marks=[needs(device), *([] if at_once is None or device.name in at_once else [pytest.mark.slow])],
            id=device.name,
        )
        for device in devices
    ]
    return pytest.mark.parametrize("device", marked)


@pytest.fixture(scope="module")
def some(test_split: Split) -> Split:
    return Split(test_split.inputs[:IMAGES], test_split.labels[:IMAGES])


@pytest.fixture(scope="module")
def model(artifacts: Path) -> CModel:
    (found,) = c_models([artifacts])
    return found


@pytest.fixture
def own_model(model: CModel, tmp_path: Path) -> CModel:
    """A copy of the model that a test may damage."""
    for path in (model.source, model.header, model.self_test, model.original):
        shutil.copy(path, tmp_path)
    return c_models([tmp_path])[0]


def measured(device: Device, model: CModel, split: Split) -> DeviceOutcome:
    return measure_device(device, model, expected_answers(model, split.inputs))


def tiny(folder: Path, *, before: str = "", work: str = "") -> CModel:
    (folder / "tiny.int8.h").write_text(TINY_HEADER)
    (folder / "tiny.int8.c").write_text(TINY_SOURCE.format(before=before, work=work))
    return CModel(folder / "tiny.int8.c", "tiny", "", classifies=True, arena_bytes=8)


def run_tiny(device: Device, model: CModel, pixels: list[list[int]]) -> Answers:
    folder = model.source.parent
    program = build_harness(device, model, folder)
    return run_harness(device, program, folder, np.array(pixels, np.uint8), output_bytes=2)


MEASURE_ON_HOST = """
import sys
from pathlib import Path
from edgemnist.data.datasets import load_test_split
from edgemnist.benchmarks.emulation.collect import measure_device
from edgemnist.benchmarks.emulation.expected import expected_answers
from edgemnist.benchmarks.emulation.model import c_models
from edgemnist.benchmarks.emulation.boards import Device
test = load_test_split()
images = test.inputs[:2]
model, = c_models([Path(sys.argv[1])])
host = Device("host", "this machine", "gcc", "", ("-O2",))
outcome = measure_device(host, model, expected_answers(model, images))
print(outcome.status, outcome.reason)
"""


@needs(HOST)
def test_programs_run_where_the_temporary_folder_is_mounted_noexec(
    model: CModel, tmp_path: Path, noexec_temporary_folder: list[str]
):
    ended = subprocess.run(
        [*noexec_temporary_folder, sys.executable, "-P", "-c", MEASURE_ON_HOST, str(model.source.parent)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip() == "measured", ended.stdout + ended.stderr


@pytest.mark.slow
@on_each(DEVICES.values(), at_once=("cortex-m0", "cortex-m4", "cortex-m55", "riscv64", "s390x"))
def test_every_device_gives_the_bytes_of_litert(device: Device, model: CModel, some: Split):
    (row,) = device_rows([measured(device, model, some)], some)
    assert row.outcome.reason == ""
    assert row.metrics.exact
    assert row.metrics.agreement == 1.0
    assert row.metrics.instructions.least > 0
    assert row.outcome.model.original.stat().st_size * 0.9 < row.metrics.footprint.flash_bytes < 110_000


@on_each(host_builds(), at_once=("host-gcc-3", "host-clang-1"))
def test_every_way_to_compile_for_this_machine_gives_the_bytes_of_litert(device, model: CModel, some: Split):
    (row,) = device_rows([measured(device, model, some)], some)
    assert row.outcome.reason == ""
    assert row.metrics.exact
    assert row.metrics.instructions is row.metrics.footprint is None


@pytest.mark.slow
@needs(M4)
def test_the_model_keeps_its_goals_on_cortex_m4(model: CModel, some: Split):
    rows = device_rows([measured(M4, model, some)], some)
    assert shortcomings(rows) == []
    taken = dataclasses.replace(rows[0].metrics.footprint, stack_bytes=800)
    wasteful = dataclasses.replace(rows[0].metrics, footprint=taken)
    (sentence,) = shortcomings((dataclasses.replace(rows[0], metrics=wasteful),))
    assert "1734 of RAM, more than 106000 and 1500" in sentence


@pytest.mark.slow
@on_each([M4, DEVICES["s390x"]])
def test_one_wrong_table_entry_shows_in_bytes_and_self_test(device: Device, own_model: CModel, some: Split):
    text = own_model.source.read_text()
    changed = re.sub(r"(_(?:bias\[10\]|channels\[36\]) = \{\s*)-?\d+", r"\g<1>123456", text)
    assert changed != text
    own_model.source.write_text(changed)
    rows = device_rows([measured(device, own_model, some)], some)
    assert rows[0].metrics.wrong_bytes > 0
    assert rows[0].metrics.self_test != 0
    assert not rows[0].metrics.exact
    assert "is not exact" in shortcomings(rows)[0]


@pytest.mark.slow
@on_each([HOST, M4])
def test_a_model_that_crashes_fails_its_row_alone(
    device: Device, own_model: CModel, model: CModel, some: Split
):
    text = own_model.source.read_text()
    crashing = re.sub(r"(int \w+_classify\([^)]*\)\s*\{)", r"\1 __builtin_trap();", text)
    assert crashing != text
    own_model.source.write_text(crashing)
    failed, fine = collect_devices([own_model, model], [device], some)
    assert failed.status == "failed"
    assert "signal 4" in failed.reason or "exit code 70" in failed.reason
    assert fine.status == "measured"


@needs(HOST)
@pytest.mark.parametrize(
    ("work", "complaint"),
    [
        ("output[input[0] > 0 ? 7 : 0] = 1;", "AddressSanitizer"),
        ("{ volatile int x = 0x7FFFFFFF; x += input[0]; }", "overflow"),
    ],
)
def test_sanitizers_find_what_is_undefined(work: str, complaint: str, tmp_path: Path):
    sanitized = next(
        device for device in host_builds() if "gcc" in device.title and "sanitizer" in device.title
    )
    with pytest.raises(EngineError, match=complaint):
        run_tiny(sanitized, tiny(tmp_path, work=work), [[1, 2]])


@on_each([DEVICES["cortex-m0"], M4, DEVICES["arm"]])
def test_instructions_are_counted_one_by_one(device: Device, tmp_path: Path):
    loop = """
    uint32_t rounds = (uint32_t)input[0] + 1;
    __asm__ volatile("1: sub %0, #1\\n\\tcmp %0, #0\\n\\tbne 1b" : "+l"(rounds) : : "cc");
    """
    answers = run_tiny(device, tiny(tmp_path, work=loop), [[0, 0], [1, 0], [200, 0]])
    least, more, most = answers.instructions.tolist()
    assert (more - least, most - least) == (3, 600)


@on_each([M4, DEVICES["riscv64"], DEVICES["s390x"]])
def test_a_wrong_count_or_stack_of_known_functions_is_an_error(device: Device, tmp_path: Path):
    model = tiny(tmp_path)
    program = build_harness(device, model, tmp_path)
    for name, complaint in (("known_instructions", "counts wrong"), ("known_stack_bytes", "measured wrong")):
        other = dataclasses.replace(program, symbols=program.symbols | {name: program.symbols[name] + 1})
        with pytest.raises(EngineError, match=complaint):
            run_harness(device, other, tmp_path, np.zeros((1, 2), np.uint8), output_bytes=2)


@on_each([M4, DEVICES["aarch64"], DEVICES["riscv64"], DEVICES["s390x"]])
def test_stack_and_variables_are_what_the_model_declares(device: Device, tmp_path: Path):
    plain = tiny(tmp_path)
    without = run_tiny(device, plain, [[1, 2]]).stack_bytes
    model = tiny(
        tmp_path,
        before="static volatile uint8_t kept[100];",
        work="volatile uint8_t scratch[512]; scratch[0] = input[0]; kept[input[0] % 100] = scratch[0];",
    )
    assert without < 64
    assert 512 <= run_tiny(device, model, [[1, 2]]).stack_bytes < 512 + 64
    assert 100 <= model_sections(device, model, tmp_path).static_ram_bytes <= 108


@needs(M4)
def test_a_model_that_needs_a_library_does_not_link_for_a_board(tmp_path: Path):
    model = tiny(tmp_path, before="extern void *malloc(unsigned);", work="*(uint8_t *)malloc(1) = input[0];")
    with pytest.raises(EngineError, match="undefined reference to `malloc'"):
        model_sections(M4, model, tmp_path)


@needs(M4)
def test_a_self_test_that_does_not_compile_names_the_complaint(own_model: CModel, tmp_path: Path):
    own_model.self_test.write_text("int main(void) { return unheard_of; }")
    with pytest.raises(EngineError, match="unheard_of"):
        build_self_test(M4, own_model, tmp_path)


def test_missing_tools_skip_the_device_and_name_debian_packages(model: CModel, some: Split, monkeypatch):
    monkeypatch.setattr(table.shutil, "which", lambda tool: None if "qemu" in tool else f"/usr/bin/{tool}")
    (outcome,) = collect_devices([model], [M4], some)
    assert outcome.status == "skipped"
    assert outcome.reason == (
        "qemu-system-arm not found. On Debian: apt-get install --no-install-recommends qemu-system-arm"
    )


def test_every_program_that_a_device_needs_has_its_debian_packages():
    for device in (*DEVICES.values(), *host_builds()):
        assert set(device.tools) <= TOOL_PACKAGES.keys()


def test_ci_installs_every_package():
    installed = (ROOT / ".ci" / "run").read_text().split()
    assert {package for packages in TOOL_PACKAGES.values() for package in packages} <= set(installed)


def test_targets_are_found_by_name_once_each():
    assert find_devices(["cortex-m4", "host", "arm", "cortex-m4"]) == (M4, DEVICES["arm"])
    assert find_devices(["s390x", "emulated"])[0].name == "s390x"
    assert set(find_devices(["emulated"])) == set(DEVICES.values())
    assert [name for name, device in DEVICES.items() if device.name != name] == []


def test_an_unknown_target_lists_the_known_ones():
    with pytest.raises(
        OptionError, match=r"'cortex-m9'; expected one of host, cortex-m0, .*s390x, emulated\. Did you mean"
    ):
        find_devices(["cortex-m9"])


def test_a_folder_without_c_says_how_to_make_it(tmp_path: Path):
    with pytest.raises(ArtifactNotFoundError, match=r"export --format int8\.tflite --format c"):
        c_models([tmp_path])


def test_c_beside_another_tflite_file_is_refused(own_model: CModel, some: Split):
    own_model.original.write_bytes(own_model.original.read_bytes() + b"\0")
    with pytest.raises(ArtifactError, match="was made of another"):
        expected_answers(own_model, some.inputs)
    own_model.original.unlink()
    with pytest.raises(ArtifactNotFoundError, match=r"to compare its answers with"):
        expected_answers(own_model, some.inputs)


def test_c_without_its_self_test_is_refused(own_model: CModel):
    own_model.self_test.unlink()
    with pytest.raises(ArtifactNotFoundError, match="_selftest"):
        c_models([own_model.source])


def test_the_firmware_is_c99_like_the_model():
    assert "-std=c99" in STANDARD
    assert {path.name for path in FIRMWARE.iterdir()} >= {
        "harness.c",
        "startup.c",
        "cortex_m.ld",
        "counting.c",
    }


def test_a_big_endian_processor_has_the_bytes_of_each_element_in_its_own_order():
    raw = np.array([[1, -2], [300, 4]], "<i2").view(np.uint8)
    found = in_its_order(DEVICES["s390x"], raw, "int16")
    assert found.view(">i2").tolist() == [[1, -2], [300, 4]]
    assert np.array_equal(in_its_order(DEVICES["s390x"], found, "int16"), raw)
    assert in_its_order(DEVICES["s390x"], raw, "uint8").tolist() == raw.tolist()
    assert in_its_order(DEVICES["cortex-m4"], raw, "int16") is raw
