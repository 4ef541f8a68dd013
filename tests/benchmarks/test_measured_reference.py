"""The reference of a benchmark whose folder has none."""

from edgemnist.benchmarks.runner.benchmark import measured_reference


def test_without_a_keras_row_there_is_no_measured_reference(synthetic):
    assert measured_reference(synthetic.collection) is None
    assert synthetic.results.reference == ""
