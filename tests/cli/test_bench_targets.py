"""`edgemnist bench --target` as a person uses it, on real artifacts, compilers and emulators."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.benchmarks.emulation.boards import DEVICES
from edgemnist.benchmarks.report.compact_arrays import decode_array
from edgemnist.benchmarks.report.document import read_document

ROOT = Path(__file__).parents[2]
IMAGES = 16
C_FILES = ("mnist.int8.c", "mnist.int8.h", "mnist.int8_selftest.c", "mnist.int8.tflite")
M4 = DEVICES["cortex-m4"]
BROKEN = """
void mnist_run(const uint8_t *input, uint8_t *output, void *arena)
{
    right_run(input, output, arena);
    output[0] ^= 255;
}
"""
needs_m4 = pytest.mark.skipif(bool(M4.missing), reason=M4.missing)


def bench(*arguments, path=None):
    return subprocess.run(
        [sys.executable, "-m", "edgemnist", "bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ({} if path is None else {"PATH": str(path)}) | {"COLUMNS": "80"},
    )


@pytest.fixture(scope="module")
def some(test_split, tmp_path_factory):
    """A data set of a few test images."""
    images, labels = test_split.inputs[:IMAGES], test_split.labels[:IMAGES]
    path = tmp_path_factory.mktemp("some") / "some.npz"
    np.savez(path, x_train=images[:1], y_train=labels[:1], x_test=images, y_test=labels)
    return path


@pytest.fixture(scope="module")
def c_folder(artifacts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    for name in C_FILES:
        shutil.copy(artifacts / name, folder)
    return folder


@pytest.fixture(scope="module")
def benched(c_folder, some, tmp_path_factory):
    folder = tmp_path_factory.mktemp("benched")
    done = bench("--artifacts", c_folder, "--target", "cortex-m4", "--data", some, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@needs_m4
def test_a_target_has_a_row_with_bytes_memory_and_instructions(benched):
    document = read_document(benched[0] / "bench.json")
    (row,) = document["devices"]
    figures = row["figures"]
    assert (row["target"], row["status"], document["rows"]) == ("cortex-m4", "measured", [])
    assert figures["exact"] and figures["images"] == IMAGES
    taken = figures["footprint"]
    assert taken["ram_bytes"] == sum(taken[f"{part}_bytes"] for part in ("static_ram", "stack", "buffer"))
    counts = decode_array(row["instructions"])
    assert len(counts) == len(decode_array(row["predicted"])) == IMAGES
    assert counts.max() == figures["instructions"]["most"]


@needs_m4
def test_every_report_shows_the_target(benched):
    folder, done = benched
    assert re.search(r"cortex-m4 +\S+ % +equal +passes +[\d,]+ B", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "| mnist.int8.c | Cortex-M4 |" in (folder / "bench.md").read_text()
    page = (folder / "bench.html").read_text()
    assert "On emulated devices" in page
    assert "Answers and latency" not in page


@pytest.mark.slow
@needs_m4
def test_a_wrong_byte_exits_with_3_and_still_reports(c_folder, some, tmp_path):
    for name in C_FILES:
        shutil.copy(c_folder / name, tmp_path)
    source = tmp_path / "mnist.int8.c"
    # Not a table, since other processors have other tables of the same weights.
    renamed, count = re.subn(r"(?m)^void mnist_run\(", "static void right_run(", source.read_text())
    assert count == 1
    source.write_text(renamed + BROKEN)
    allowed = "--run-foreign-code"  # since it is no longer what was generated
    done = bench(source, "--target", "cortex-m4", "--data", some, "-o", tmp_path, "--json", allowed)
    assert done.returncode == 3
    assert "error: the model in C is not exact; received mnist.int8.c on Cortex-M4: " in done.stderr
    assert json.loads(done.stdout) == read_document(tmp_path / "bench.json")


@pytest.mark.slow
def test_without_its_tools_a_target_is_skipped_with_the_packages_to_install(c_folder, some, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = bench(
        *("--artifacts", c_folder, "--target", "s390x", "--target", "cortex-m4"),
        *("--data", some, "-o", tmp_path),
        path=empty,
    )
    assert done.returncode == 1
    assert "nothing could be measured" in done.stderr
    assert "s390x skipped: s390x-linux-gnu-gcc and qemu-s390x and gcc not found." in done.stdout
    rows = read_document(tmp_path / "bench.json")["devices"]
    assert [row["status"] for row in rows] == ["skipped", "skipped"]
    assert "apt-get install --no-install-recommends gcc-arm-none-eabi qemu-system-arm" in rows[1]["reason"]
    assert "skipped: arm-none-eabi-gcc" in (tmp_path / "bench.html").read_text()


@pytest.mark.slow
def test_host_and_target_together_have_both_kinds_of_rows(c_folder, some, tmp_path):
    (tmp_path / "empty").mkdir()
    done = bench(
        *(
            "--artifacts",
            c_folder,
            "--engine",
            "litert",
            "--target",
            "host",
            "--target",
            "arm",
            "--data",
            some,
        ),
        *("--quick", "--num-runs", 30, "--min-secs", 0, "-o", tmp_path),
        path=tmp_path / "empty",
    )
    assert done.returncode == 0, done.stderr
    document = read_document(tmp_path / "bench.json")
    assert [row["status"] for row in document["rows"]] == ["measured"]
    assert [row["status"] for row in document["devices"]] == ["skipped"]


@pytest.mark.slow
def test_wrong_targets_are_refused_before_anything_is_measured(c_folder, tmp_path):
    unknown = bench("--artifacts", c_folder, "--target", "pdp-11")
    assert unknown.returncode == 1
    assert "unknown target; received 'pdp-11'; expected one of host, cortex-m0" in unknown.stderr
    no_c = bench("--artifacts", tmp_path, "--target", "cortex-m4")
    assert "no model in C" in no_c.stderr
    alone = bench("--artifacts", c_folder, "--target", "arm", "--baseline", tmp_path / "old.json")
    assert "Add --target host." in alone.stderr


def test_every_target_is_in_the_help_and_on_the_page_about_boards():
    done = bench("--help")
    page = (ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
    for name in DEVICES:
        assert name.removeprefix("cortex") in done.stdout
        assert f"`{name}`" in page
