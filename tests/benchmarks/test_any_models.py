"""Benchmarks of models of any kind: what is computed, written and shown of each."""

import copy
import json
import re
from functools import cache
from importlib import resources

import jsonschema
import numpy as np
import pytest

from edgemnist.benchmarks.emulation.expected import Expected
from edgemnist.benchmarks.regression import Gate, Limits, find_changes, open_gate, verdict
from edgemnist.benchmarks.report import markdown
from edgemnist.benchmarks.report.compact_arrays import decode_array
from edgemnist.benchmarks.report.document import read_document, write_document
from edgemnist.benchmarks.report.page import html
from edgemnist.benchmarks.runner.plan import Plan
from edgemnist.data.datasets import Split
from edgemnist.runtime.errors import OptionError, ProofError
from edgemnist.runtime.signature import OutputSpec
from edgemnist.runtime.tensors import TensorSpec

from .any_models import benchmark_of, classifier, features, probabilities, regression
from .test_reports import Balance, printed

COUNT = 40
LONG = "a class whose name is far longer than any label in a picture has ever been"


def flipped_some(reference):
    """Return outputs that name another class for the first five inputs."""
    outputs = reference.copy()
    outputs[:5] = outputs[:5, ::-1] if outputs.shape[1] > 1 else 1 - outputs[:5]
    return outputs


def of_classes(names, shape, *, kind="features", labelled=True):
    reference = probabilities(COUNT, len(names))
    reference = reference[:, 1:] if len(names) == 2 else reference
    inputs = features(COUNT, *shape)
    if kind == "image":
        inputs = np.random.default_rng(3).integers(0, 256, (COUNT, *shape)).astype(np.uint8)
    labels = np.random.default_rng(4).integers(0, len(names), COUNT).astype(np.int32)
    split = Split(inputs, labels if labelled else None, "mine.npz", class_names=names)
    outputs = {"net.float32.tflite": reference, "net.int8.tflite": flipped_some(reference)}
    return benchmark_of(classifier(shape, names, kind), split, outputs, reference)


def of_values(shape, out, *, targets=True):
    reference = features(COUNT, *out) * 3
    outputs = {"net.float32.tflite": reference, "net.int8.tflite": reference + 0.01 * features(COUNT, *out)}
    split = Split(features(COUNT, *shape), None, "mine.csv", targets=reference + 0.1 if targets else None)
    return benchmark_of(regression(shape, out), split, outputs, reference)


KINDS: dict = {
    "colour": lambda: of_classes(("cat", LONG, "<b>dog</b>"), (16, 12, 3), kind="image"),
    "one channel": lambda: of_classes(("0", "1", "2"), (8, 9, 1), kind="image"),
    "table": lambda: of_classes(("red", "white", "rosé"), (13,)),
    "window": lambda: of_classes(("rest", "walk", "run"), (128, 3)),
    "sigmoid": lambda: of_classes(("no", "yes"), (13,)),
    "many": lambda: of_classes(tuple(f"{LONG} {number}" for number in range(300)), (20,)),
    "no labels": lambda: of_classes(("a", "b", "c"), (13,), labelled=False),
    "value": lambda: of_values((13,), (1,)),
    "values": lambda: of_values((49, 10), (8, 4), targets=False),
}


@cache
def benchmark_for(kind):
    return KINDS[kind]()


@cache
def page_for(kind):
    return html.render(benchmark_for(kind))


every_kind = pytest.mark.parametrize("kind", KINDS)


def metrics(kind):
    return [row.metrics for row in benchmark_for(kind).results.rows]


@every_kind
def test_the_document_of_every_kind_keeps_the_schema_and_names_the_signature(kind, tmp_path):
    benchmark = benchmark_for(kind)
    document = benchmark.document()
    text = resources.files("edgemnist.benchmarks.report").joinpath("bench.schema.json").read_text()
    jsonschema.Draft202012Validator(json.loads(text)).validate(document)
    write_document(tmp_path / "bench.json", document)
    assert read_document(tmp_path / "bench.json") == document
    signature = benchmark.results.signature
    assert document["signature"]["input"]["shape"] == list(signature.input.shape)
    assert document["signature"]["output"]["labels"] == list(signature.output.labels)
    assert document["data"] == benchmark.split.source


@every_kind
@pytest.mark.parametrize("width", [80, 150])
def test_every_kind_fits_the_terminal(kind, width):
    text = printed(benchmark_for(kind), width)
    assert max(map(len, text.splitlines())) <= width
    assert "None" not in text
    assert "nan" not in text


@every_kind
def test_every_kind_has_a_page_that_nests_and_needs_no_network(kind):
    page, parser = page_for(kind), Balance()
    parser.feed(page)
    assert parser.open == []
    assert all(source.startswith(("#", "data:")) for source in parser.sources)
    assert "None" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)


@every_kind
def test_a_benchmark_compared_with_itself_has_not_changed(kind):
    document = benchmark_for(kind).document()
    for change in find_changes(document, document):
        assert change.slowdown.value == pytest.approx(1)
        assert change.accuracy_difference in (0, None)
        assert "no measurable difference in speed" in verdict(change)


def test_classes_are_scored_against_labels_and_the_reference():
    first, second = metrics("table")
    split = benchmark_for("table").split
    outputs = benchmark_for("table").collection.measurements[1].outputs
    assert first.parity.agreement == 1
    assert second.accuracy.accuracy == (outputs.argmax(axis=1) == split.labels).mean()
    assert 0 < len(second.parity.flipped) <= 5
    assert second.r2 is None


def test_one_sigmoid_tells_two_classes_apart():
    benchmark = benchmark_for("sigmoid")
    outputs = benchmark.collection.measurements[1].outputs
    second = metrics("sigmoid")[1]
    assert second.accuracy.accuracy == ((outputs[:, 0] > 0.5) == benchmark.split.labels).mean()
    assert np.array(second.accuracy.confusion).shape == (2, 2)
    assert decode_array(benchmark.document()["rows"][1]["predicted"]).max() == 1
    assert second.parity.flipped == (0, 1, 2, 3, 4)


def test_without_labels_there_is_parity_and_no_accuracy():
    benchmark = benchmark_for("no labels")
    document, page = benchmark.document(), page_for("no labels")
    assert document["labels"] is None
    assert document["rows"][1]["figures"]["accuracy"] is None
    assert document["rows"][1]["predicted"]["count"] == COUNT
    assert any("no accuracy" in note for note in document["notes"])
    assert "agreement" in printed(benchmark, 150)
    assert "accuracy  " not in printed(benchmark, 150)
    assert "Confusion" not in page
    assert "another label on" in benchmark.verdicts[-1]
    assert "Flipped inputs" in page


def test_values_have_errors_relative_to_their_range_and_no_classes():
    benchmark = benchmark_for("value")
    first, second = metrics("value")
    parity, document = second.parity, benchmark.document()
    assert first.r2 == pytest.approx(first.parity.r2)
    assert first.r2 < 1
    assert second.accuracy is None
    assert parity.agreement is None
    assert document["rows"][1]["predicted"] is None
    text = printed(benchmark, 150)
    assert "R²" in text
    assert f"{100 * parity.max_abs_difference / parity.output_range:.2g} %" in text
    assert "agreement" not in text.split("What it means")[0]
    assert "of their range" in benchmark.verdicts[-1]
    page = page_for("value")
    assert "Where values differ most" in page
    assert not re.search("Confusion|Misclassified|Flipped|Reliability", page)


def test_without_targets_values_have_no_r2():
    assert "R²" not in printed(benchmark_for("values"), 150)
    assert metrics("values")[1].r2 is None


def test_where_values_differ_most_the_page_shows_both_numbers_and_the_target():
    benchmark = benchmark_for("value")
    own, wanted = (benchmark.collection.measurements[1].outputs, benchmark.reference.outputs)
    worst = int(np.abs(own - wanted).argmax())
    page = page_for("value")
    cards = page[page.index("Where values differ most") :]
    assert cards.index(f"no. {worst}<") == cards.index("no. ")
    for name, number in (("Keras", wanted), ("model", own), ("target", benchmark.split.targets)):
        assert f"{name}: {number[worst, 0]:.4g}<" in cards


def test_of_many_values_the_one_that_differs_most_is_shown_with_its_place():
    benchmark = benchmark_for("values")
    own, wanted = (benchmark.collection.measurements[1].outputs, benchmark.reference.outputs)
    worst = np.unravel_index(np.abs(own - wanted).argmax(), own.shape)
    place = ", ".join(map(str, worst[1:]))
    assert f"Keras [{place}]: {wanted[worst]:.4g}<" in page_for("values")


def test_a_misclassified_row_of_a_table_is_a_table_of_its_features():
    benchmark = benchmark_for("table")
    page = page_for("table")
    cards = page[page.index("Misclassified inputs") :]
    assert 'class="numbers"' in cards
    index = int(re.search(r"no\. (\d+)", cards)[1])
    for place, number in enumerate(benchmark.split.inputs[index]):
        assert f"<th>{place}</th><td>{number:.4g}</td>" in cards
    assert "data:image" not in cards


def test_a_misclassified_window_is_a_curve_for_each_axis():
    page = page_for("window")
    card = re.search(r'<svg class="curve".*?</svg>', page[page.index("Misclassified inputs") :])[0]
    assert card.count("<polyline") == 3


@pytest.mark.parametrize("kind", ["colour", "one channel"])
def test_a_misclassified_image_is_a_picture(kind):
    page = page_for(kind)
    cards = page[page.index("Misclassified images") :]
    assert 'alt="test image' in cards
    assert 'class="numbers"' not in cards


def test_class_names_are_shown_and_those_of_a_stranger_are_escaped():
    page = page_for("colour")
    assert LONG in page
    assert "&lt;b&gt;dog&lt;/b&gt;" in page
    assert "<b>dog" not in page


def test_a_file_that_calls_itself_a_script_is_linked_as_a_file(tmp_path):
    path = tmp_path / 'javascript:alert(1)"%.onnx'
    path.write_bytes(b"")
    split = Split(features(COUNT, 13))
    benchmark = benchmark_of(regression((13,), (1,)), split, {str(path): features(COUNT, 1)})
    page = html.render(benchmark, folder=tmp_path)
    assert 'href="./javascript%3Aalert%281%29%22%25.onnx"' in page
    assert 'href="javascript' not in page


def test_of_many_classes_the_page_lists_the_most_frequent_mistakes():
    page = page_for("many")
    assert 'class="confusion' not in page
    section = page[page.index("<h2>Confusion") : page.index("<h2>Misclassified")]
    assert "are wrong" in section
    assert section.count("<tr>") <= 2 * 21
    assert len(page) < 3_000_000


def test_the_document_leaves_out_a_confusion_that_predictions_and_labels_have_too():
    document = benchmark_for("many").document()
    assert document["rows"][0]["figures"]["accuracy"]["confusion"] == []
    assert len(benchmark_for("table").document()["rows"][0]["figures"]["accuracy"]["confusion"]) == 3


@every_kind
def test_markdown_says_what_the_inputs_are(kind):
    text = markdown.render(benchmark_for(kind))
    noun = "images" if benchmark_for(kind).split.kind == "image" else "inputs"
    assert f"{COUNT} {noun} of mine." in text
    assert f"## {noun.capitalize()} per second" in text


def reading(raw, output, spec):
    """Return the classes that a device's raw output bytes name."""
    nothing = np.zeros((len(raw), 1), np.uint8)
    return Expected(nothing, raw, None, tested=True, output=output, spec=spec).predicted(raw)


def test_classes_are_read_off_a_devices_raw_output():
    output = TensorSpec("probabilities", "int8", (1, 3), 1 / 256, -128)
    raw = np.array([[-128, 127, -100], [5, 5, 4]], np.int8).view(np.uint8)
    classes = OutputSpec("classes", (3,), ("a", "b", "c"))
    assert reading(raw, output, classes).tolist() == [1, 0]
    assert reading(raw, output, None) is None
    assert reading(raw, output, OutputSpec("values", (3,), (), "none")) is None


def test_a_devices_single_sigmoid_is_read_by_its_scale():
    output = TensorSpec("probabilities", "int8", (1, 1), 1 / 256, -128)
    raw = np.array([[-1], [1]], np.int8).view(np.uint8)
    assert reading(raw, output, OutputSpec("classes", (1,), ("no", "yes"), "sigmoid")).tolist() == [0, 1]


def test_lost_r2_breaks_the_gate_like_lost_accuracy():
    old = benchmark_for("value").document()
    new = copy.deepcopy(old)
    new["rows"][1]["figures"]["r2"] -= 0.01
    gate = Gate(old, Limits(None, 0.02))
    assert any("R² -0.0100: within the limits" in line for line in gate.check(new))
    with pytest.raises(ProofError, match=r"net\.int8\.tflite \(litert\) lost 0\.0100 of R², more"):
        Gate(old, Limits(None, 0.005)).check(new)


def test_a_limit_of_accuracy_that_the_baseline_does_not_have_is_refused(tmp_path):
    path = tmp_path / "bench.json"
    write_document(path, benchmark_for("no labels").document())
    with pytest.raises(OptionError, match="measured without labels or targets"):
        open_gate(path, None, 0.001, Plan())
    assert open_gate(path, 1.2, None, Plan()) is not None
