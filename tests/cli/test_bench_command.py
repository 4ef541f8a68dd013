"""`edgemnist bench`, `compare` and `env` as a person uses them, on real artifacts in real processes."""

import json
import shutil
import subprocess
import sys
import tempfile

import pytest

from edgemnist.benchmarks.report.document import read_document
from edgemnist.cli import entry as cli
from edgemnist.runtime import ENGINES
from edgemnist.runtime.files import sha256_of

MAIN = ("mnist.keras", "mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite")
ABSENT = ("scipy", "matplotlib", "jinja2", "PIL", "tensorflow", "keras", "onnx", "mlperf_loadgen")


def run(*arguments, without=()):
    block = f"import sys; sys.modules.update(dict.fromkeys({tuple(without)!r}))"
    program = f"{block}; from edgemnist.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tempfile.gettempdir(),  # where no folder artifacts lies that would be taken for the default one
    )


def run_here(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["edgemnist", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


@pytest.fixture(scope="module")
def benched(artifacts, tmp_path_factory):
    """The reports of `bench --quick --with-keras` on the main artifacts, and what that printed."""
    folder = tmp_path_factory.mktemp("benched")
    files = [artifacts / name for name in MAIN]
    done = run("bench", *files, "--quick", "--with-keras", "--num-runs", 100, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def document(benched):
    return read_document(benched[0] / "bench.json")


def row(document, file):
    return next(row for row in document["rows"] if row["file"] == file)


def test_every_artifact_and_keras_is_a_measured_row(document):
    assert {row["file"]: row["status"] for row in document["rows"]} == dict.fromkeys(MAIN, "measured")


def test_the_table_is_on_stdout_and_messages_are_on_stderr(benched):
    folder, done = benched
    assert "mnist.int8.tflite" in done.stdout
    assert "What it means" in done.stdout
    assert f"wrote bench.json, bench.md and bench.html to {folder}" in done.stderr
    assert "wrote" not in done.stdout


def test_parity_in_the_report_is_that_of_the_export(document, artifacts):
    manifest = json.loads((artifacts / "manifest.json").read_text())
    assert document["reference"] == "reference.npz"
    for record in manifest["artifacts"]:
        if record["file"] in MAIN[1:]:
            figures = row(document, record["file"])["figures"]
            assert figures["parity"]["agreement"] == record["parity"]["agreement"]
            assert figures["accuracy"]["accuracy"] == record["parity"]["accuracy"]


def test_hashes_and_versions_are_on_record(document, artifacts):
    for name in MAIN:
        assert row(document, name)["sha256"] == sha256_of(artifacts / name)
    assert {"numpy", "onnxruntime", "ai-edge-litert", "tensorflow"} <= document["machine"]["versions"].keys()


def test_confusion_adds_up_to_the_test_set(document):
    confusion = row(document, "mnist.int8.tflite")["figures"]["accuracy"]["confusion"]
    assert sum(map(sum, confusion)) == document["images"] == 10_000


def test_keras_is_compared_with_and_slower_than_its_exports(document):
    onnx = next(one for one in document["comparisons"] if one["target"].startswith("mnist.float32.onnx"))
    assert onnx["base"] == "mnist.keras (keras)"
    assert onnx["parity"]["agreement"] == 1.0
    assert onnx["speed"]["value"] > 3


def test_the_page_shows_the_flipped_digits_of_int8(benched, document):
    page = (benched[0] / "bench.html").read_text()
    flipped = row(document, "mnist.int8.tflite")["figures"]["parity"]["flipped"]
    cards = sum(page.count(f'class="answer {kind}"') for kind in ("broke", "fixed", "other"))
    assert cards == sum(min(len(one["figures"]["parity"]["flipped"]), 48) for one in document["rows"])
    assert all(f"test image {index}," in page for index in flipped[:48])


def test_comparing_a_report_with_itself_finds_no_difference(benched, monkeypatch, capsys):
    report = benched[0] / "bench.json"
    assert run_here(monkeypatch, "compare", report, report, "--json") == 0
    compared = json.loads(capsys.readouterr().out)
    assert all(change["slowdown"]["value"] == pytest.approx(1) for change in compared["rows"])
    assert compared["machines"] == compared["versions"] == compared["added"] == []


def test_a_comparison_is_readable(benched, document, tmp_path, monkeypatch, capsys):
    other = tmp_path / "old.json"
    changed = json.loads(json.dumps(document))
    changed["machine"]["cpu"] = "another CPU"
    changed["rows"].pop()
    other.write_text(json.dumps(changed))
    report = benched[0] / "bench.json"
    assert run_here(monkeypatch, "compare", other, report) == 1
    assert "different machines" in capsys.readouterr().err
    assert run_here(monkeypatch, "compare", other, report, "--force") == 0
    captured = capsys.readouterr()
    assert "is new" in captured.out
    assert "another CPU" in captured.err
    assert run_here(monkeypatch, "compare", report, other, "--force") == 0
    assert "is now missing." in capsys.readouterr().out


@pytest.mark.slow
def test_without_the_extras_there_are_no_intervals_and_no_page_but_figures(artifacts, tmp_path):
    done = run(
        *("bench", artifacts / "mnist.int8.tflite", artifacts / "mnist.keras", "--quick", "-o", tmp_path),
        *("--with-keras", "--num-runs", 30, "--min-secs", 0),
        without=ABSENT,
    )
    assert done.returncode == 0, done.stderr
    report = read_document(tmp_path / "bench.json")
    measured, skipped = row(report, "mnist.int8.tflite"), row(report, "mnist.keras")
    assert measured["figures"]["end_to_end"]["p50_interval_ns"] is None
    assert measured["figures"]["parity"]["agreement"] > 0.99
    assert skipped["status"] == "skipped"
    assert "pip install 'edgemnist[export]'" in skipped["reason"]
    assert any("scipy" in note for note in report["notes"])
    assert not (tmp_path / "bench.html").exists()
    assert "pip install 'edgemnist[bench]'" in done.stderr


@pytest.mark.slow
def test_a_broken_gate_exits_with_3_names_the_row_and_still_reports(artifacts, document, tmp_path):
    baseline = json.loads(json.dumps(document))
    baseline["rows"] = [row(baseline, "mnist.float32.onnx")]
    figures = baseline["rows"][0]["figures"]
    figures["accuracy"]["accuracy"] += 0.01
    figures["end_to_end"]["round_p50_ns"] = [10.0, 10.1, 10.2]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(baseline))
    done = run(
        *("bench", artifacts / "mnist.float32.onnx", "--quick", "--num-runs", 30, "--min-secs", 0, "--json"),
        *("-o", tmp_path, "--baseline", old, "--max-slowdown", 1.2, "--max-accuracy-drop", 0.001),
    )
    assert done.returncode == 3
    assert "mnist.float32.onnx (onnxruntime) is" in done.stderr
    assert "lost 1.00 points of accuracy, more than 0.1" in done.stderr
    assert json.loads(done.stdout) == read_document(tmp_path / "bench.json")


@pytest.mark.slow
def test_a_damaged_model_fails_its_row_and_the_others_go_on(artifacts, tmp_path):
    for name in ("mnist.float32.onnx", "mnist.int8.tflite"):
        shutil.copy(artifacts / name, tmp_path)
    (tmp_path / "mnist.int8.tflite").write_bytes((artifacts / "mnist.int8.tflite").read_bytes()[:5000])
    done = run("bench", "--artifacts", tmp_path, "--quick", "--num-runs", 30, "--min-secs", 0)
    assert done.returncode == 1
    assert "error: 1 of 2 rows failed; received mnist.int8.tflite (litert) failed: " in done.stderr
    report = read_document(tmp_path / "bench.json")
    assert row(report, "mnist.int8.tflite")["status"] == "failed"
    assert row(report, "mnist.float32.onnx")["status"] == "measured"
    assert any("Agreement with Keras is not known" in note for note in report["notes"])


def test_a_benchmark_of_nothing_but_a_broken_file_fails(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    done = run("bench", tmp_path / "broken.onnx", "--quick", "-o", tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("error: 1 of 1 rows failed") == 1
    assert "Traceback" not in done.stderr


def test_loadgen_is_refused_with_the_study_that_took_its_place(artifacts, tmp_path):
    done = run("bench", "--artifacts", artifacts, "--loadgen", "--output", tmp_path)
    assert done.returncode == 1
    assert "edgemnist.benchmarks.studies.speed.loadgen_cross_check" in done.stderr
    assert not list(tmp_path.iterdir())


def test_env_names_engines_and_the_pip_line_of_each_missing_extra():
    done = run("env", without=ABSENT)
    assert done.returncode == 0, done.stderr
    assert "engine onnxruntime: found" in done.stdout
    assert "engine keras: missing" in done.stdout
    assert "pip install 'edgemnist[export]'" in done.stdout
    assert "pip install 'edgemnist[bench]'" in done.stdout


def test_env_as_json_is_one_document():
    environment = json.loads(run("env", "--json").stdout)
    assert environment["engines"] == dict.fromkeys(ENGINES, True)
    assert environment["missing_extras"] == {}
    assert environment["machine"]["versions"]["edgemnist"]
