"""bench.json keeps its schema, and what does not is refused."""

import json
from importlib import resources

import jsonschema
import numpy as np
import pytest

from edgemnist.benchmarks.regression import find_changes
from edgemnist.benchmarks.report.compact_arrays import decode_array
from edgemnist.benchmarks.report.document import REPORT, read_document, write_document
from edgemnist.runtime.artifact.documents import schema
from edgemnist.runtime.errors import ArtifactError, ArtifactNotFoundError

SCHEMA = json.loads(resources.files("edgemnist.benchmarks.report").joinpath("bench.schema.json").read_text())


@pytest.fixture
def document(synthetic):
    return json.loads(json.dumps(synthetic.document()))


def test_the_schema_is_one_and_the_document_keeps_it_by_an_independent_validator(document):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_the_schema_file_is_the_one_that_is_generated_from_the_type():
    text = resources.files("edgemnist.benchmarks.report").joinpath("bench.schema.json").read_text()
    assert text == schema(REPORT), "write it anew: schema(REPORT)"


def test_a_document_is_read_back_as_it_was_written(document, tmp_path):
    path = tmp_path / "bench.json"
    write_document(path, document)
    assert read_document(path) == document


def test_figures_can_be_computed_again_from_the_raw_samples(document):
    for row in document["rows"]:
        if row["status"] == "measured":
            samples = [decode_array(one["samples_ns"]["latency"]) for one in row["rounds"]]
            assert np.median(np.concatenate(samples)) == row["figures"]["end_to_end"]["p50_ns"]
            assert len(decode_array(row["rounds"][0]["samples_ns"]["warmup"])) == 5


def test_accuracy_can_be_computed_again_from_the_predicted_labels(document):
    labels = decode_array(document["labels"])
    row = next(row for row in document["rows"] if row["status"] == "measured")
    assert (decode_array(row["predicted"]) == labels).mean() == row["figures"]["accuracy"]["accuracy"]


def test_failed_rows_have_a_reason_and_no_figures(document):
    failed = [row for row in document["rows"] if row["status"] == "failed"]
    assert len(failed) == 4
    assert all(
        row["reason"] and row["figures"] is None and row["rounds"] == []
        for row in failed
        if row["engine"] != "nan"
    )


def test_a_report_of_an_older_version_with_more_figures_is_read_and_compared(document, tmp_path):
    older = json.loads(json.dumps(document))
    older["plan"]["loadgen_secs"] = 0.0
    for row in older["rows"]:
        if row["figures"]:
            row["figures"] |= {"disturbed": row["figures"]["paused"], "drift": [1.0, 1.1], "loadgen": None}
            row["rounds"][0]["samples_ns"]["disturbed"] = row["rounds"][0]["samples_ns"]["paused"]
    path = tmp_path / "bench.json"
    write_document(path, older)
    changes = find_changes(read_document(path), document)
    assert len(changes) == sum(row["status"] == "measured" for row in document["rows"])
    assert all(change.slowdown.value == pytest.approx(1) for change in changes)


def test_a_missing_report_says_what_writes_one(tmp_path):
    with pytest.raises(ArtifactNotFoundError, match="edgemnist bench"):
        read_document(tmp_path / "bench.json")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}', '"text"'])
def test_a_file_that_is_no_report_is_refused(tmp_path, text):
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"bench\.json"):
        read_document(path)


def test_a_report_of_a_newer_version_asks_for_an_upgrade(document, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(document | {"schema_version": 2}))
    with pytest.raises(ArtifactError, match=r"newer edgemnist.*pip install --upgrade"):
        read_document(path)


def test_a_measured_row_without_figures_is_refused(document, tmp_path):
    document["rows"][0]["figures"] = None
    with pytest.raises(ArtifactError, match="not a benchmark report"):
        write_document(tmp_path / "bench.json", document)
    assert not (tmp_path / "bench.json").exists()
