"""C of TFLite files that edgemnist did not make: no data set, no metadata, any ends."""

import importlib.util
import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from edgemnist.cli import app
from edgemnist.export.codegen import Match
from edgemnist.export.codegen.proving.exactness import prove_generated
from edgemnist.export.codegen.proving.reference import run_reference
from edgemnist.export.codegen.proving.regenerate import regenerate
from edgemnist.export.tflite_source import export_tflite
from edgemnist.proof.verify import verify
from edgemnist.runtime import load_predictor, read_manifest
from edgemnist.runtime.errors import ConversionError, OptionError, ProofError

_SPEC = importlib.util.spec_from_file_location("build", Path(__file__).parent / "codegen" / "build.py")
build = importlib.util.module_from_spec(_SPEC)
sys.modules["build"] = build
_SPEC.loader.exec_module(build)


def network(dtype="int8", *, several=False, channels=3, seed=0):
    """A convolution, a pool and a dense layer, quantized, with ends of a type."""
    rng = np.random.default_rng(seed)
    file = build.File()
    zero = 128 if dtype == "uint8" else 0
    image = file.tensor((1, 6, 5, channels), dtype, 0.02, zero, name="picture")
    first = image
    if dtype == "uint8":
        first = file.tensor((1, 6, 5, channels), "int8", 0.02, 0)
        file.operator("QUANTIZE", [image], [first])
    weights = rng.integers(-127, 128, (8, 3, 3, channels))
    kernel = file.tensor((8, 3, 3, channels), "int8", rng.uniform(0.001, 0.01, 8), 0, weights)
    bias = file.tensor((8,), "int32", 1e-4, 0, rng.integers(-500, 500, 8))
    middle = file.tensor((1, 6, 5, 8), "int8", 0.05, -10)
    file.operator("CONV_2D", [first, kernel, bias], [middle], "Conv2DOptions", strideH=1, strideW=1)
    flat = file.tensor((1, 240), "int8", 0.05, -10)
    file.operator("RESHAPE", [middle, file.constant([1, 240])], [flat], "ReshapeOptions", newShape=[1, 240])
    matrix = file.tensor((4, 240), "int8", 0.003, 0, rng.integers(-127, 128, (4, 240)))
    last = file.tensor((1, 4), "int8", 0.1, 5)
    file.operator("FULLY_CONNECTED", [flat, matrix], [last], "FullyConnectedOptions")
    output = last
    if dtype == "uint8":
        output = file.tensor((1, 4), "uint8", 0.1, 133)
        file.operator("QUANTIZE", [last], [output])
    return file.content([image], [output, middle] if several else [output])


@pytest.fixture
def saved(tmp_path):
    def save(content, name="anyones.tflite"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return save


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out"


def no_images():
    return np.empty((0, 28, 28), np.uint8)


def verdicts(folder, test_split):
    return {
        verdict.file: verdict
        for verdict in verify(folder, test_split, generate=regenerate, prove_exact=prove_generated)
    }


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_a_file_without_metadata_becomes_proven_c_named_after_it(saved, folder, test_split, dtype):
    content = network(dtype)
    made = export_tflite(saved(content, "anyones.int8.tflite"), folder, no_images(), compile_library=True)
    assert (made.exactness.random_inputs, made.exactness.output_bytes) == (1000, 4000)
    names = {path.name for path in folder.iterdir()}
    endings = (".c", ".h", "_host.c", "_selftest.c", ".so", ".tflite")
    assert names == {f"anyones.int8{ending}" for ending in endings} | {"manifest.json", "reference.npz"}
    found = verdicts(folder, test_split)
    assert {verdict.passed for verdict in found.values()} == {True}
    assert "all 4,000 bytes for 1,000 random inputs are those of litert" in found["anyones.int8.c"].note
    manifest = read_manifest(folder)
    assert (manifest.dataset, manifest.model.name) == ({}, "anyones")
    with load_predictor(folder / "anyones.int8.c", num_threads=2) as predictor:
        assert predictor.class_names == ("0", "1", "2", "3")
        raw = np.random.default_rng(5).integers(0, 100, (9, 6, 5, 3)).astype(dtype)
        answers = predictor.engine.run(raw)
        assert (answers.shape, answers.dtype) == ((9, 4), dtype)
        expected = run_reference(content, (raw[:, None],), Match.LITERT).outputs[0][:, 0]
        np.testing.assert_array_equal(answers, expected)
        np.testing.assert_array_equal(predictor.engine.run(raw[2:3]), expected[2:3])


@pytest.mark.slow
def test_several_outputs_come_as_a_tuple(saved, folder):
    made = export_tflite(saved(network(several=True)), folder, no_images(), compile_library=True)
    assert made.exactness.output_bytes == 1000 * (4 + 240)
    from edgemnist.runtime.engines.registry import ENGINES, EngineOptions

    library = folder / "anyones.int8.so"
    engine = ENGINES["c"].load(library, library.read_bytes(), EngineOptions())
    first, second = engine.run(np.zeros((3, 6, 5, 3), np.int8))
    assert (first.shape, second.shape) == ((3, 4), (3, 6, 5, 8))


def test_test_images_that_fit_are_compared_too(saved, folder, test_split):
    images = test_split.inputs[:50].reshape(50, 28, 28)[:, :6, :15].reshape(50, 6, 5, 3)
    made = export_tflite(saved(network("uint8")), folder, images)
    assert (made.exactness.test_images, made.exactness.output_bytes) == (50, 4 * 1050)


@pytest.mark.slow
def test_tensorflow_lite_micro_may_be_matched_and_is_proven_against_itself(saved, folder, test_split):
    pytest.importorskip("tflite_micro")
    made = export_tflite(saved(network()), folder, no_images(), match=Match.TFLM)
    assert made.exactness.runtime == "tflm"
    assert "are those of tflm" in verdicts(folder, test_split)["anyones.int8.c"].note


@pytest.mark.slow
def test_c_that_is_not_what_the_file_makes_fails(saved, folder, test_split):
    from edgemnist.runtime.files import sha256_of

    export_tflite(saved(network()), folder, no_images())
    source = folder / "anyones.int8.c"
    source.write_text(source.read_text().replace("return", "return ", 1))
    document = json.loads((folder / "manifest.json").read_text())
    (record,) = (one for one in document["artifacts"] if one["format"] == "c")
    record["sha256"] = sha256_of(source)
    (folder / "manifest.json").write_text(json.dumps(document))
    (failure,) = verdicts(folder, test_split)["anyones.int8.c"].failures
    assert failure.startswith("anyones.int8.c is not what edgemnist")
    (folder / "anyones.int8.h").unlink()
    assert verdicts(folder, test_split)["anyones.int8.c"].failures[-1] == "anyones.int8.h is missing"


def edit_record(folder, kind, **changes):
    document = json.loads((folder / "manifest.json").read_text())
    (record,) = (one for one in document["artifacts"] if one["format"] == kind)
    record.update(changes)
    (folder / "manifest.json").write_text(json.dumps(document))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["c", "tflite"])
@pytest.mark.parametrize("changes", [{"operators": ["ADD"]}, {"size_bytes": 7}], ids=str)
def test_what_the_manifest_says_wrongly_of_a_file_fails(saved, folder, test_split, kind, changes):
    export_tflite(saved(network()), folder, no_images())
    edit_record(folder, kind, **changes)
    (failure,) = verdicts(folder, test_split)[f"anyones.int8.{kind}"].failures
    assert failure.startswith("the manifest says")


@pytest.mark.slow
def test_another_runtime_on_record_fails(saved, folder, test_split):
    made = export_tflite(saved(network()), folder, no_images())
    edit_record(folder, "c", exactness=msgspec.to_builtins(made.exactness) | {"runtime": "tflm"})
    (failure,) = verdicts(folder, test_split)["anyones.int8.c"].failures
    assert failure == "the manifest says the bytes of tflm, found those of litert"


def test_parity_without_a_data_set_is_not_believed(saved, folder, test_split, artifacts):
    export_tflite(saved(network()), folder, no_images())
    document = json.loads((artifacts / "manifest.json").read_text())
    proved = next(record for record in document["artifacts"] if record["file"] == "mnist.int8.tflite")
    edit_record(folder, "tflite", parity=proved["parity"])
    with pytest.raises(ProofError, match="must have parity and tolerances if there is a data set"):
        verdicts(folder, test_split)


@pytest.mark.slow
def test_a_model_beside_its_artifacts_is_checked_too(saved, folder, test_split):
    export_tflite(saved(network()), folder, no_images())
    document = json.loads((folder / "manifest.json").read_text())
    document["model"]["file"] = "anyones.keras"
    (folder / "manifest.json").write_text(json.dumps(document))
    (folder / "anyones.keras").write_bytes(b"another")
    (failure,) = verdicts(folder, test_split)["anyones.keras"].failures
    assert failure.startswith("anyones.keras has sha256")


@pytest.mark.slow
def test_a_folder_of_another_model_is_not_overwritten_unasked(saved, folder):
    export_tflite(saved(network()), folder, no_images())
    other = saved(network(seed=1), "other.tflite")
    with pytest.raises(OptionError, match="holds artifacts of another model"):
        export_tflite(other, folder, no_images())
    export_tflite(other, folder, no_images(), overwrite=True)
    assert read_manifest(folder).model.name == "other"


def test_an_operator_without_c_is_named_with_its_layer(saved, folder):
    file = build.File()
    source = file.tensor((1, 4), "int8", 0.1, 0)
    output = file.tensor((1, 4), "int8", 0.1, 0, name="root/of/it")
    file.operator("RSQRT", [source], [output])
    with pytest.raises(ConversionError, match=r"RSQRT 'root/of/it' \(operator 0\): there is no C"):
        export_tflite(saved(file.content([source], [output])), folder, no_images())
    assert not list(folder.glob("*.c"))


def test_a_float_model_is_refused_with_what_c_is_made_of(saved, folder):
    file = build.File()
    source, output = (file.tensor((1, 4), "float32") for _ in range(2))
    weights = file.tensor((4, 4), "float32", data=np.eye(4, dtype=np.float32))
    file.operator("FULLY_CONNECTED", [source, weights], [output])
    with pytest.raises(ConversionError, match=r"received float32; expected int8.*full-integer files"):
        export_tflite(saved(file.content([source], [output])), folder, no_images())


@pytest.mark.slow
def test_the_command_writes_proves_and_verifies(saved, folder):
    path = saved(network())
    runner = CliRunner()
    done = runner.invoke(
        app, ["export", "--model", str(path), "-f", "c", "--artifacts", str(folder), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["artifact"]["exactness"]["random_inputs"] == 1000
    assert runner.invoke(app, ["verify", str(folder)]).exit_code == 0


@pytest.mark.parametrize("options", [["-f", "float32.onnx"], [], ["-f", "c", "--match", "tf"]])
def test_what_a_tflite_file_cannot_become_is_refused(saved, folder, options):
    path = saved(network())
    done = CliRunner().invoke(app, ["export", "--model", str(path), "--artifacts", str(folder), *options])
    assert done.exit_code != 0
    assert not folder.exists()
