"""mixed.tflite and other calibration methods, through the export itself."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from edgemnist.cli import app
from edgemnist.export.convert.activation_ranges import Calibrator
from edgemnist.export.convert.options import ExportOptions
from edgemnist.export.convert.registry import convert
from edgemnist.export.pipeline import export_all
from edgemnist.proof.formats import FORMATS, KNOWN_FORMATS, MIXED, find_format
from edgemnist.proof.inspect.structure import read_structure
from edgemnist.proof.layers.activations import of_tflite
from edgemnist.proof.verify import verify
from edgemnist.runtime import load_predictor
from edgemnist.runtime.errors import OptionError


def scales(content):
    return {layer.label: layer.scale for layer in of_tflite("x", content).layers}


def test_mixed_is_a_format_that_all_does_not_make():
    assert MIXED not in FORMATS
    assert find_format("mixed.tflite") is MIXED
    assert MIXED.calibrated


@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_another_calibration_method_makes_a_full_integer_file_of_the_same_model(
    source, quick_mnist, tmp_path, method
):
    options = ExportOptions(calibrator=Calibrator(method))
    outcomes = export_all(source, [find_format("int8.tflite")], quick_mnist, tmp_path, options=options)
    assert [outcome.failures for outcome in outcomes] == [(), ()]
    own = convert(find_format("int8.tflite"), source, ExportOptions()).content
    found = (tmp_path / "mnist.int8.tflite").read_bytes()
    assert scales(found) != scales(own)
    assert read_structure(tmp_path / "mnist.int8.tflite").inputs[0].scale == pytest.approx(1 / 255)


def test_a_layer_named_as_in_keras_stays_float_and_the_file_is_proven(source, quick_mnist, tmp_path):
    options = ExportOptions(keep_float=("hidden",))
    outcomes = export_all(source, [MIXED], quick_mnist, tmp_path, options=options)
    assert [outcome.failures for outcome in outcomes] == [(), ()]
    path = tmp_path / "mnist.mixed.tflite"
    structure = read_structure(path)
    assert [structure.inputs[0].dtype, structure.outputs[0].dtype] == ["uint8", "float32"]
    weights = [tensor.dtype for tensor in structure.tensors if tensor.shape in {(128, 784), (10, 128)}]
    assert sorted(weights) == ["float32", "int8"]
    images = quick_mnist.test.inputs[:200]
    found, expected = load_predictor(path).predict(images), source.predictor.predict(images)
    assert (found.indices == expected.indices).mean() > 0.98
    verdicts = verify(tmp_path, quick_mnist.test)
    assert [verdict.failures for verdict in verdicts if verdict.file == path.name] == [()]


def test_a_layer_that_is_not_there_is_told(source):
    with pytest.raises(OptionError, match=r"no such layer to keep float; received 'nothing'.*hidden"):
        convert(MIXED, source, ExportOptions(keep_float=("nothing",)))


def test_the_search_keeps_everything_in_integers_where_nothing_is_lost(source):
    converted = convert(MIXED, source, ExportOptions(auto_drop=0.05))
    assert converted.note.startswith("0 of ")
    assert "on the calibration items it loses" in converted.note


def test_a_failing_int8_file_names_the_layer_that_spoils_it(source, quick_mnist, tmp_path, monkeypatch):
    from edgemnist.export.convert import tflite

    def spoiled(model, *_):
        """Give the first layer's activations a range that holds next to nothing of them."""
        graph = model.subgraphs[0]
        first = next(node for node in graph.operators if len(node.inputs) > 2)  # it has weights and a bias
        quantization = graph.tensors[first.outputs[0]].quantization
        quantization.scale = quantization.scale / 64

    monkeypatch.setattr(tflite, "narrow_logits", spoiled)
    (_, outcome) = export_all(source, [find_format("int8.tflite")], quick_mnist, tmp_path)
    assert any("the first layer that spoils it is hidden (Dense)" in failure for failure in outcome.failures)
    assert any("--keep-float hidden" in failure for failure in outcome.failures)


def test_a_legacy_file_is_exported_and_its_keras_artifact_is_of_this_version(source, quick_mnist, tmp_path):
    from edgemnist.export.convert.source import load_model

    path = tmp_path / "old.h5"
    source.model.save(path)
    legacy = replace(source, path=path, sha256=load_model(path).sha256, predictor=load_model(path))
    outcomes = export_all(legacy, [find_format("float32.tflite")], quick_mnist, tmp_path / "made")
    assert [outcome.failures for outcome in outcomes] == [(), ()]
    made = (tmp_path / "made" / "old.keras").read_bytes()
    assert made.startswith(b"PK")
    images = quick_mnist.test.inputs[:50]
    np.testing.assert_allclose(
        load_predictor(tmp_path / "made" / "old.keras").predict(images).probabilities,
        source.predictor.predict(images).probabilities,
        atol=1e-6,
    )


def test_the_command_refuses_an_unknown_method(tmp_path):
    done = CliRunner().invoke(
        app, ["export", "--calibration-method", "entropy", "--artifacts", str(tmp_path)]
    )
    assert isinstance(done.exception, OptionError)
    assert "minmax" in str(done.exception)


def test_every_known_format_has_a_converter():
    from edgemnist.export.convert.registry import CONVERTERS

    assert set(CONVERTERS) == {row.name for row in KNOWN_FORMATS}
