"""A sample of the study that damages artifacts thousands of times: benchmarks/studies/hostile_files.py."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.benchmarks.studies.hostile_files import fates, logged_fates
from edgemnist.benchmarks.studies.mutations import KINDS, PICTURE_SUFFIXES, mutant
from edgemnist.benchmarks.studies.trials import try_mutation
from edgemnist.benchmarks.studies.warm_probes import WarmProbes
from edgemnist.runtime import Probe, probing
from edgemnist.runtime.engines import EngineOptions
from edgemnist.runtime.source import read_source

PICTURE_SAMPLE = range(20 * len(KINDS))

FILES = ("mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite")
SAMPLE = range(2 * len(KINDS))


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_errors_or_predictions(artifacts: Path, name: str):
    found = list(fates(artifacts / name, SAMPLE))
    assert [fate.seed for fate in found] == list(SAMPLE)
    assert [fate for fate in found if not fate.allowed] == []


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_damaged_pictures_and_bombs_are_errors_or_predictions_and_take_little_memory(
    artifacts: Path, tmp_path: Path, digit, suffix: str
):
    path = tmp_path / f"digit{suffix}"
    page = np.full((300, 400), 235, np.uint8)
    page[10:290, 60:340] -= (np.kron(digit, np.ones((10, 10), np.uint8)) * 0.8).astype(np.uint8)
    Image.fromarray(page).save(path)
    found = list(fates(path, PICTURE_SAMPLE, artifacts))
    assert [fate.seed for fate in found] == list(PICTURE_SAMPLE)
    assert [fate for fate in found if not fate.allowed] == []
    assert {fate.outcome for fate in found} == {"predicted", "InputError"}
    assert max(fate.peak_mb for fate in found) - found[0].resident_mb < 600  # 30 million pixels are allowed


@pytest.mark.parametrize("name", FILES)
def test_a_mutations_number_names_its_bytes(artifacts: Path, name: str):
    content = (artifacts / name).read_bytes()
    for seed in SAMPLE:
        first, second = mutant(content, Path(name).suffix, seed), mutant(content, Path(name).suffix, seed)
        assert (first.kind, first.suffix, first.content) == (second.kind, second.suffix, second.content)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_damage_happens(artifacts: Path, kind: str):
    content = (artifacts / "mnist.int8.tflite").read_bytes()
    made = [mutant(content, ".tflite", seed) for seed in SAMPLE]
    assert any(one.kind == kind and (one.content != content or one.suffix != ".tflite") for one in made)


def test_an_interrupted_run_goes_on_where_it_ended(artifacts: Path, tmp_path: Path):
    path, log = artifacts / "mnist.float32.onnx", tmp_path / "log.jsonl"
    first = list(logged_fates(path, range(2), log))
    both = list(logged_fates(path, range(3), log))
    assert both[:2] == first
    assert [json.loads(line)["seed"] for line in log.read_text().splitlines()] == [0, 1, 2]


@pytest.mark.parametrize("name", FILES)
def test_a_forked_probe_judges_as_a_process_of_its_own_does(
    artifacts: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    content, suffix = (artifacts / name).read_bytes(), Path(name).suffix
    judged = []
    with WarmProbes() as probes:
        for way in (None, probes):
            monkeypatch.setattr(probing, "_survivors", set())
            found = [try_mutation(content, suffix, seed, tmp_path, way) for seed in range(1, 1 + len(KINDS))]
            judged.append([replace(fate, seconds=0, resident_mb=0, peak_mb=0) for fate in found])
    assert judged[0] == judged[1]


def test_a_forked_probe_that_takes_too_long_is_ended(artifacts: Path):
    source = read_source(artifacts / "mnist.int8.tflite", "litert", EngineOptions())
    with WarmProbes() as probes:
        limits = Probe()
        object.__setattr__(limits, "cpu_seconds", 0)  # no time on the clock
        assert probes.run_child(source, limits) is None
        assert probes.run_child(source, Probe()).returncode == 0
