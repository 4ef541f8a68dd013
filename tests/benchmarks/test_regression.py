"""Comparisons with an earlier benchmark, and the gate for CI."""

import copy
import json

import numpy as np
import pytest

from edgemnist.benchmarks.regression import (
    Gate,
    Limits,
    Scope,
    added_rows,
    changed_versions,
    find_changes,
    open_gate,
    require_same_machine,
    verdict,
)
from edgemnist.benchmarks.regression import changes as gates
from edgemnist.benchmarks.report.compact_arrays import decode_array, encode_array
from edgemnist.benchmarks.runner.plan import Plan
from edgemnist.runtime.errors import ArtifactError, MissingExtraError, OptionError, ProofError


@pytest.fixture
def new(synthetic):
    """The document of a benchmark, cut down to the sleeping engine."""
    document = json.loads(json.dumps(synthetic.document()))
    document["rows"] = [row for row in document["rows"] if row["engine"] == "sleep"]
    set_speed(document, 2.1)
    return document


@pytest.fixture
def old(new):
    return copy.deepcopy(new)


def set_speed(document, millis, spread=0.01):
    figures = document["rows"][0]["figures"]["end_to_end"]
    figures["p50_ns"] = millis * 1e6
    figures["round_p50_ns"] = [millis * 1e6 * factor for factor in (1 - spread, 1, 1 + spread)]


def lose_accuracy(document, images):
    """Make the first `images` right labels wrong."""
    row = document["rows"][0]
    labels, predicted = decode_array(document["labels"]), decode_array(row["predicted"])
    right = np.flatnonzero(predicted == labels)[:images]
    predicted[right] = (predicted[right] + 1) % 3
    row["predicted"] = encode_array(predicted)
    row["figures"]["accuracy"]["accuracy"] = float((predicted == labels).mean())


def check(old, new, max_slowdown=1.2, max_accuracy_drop=0.001):
    return Gate(old, Limits(max_slowdown, max_accuracy_drop)).check(new)


def test_the_same_benchmark_passes_and_says_what_was_compared(old, new):
    (line,) = check(old, new)
    assert "model.sleep (sleep): p50 1.00 (" in line
    assert "within the limits" in line


def test_a_certain_slowdown_breaks_the_gate_and_names_the_row(old, new):
    set_speed(new, 3)
    with pytest.raises(
        ProofError, match=r"model\.sleep \(sleep\) is 1\.43 \(.*\) times as slow.*more than 1\.2"
    ):
        check(old, new)


def test_a_slowdown_within_the_noise_passes(old, new):
    set_speed(new, 3, spread=0.3)
    assert check(old, new)


def test_a_slowdown_below_the_limit_passes_however_certain(old, new):
    set_speed(new, 2.3)
    assert check(old, new)


def test_a_slowdown_without_an_interval_is_judged_by_its_value(old, new):
    for document, millis in ((old, 2.0), (new, 3.0)):
        document["rows"][0]["figures"]["end_to_end"]["round_p50_ns"] = [millis * 1e6]
    with pytest.raises(ProofError, match="no interval"):
        check(old, new)


def test_lost_accuracy_breaks_the_gate(old, new):
    lose_accuracy(new, 2)
    with pytest.raises(ProofError, match=r"lost 5\.00 points of accuracy, more than 0\.1"):
        check(old, new)


def set_right(document, right, images):
    row = document["rows"][0]
    row["figures"]["accuracy"]["accuracy"] = right / images
    row["predicted"]["count"] = images
    document["images_sha256"] = f"{id(document):064x}"  # no image is paired


@pytest.mark.parametrize(
    ("images", "limit", "dropped"),
    [(10_000, 0.001, 10), (10_000, 0.0015, 15), (9_999, 0.001, 9), (36, 1 / 36, 1), (7, 0.3, 2), (7, 0.0, 0)],
)
def test_a_drop_of_exactly_the_limit_passes_and_one_image_more_does_not(old, new, images, limit, dropped):
    for before in range(dropped + 1, images + 1, 1 + images // 500):
        set_right(old, before, images)
        set_right(new, before - dropped, images)
        assert check(old, new, max_accuracy_drop=limit)
        set_right(new, before - dropped - 1, images)
        with pytest.raises(ProofError, match="points of accuracy, more than"):
            check(old, new, max_accuracy_drop=limit)


def test_shares_of_test_sets_of_different_sizes_are_compared_exactly(old, new):
    set_right(old, 6, 7)
    set_right(new, 6 * 36 - 7, 7 * 36)  # 1/36 less
    assert check(old, new, max_accuracy_drop=1 / 36)
    set_right(new, 6 * 36 - 8, 7 * 36)
    with pytest.raises(ProofError):
        check(old, new, max_accuracy_drop=1 / 36)


def test_only_given_limits_count(old, new):
    lose_accuracy(new, 2)
    assert check(old, new, max_accuracy_drop=None)
    set_speed(new, 9)
    with pytest.raises(ProofError):
        check(old, new, max_accuracy_drop=None)
    assert check(old, new, max_slowdown=None, max_accuracy_drop=0.9)


def test_a_row_that_has_no_figures_now_breaks_the_gate(old, new):
    new["rows"][0] |= {"status": "skipped", "reason": "the engine is missing", "figures": None}
    with pytest.raises(
        ProofError, match=r"in the baseline, but model\.sleep \(sleep\) is now skipped: the engine is missing"
    ):
        check(old, new)


def test_a_row_that_is_gone_breaks_the_gate(old, new):
    new["rows"] = []
    with pytest.raises(ProofError, match="is now missing"):
        check(old, new)


def test_accuracy_changes_have_a_paired_interval_on_the_same_images_only(old, new):
    lose_accuracy(new, 4)
    (change,) = find_changes(old, new)
    low, high = change.accuracy_interval
    assert change.accuracy_difference == pytest.approx(-0.1)
    assert low < change.accuracy_difference < high < 0
    assert change.mcnemar_p == pytest.approx(0.125)
    old["images_sha256"] = "0" * 64
    (change,) = find_changes(old, new)
    assert change.accuracy_interval is None


def test_changes_in_words(old, new):
    sentence = verdict(find_changes(old, new)[0])
    assert sentence.startswith(
        "model.sleep (sleep): the same file; no measurable difference in speed, p50 1.00 ("
    )
    assert sentence.endswith("times the old one; accuracy +0.00 points (-8.81 to +8.81).")
    set_speed(new, 4)
    new["rows"][0]["sha256"] = "f" * 64
    assert ": another file; slower, its p50 1.90 (" in verdict(find_changes(old, new)[0])
    set_speed(new, 1)
    assert "; faster, its p50 0.48 (" in verdict(find_changes(old, new)[0])


def test_new_rows_and_changed_versions_are_listed(old, new):
    old["rows"] = []
    old["machine"]["versions"]["numpy"] = "1.0"
    del new["machine"]["versions"]["onnxruntime"]
    assert added_rows(old, new) == ("model.sleep (sleep)",)
    versions = changed_versions(old, new)
    assert any(line.startswith("numpy 1.0 to ") for line in versions)
    assert any(line.endswith(" to absent") for line in versions)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [("machine", "cpu", "another CPU"), ("machine", "cores", 64), ("plan", "num_threads", 4)],
)
def test_another_machine_is_refused_unless_forced(old, new, part, field, value):
    old[part][field] = value
    with pytest.raises(ArtifactError, match=r"different machines.*--force"):
        require_same_machine(old, new, force=False)
    require_same_machine(old, new, force=True)


@pytest.mark.parametrize(
    ("path", "limits", "message"),
    [
        (None, (1.2, None), "a limit without a baseline"),
        ("bench.json", (None, None), "a baseline without a limit"),
        ("bench.json", (0.9, None), "max_slowdown is too small"),
        ("bench.json", (None, 2.0), "max_accuracy_drop is no share"),
    ],
)
def test_options_that_make_no_gate_are_refused_before_measuring(tmp_path, path, limits, message):
    with pytest.raises(OptionError, match=message):
        open_gate(path and tmp_path / path, *limits, Plan())


def test_no_options_make_no_gate():
    assert open_gate(None, None, None, Plan()) is None


def test_a_gate_needs_scipy(new, tmp_path, monkeypatch):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(new))
    monkeypatch.setattr(gates, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"edgemnist\[bench\]"):
        open_gate(path, 1.2, None, Plan())


def test_a_baseline_from_this_machine_opens(new, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(new))
    assert open_gate(path, 1.2, 0.001, Plan()).baseline == new


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        (Scope(), ["a.onnx", "b.tflite", "m.keras"]),
        (Scope(files=("a.onnx",)), ["a.onnx"]),
        (Scope(engines=("litert",)), ["b.tflite"]),
        (Scope(keras=False), ["a.onnx", "b.tflite"]),
    ],
)
def test_rows_that_were_left_out_on_purpose_are_not_missed(new, tmp_path, scope, kept):
    pairs = (("a.onnx", "onnxruntime"), ("b.tflite", "litert"), ("m.keras", "keras"))
    new["rows"] = [new["rows"][0] | {"file": file, "engine": engine} for file, engine in pairs]
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(new))
    gate = open_gate(path, 1.2, None, Plan(), scope=scope)
    assert [row["file"] for row in gate.baseline["rows"]] == kept
