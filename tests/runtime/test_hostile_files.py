"""A sample of the study that damages artifacts thousands of times: benchmarks/studies/hostile_files.py."""

import json
from pathlib import Path

import pytest

from edgemnist.benchmarks.studies.hostile_files import fates, logged_fates
from edgemnist.benchmarks.studies.mutations import KINDS, mutant

FILES = ("mnist.float32.onnx", "mnist.float32.tflite", "mnist.int8.tflite")
SAMPLE = range(2 * len(KINDS))


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_errors_or_predictions(artifacts: Path, name: str):
    found = list(fates(artifacts / name, SAMPLE))
    assert [fate.seed for fate in found] == list(SAMPLE)
    assert [fate for fate in found if not fate.allowed] == []


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
