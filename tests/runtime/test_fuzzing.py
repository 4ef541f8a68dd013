"""A short run of the study that damages files thousands of times: studies/robustness/fuzzing.py."""

import json
import zipfile
from pathlib import Path
from random import Random

import msgspec
import pytest

from edgemnist.benchmarks.studies.robustness import fuzzing
from edgemnist.benchmarks.studies.robustness.damage import damaged
from edgemnist.benchmarks.studies.robustness.trials import (
    CONTAINED,
    CRASHED,
    HUNG,
    PREDICTED,
    Fate,
    run_forked,
    try_model,
)
from edgemnist.runtime import EdgeMnistError, Probe, load_predictor
from edgemnist.runtime.engines.registry import EngineOptions, read_model_file
from edgemnist.runtime.isolation import probe as probing

LIGHT = tuple(name for name in fuzzing.MODELS if name != "keras")
CASES = 24


@pytest.fixture
def needs_atheris() -> None:
    pytest.importorskip("atheris", reason="atheris is not installed (dependency group fuzz)")


@pytest.mark.slow
@pytest.mark.usefixtures("needs_atheris")
@pytest.mark.parametrize("name", [*LIGHT, *fuzzing.PICTURES])
def test_damaged_files_are_errors_or_predictions(artifacts: Path, tmp_path: Path, name: str):
    found = fuzzing.fates(name, CASES, artifacts, tmp_path)
    assert [fate.case for fate in found] == list(range(CASES))
    assert [fate for fate in found if not fate.allowed] == []
    assert {fate.outcome for fate in found} & {"ArtifactError", "InputError", "OptionError", CONTAINED}
    if name in fuzzing.PICTURES:
        assert (
            max(fate.peak_mb for fate in found) - found[0].resident_mb < 600
        )  # 30 million pixels are allowed


@pytest.mark.slow
@pytest.mark.usefixtures("needs_atheris")
def test_an_interrupted_run_goes_on_where_it_ended(artifacts: Path, tmp_path: Path):
    first = fuzzing.fates("int8.c", 2, artifacts, tmp_path)
    both = fuzzing.fates("int8.c", 3, artifacts, tmp_path)
    assert both[:2] == first
    logged = (tmp_path / "int8.c.jsonl").read_text().splitlines()
    assert [json.loads(line)["case"] for line in logged] == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.usefixtures("needs_atheris")
@pytest.mark.parametrize(("deed", "outcome"), [("os.abort()", CRASHED), ("time.sleep(60)", HUNG)])
def test_a_crash_or_a_hang_is_the_fate_of_the_case_that_caused_it(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, outcome: str
):
    monkeypatch.setattr(fuzzing, "_LONGEST_SECS", 5)
    crashing = tmp_path / "sitecustomize.py"
    crashing.write_text(
        "import builtins, os, sys, time\n"
        "real = builtins.print\n"
        "def printing(*texts, **options):\n"
        "    if texts and str(texts[0]).startswith('{\"case\": 3,'):\n"
        f"        {deed}\n"
        "    real(*texts, **options)\n"
        "if 'fuzz_target' in ' '.join(sys.orig_argv):\n"
        "    builtins.print = printing\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    log = tmp_path / "log"
    found = fuzzing.fates("int8.c", 6, artifacts, log)
    assert [fate.case for fate in found] == list(range(6))
    assert [fate.case for fate in found if fate.outcome == outcome] == [3]
    assert not next(fate for fate in found if fate.case == 3).allowed
    assert {path.name for path in log.iterdir()} == {"int8.c.jsonl", "int8.c-3.c"}


def test_without_atheris_the_study_says_what_to_install(artifacts: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(fuzzing, "find_spec", lambda _name: None)
    with pytest.raises(EdgeMnistError, match="pip install atheris"):
        fuzzing.fates("int8.tflite", CASES, artifacts, tmp_path)


def test_an_unknown_format_lists_the_known_ones(artifacts: Path, tmp_path: Path):
    pytest.importorskip("atheris", reason="atheris is not installed (dependency group fuzz)")
    with pytest.raises(EdgeMnistError, match=r"'int4\.onnx'; expected one of keras, float32\.tflite"):
        fuzzing.fates("int4.onnx", CASES, artifacts, tmp_path)


def test_another_exception_than_ours_is_not_allowed():
    assert Fate(0, PREDICTED).allowed
    assert Fate(0, "IntegrityError").allowed
    assert not any(
        Fate(0, outcome).allowed for outcome in ("ValueError", CRASHED, "hung", "(1, 3), finite False")
    )


@pytest.mark.parametrize(("name", "kind"), [("mnist.keras", "keras"), ("page.png", "png")])
def test_damage_inside_an_archive_keeps_its_checksums_right(
    artifacts: Path, tmp_path: Path, name: str, kind: str
):
    path = artifacts / name if kind == "keras" else fuzzing._seed_file("png", artifacts, tmp_path)
    content = path.read_bytes()
    right = 0
    for seed in range(40):
        found = damaged(content, path.suffix, Random(seed), lambda part: bytes(byte ^ 1 for byte in part))
        assert found != content
        target = tmp_path / f"damaged{path.suffix}"
        target.write_bytes(found)
        right += _checksums_hold(target)
    assert 20 <= right < 40


def _checksums_hold(path: Path) -> bool:
    if path.suffix == ".keras":
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        except zipfile.BadZipFile:
            return False
    from PIL import PngImagePlugin

    with path.open("rb") as file:
        file.seek(8)
        stream = PngImagePlugin.ChunkStream(file)
        try:
            while True:
                kind, _position, length = stream.read()
                content = file.read(length)
                stream.crc(kind, content)
                if kind == b"IEND":
                    return True
        except SyntaxError:
            return False


@pytest.mark.parametrize("name", ["mnist.float32.onnx", "mnist.int8.tflite"])
def test_a_forked_probe_judges_as_a_process_of_its_own_does(
    artifacts: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    content, path = (artifacts / name).read_bytes(), tmp_path / f"case{Path(name).suffix}"
    judged = []
    for run_child in (probing.run_child, run_forked):
        monkeypatch.setattr(probing, "_survivors", set())
        monkeypatch.setattr(probing, "run_child", run_child)
        found = []
        for seed in range(6):
            path.write_bytes(damaged(content, path.suffix, Random(seed), lambda part: bytes(len(part))))
            fate = try_model(seed, path)
            found.append((fate.outcome, fate.message))
        judged.append(found)
    assert judged[0] == judged[1]


def test_a_forked_probe_that_takes_too_long_is_ended(artifacts: Path):
    source = read_model_file(artifacts / "mnist.int8.tflite", "litert", EngineOptions())
    limits = Probe()
    msgspec.structs.force_setattr(limits, "cpu_seconds", 0)  # no time on the clock
    assert run_forked(source, limits) is None
    assert run_forked(source, Probe()).returncode == 0


def test_the_undamaged_file_of_each_picture_format_is_read_as_its_digit(artifacts: Path, tmp_path: Path):
    with load_predictor(artifacts / "mnist.float32.onnx") as predictor:
        for name in fuzzing.PICTURES:
            page = fuzzing._seed_file(name, artifacts, tmp_path)
            assert predictor.predict(page.read_bytes())[0].label == "7"
