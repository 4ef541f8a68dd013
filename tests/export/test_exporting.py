"""What `export_all` leaves in a folder: what holds, all of it at once, and nothing of another model."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from edgemnist.benchmarks.runner.cases import cases_in
from edgemnist.export.convert.source import load_source
from edgemnist.export.pipeline import export_all
from edgemnist.proof.formats import SOURCE, find_format
from edgemnist.proof.tolerances import Tolerances
from edgemnist.proof.verify import verify
from edgemnist.runtime import load_predictor, read_manifest
from edgemnist.runtime.artifact import manifest
from edgemnist.runtime.artifact.lookup import newer_model
from edgemnist.runtime.errors import ArtifactError, IntegrityError, ManifestError, OptionError
from edgemnist.runtime.files import sha256_of
from edgemnist.runtime.signature import SignatureOptions

FLOAT = find_format("float32.onnx")
HALF = find_format("float16.onnx")
INT8 = find_format("int8.onnx")
IMPOSSIBLE = Tolerances(min_agreement=1.0, max_accuracy_drop=0.0, atol=0.0)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


@pytest.fixture
def exported(source, quick_mnist, tmp_path):
    """A folder with the model and its float32 ONNX."""
    outcomes = export_all(source, [FLOAT], quick_mnist, tmp_path)
    assert [(outcome.format, outcome.failures) for outcome in outcomes] == [(SOURCE, ()), (FLOAT, ())]
    return tmp_path


def test_the_set_is_the_model_the_artifacts_the_reference_and_the_manifest(exported, source, quick_mnist):
    assert names(exported) == ["manifest.json", "mnist.float32.onnx", "mnist.keras", "reference.npz"]
    found = read_manifest(exported)
    assert found.files == {path: sha256_of(exported / path) for path in found.files}
    assert found.model.sha256 == source.sha256
    assert found.dataset == quick_mnist.sha256
    reference = np.load(exported / "reference.npz")["probabilities"]
    np.testing.assert_array_equal(reference, source.predictor.predict(quick_mnist.test.inputs).probabilities)


def test_the_manifest_keeps_its_schema_by_another_validator(artifacts):
    schema = json.loads(Path(manifest.__file__).with_name("manifest.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((artifacts / "manifest.json").read_text()), schema)


def test_the_record_tells_what_a_reviewer_asks(artifacts):
    record = next(
        record for record in read_manifest(artifacts).artifacts if record.file == "mnist.int8.tflite"
    )
    assert record.calibration.samples == 500
    assert record.parity.images == 10_000
    assert len(record.parity.flipped) == round(10_000 * (1 - record.parity.agreement))
    low, high = record.parity.difference_interval
    assert low <= record.parity.accuracy - record.parity.reference_accuracy <= high
    assert 0 <= record.parity.mcnemar_p <= 1
    assert len(record.parity.per_class_accuracy) == 10
    assert record.tolerances.min_agreement == 0.998
    assert record.input.scale == pytest.approx(1 / 255)


def test_class_names_reach_a_predictor_with_and_without_the_manifest(exported, tmp_path_factory):
    assert load_predictor(exported / "mnist.float32.onnx").class_names[7] == "seven"
    lone = shutil.copy(exported / "mnist.float32.onnx", tmp_path_factory.mktemp("lone"))
    assert load_predictor(lone).class_names[7] == "seven"


def test_what_fails_is_not_left_and_the_others_are_made(source, quick_mnist, tmp_path):
    formats = [replace(HALF, tolerances=IMPOSSIBLE), FLOAT]
    outcomes = export_all(source, formats, quick_mnist, tmp_path)
    assert [bool(outcome.failures) for outcome in outcomes] == [False, True, False]
    assert "a probability differs by" in outcomes[1].failures[0]
    assert names(tmp_path) == ["manifest.json", "mnist.float32.onnx", "mnist.keras", "reference.npz"]


def test_another_format_joins_the_set_of_the_same_model(exported, source, quick_mnist):
    before = (exported / "mnist.float32.onnx").read_bytes()
    export_all(source, [HALF], quick_mnist, exported)
    files = [record.file for record in read_manifest(exported).artifacts]
    assert files == ["mnist.float16.onnx", "mnist.float32.onnx", "mnist.keras"]
    assert (exported / "mnist.float32.onnx").read_bytes() == before


@pytest.fixture(scope="module")
def other_source(source, tmp_path_factory):
    """A model of the same name with other weights."""
    path = tmp_path_factory.mktemp("other") / "mnist.keras"
    shutil.copy(source.path, path)
    model = load_source(path, source.calibration)
    weights = model.model.get_weights()
    model.model.set_weights([weight * np.float32(1.01) for weight in weights])
    model.model.save(path)
    return load_source(path, source.calibration)


def test_another_models_artifacts_are_not_replaced_unasked(exported, other_source, quick_mnist):
    before = names(exported), (exported / "manifest.json").read_bytes()
    with pytest.raises(OptionError, match=r"holds artifacts of another model.*--overwrite"):
        export_all(other_source, [HALF], quick_mnist, exported)
    assert (names(exported), (exported / "manifest.json").read_bytes()) == before


def test_another_models_set_is_replaced_as_a_whole_when_asked(exported, other_source, quick_mnist):
    export_all(other_source, [HALF], quick_mnist, exported, overwrite=True)
    assert names(exported) == ["manifest.json", "mnist.float16.onnx", "mnist.keras", "reference.npz"]
    assert sha256_of(exported / "mnist.keras") == other_source.sha256


def test_another_test_set_makes_another_set(exported, source, mnist):
    with pytest.raises(OptionError, match="artifacts of another data set; received test_images "):
        export_all(source, [HALF], mnist, exported)


def test_a_damaged_manifest_is_not_overwritten_unasked(exported, source, quick_mnist):
    (exported / "manifest.json").write_text("{")
    with pytest.raises(ManifestError, match="cannot be read as JSON"):
        export_all(source, [FLOAT], quick_mnist, exported)
    export_all(source, [FLOAT], quick_mnist, exported, overwrite=True)
    assert len(read_manifest(exported).artifacts) == 2


def test_a_model_file_of_the_same_name_is_not_overwritten(source, quick_mnist, tmp_path):
    (tmp_path / "mnist.keras").write_bytes(b"precious")
    with pytest.raises(OptionError, match="another model"):
        export_all(source, [FLOAT], quick_mnist, tmp_path)
    assert (tmp_path / "mnist.keras").read_bytes() == b"precious"


def test_companions_come_and_go_with_their_artifact(source, other_source, quick_mnist, tmp_path):
    export_all(source, [find_format("float32.ort")], quick_mnist, tmp_path)
    assert "mnist.float32.required_operators.config" in names(tmp_path)
    export_all(other_source, [FLOAT], quick_mnist, tmp_path, overwrite=True)
    assert names(tmp_path) == ["manifest.json", "mnist.float32.onnx", "mnist.keras", "reference.npz"]


def trained_again(folder, other_source):
    """Put another model in the place of the folder's own, as `train` does."""
    shutil.copy(other_source.path, folder / "mnist.keras")
    return load_source(folder / "mnist.keras", other_source.calibration)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_model_that_was_trained_again_is_exported(exported, other_source, quick_mnist, overwrite):
    before = (exported / "mnist.float32.onnx").read_bytes()
    again = trained_again(exported, other_source)
    sentence = newer_model(exported)
    (failed,) = [verdict for verdict in verify(exported, quick_mnist.test) if verdict.failures]
    assert (failed.file, failed.failures) == ("mnist.keras", (sentence,))
    (keras,) = [target for target in cases_in(exported) if target.engine == "keras"]
    assert keras.skipped == sentence
    export_all(again, [HALF], quick_mnist, exported, overwrite=overwrite)
    assert newer_model(exported) == ""
    assert not any(verdict.failures for verdict in verify(exported, quick_mnist.test))
    assert (exported / "previous" / "mnist.float32.onnx").read_bytes() == before


def test_a_model_that_is_trained_again_during_its_export_is_not_put_back(exported, other_source, quick_mnist):
    before = {name: (exported / name).read_bytes() for name in names(exported)}
    source = load_source(exported / "mnist.keras", other_source.calibration)

    def train(name):
        if name == HALF.name:
            shutil.copy(other_source.path, exported / "mnist.keras")

    with pytest.raises(IntegrityError, match="trained again or replaced while it was exported"):
        export_all(source, [HALF], quick_mnist, exported, overwrite=True, report=train)
    before["mnist.keras"] = other_source.path.read_bytes()
    assert {name: (exported / name).read_bytes() for name in names(exported)} == before


def test_another_models_export_never_removes_the_folders_own(exported, other_source, quick_mnist):
    own = (exported / "mnist.keras").read_bytes()
    other = shutil.copy(other_source.path, other_source.path.with_name("other.keras"))
    export_all(
        load_source(Path(other), other_source.calibration), [FLOAT], quick_mnist, exported, overwrite=True
    )
    assert (exported / "mnist.keras").read_bytes() == own
    verdicts = {verdict.file: verdict for verdict in verify(exported, quick_mnist.test)}
    assert not any(verdict.failures for verdict in verdicts.values())
    assert "not of this set" in verdicts["mnist.keras"].note
    assert "mnist.keras" not in {target.name for target in cases_in(exported)}
    export_all(other_source, [FLOAT], quick_mnist, exported, overwrite=True)  # of the same name
    assert own in [path.read_bytes() for path in (exported / "previous").iterdir()]


def test_a_data_set_of_another_number_of_classes_is_refused(source):
    with pytest.raises(ArtifactError, match=r"received 3 class names; expected the model's 10.*--data"):
        load_source(source.path, source.calibration, SignatureOptions(labels=("a", "b", "c")))
