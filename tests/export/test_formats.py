"""Every format in its real engine, and what each file contains."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgemnist.export.backend import keras
from edgemnist.export.calibration import choose_calibration
from edgemnist.export.convert.logit_range import narrow_logits, useful_range
from edgemnist.export.convert.options import OPSETS, ExportOptions
from edgemnist.export.convert.registry import convert
from edgemnist.export.convert.source import load_source
from edgemnist.proof.formats import FORMATS, find_format
from edgemnist.proof.generated_web import WEB_FORMATS
from edgemnist.proof.inspect.onnx import RELEASES
from edgemnist.proof.inspect.structure import read_structure
from edgemnist.proof.tolerances import REFERENCE
from edgemnist.runtime import load_predictor
from edgemnist.runtime.artifact.metadata import read_metadata
from edgemnist.runtime.artifact.tflite_file import unpack
from edgemnist.runtime.engines.tflite_micro import smallest_arena_bytes
from edgemnist.runtime.errors import ArtifactError, ConversionError, OptionError
from edgemnist.runtime.process import quiet

NAMES = [row.name for row in FORMATS]
CONTRACT = [row.name for row in FORMATS if row.spec.contract]
TFLITE = [name for name in NAMES if name.endswith("tflite")]


def written(folder, name, source, options=None):
    row = find_format(name)
    path = folder / row.file_name("mnist")
    path.write_bytes(convert(row, source, options or ExportOptions()).content)
    return path


def artifact_of(row, folder):
    path = folder / row.file_name("mnist")
    if not path.exists() and row.format in WEB_FORMATS:
        pytest.skip(f"{row.name} needs the extra {row.engine.extra}")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_every_format_answers_as_keras_does_in_its_engine(artifacts, test_split, name):
    row = find_format(name)
    reference = np.load(artifacts / "reference.npz")["probabilities"]
    path = artifact_of(row, artifacts)
    with load_predictor(path, engine=row.engine.name) as predictor:
        assert predictor.engine_name == row.engine.name
        answers = predictor.predict(test_split.inputs)
    agreement = (answers.indices == reference.argmax(axis=1)).mean()
    assert agreement >= REFERENCE[row.tolerances].min_agreement
    assert answers.probabilities.dtype == np.float32


@pytest.mark.parametrize("name", CONTRACT)
def test_every_artifact_takes_raw_pixels_in_batches_of_any_size(artifacts, test_split, name):
    row = find_format(name)
    with load_predictor(artifact_of(row, artifacts), engine=row.engine.name) as predictor:
        assert (predictor.input.name, predictor.input.dtype) == ("image", "uint8")
        assert predictor.input.shape == (None, 28, 28)
        assert predictor.output.name == "probabilities"
        pixels = test_split.inputs[:3]
        assert predictor.encode(pixels) is pixels
        assert len(predictor.predict(pixels)) == 3
        assert len(predictor.predict(pixels[:1])) == 1


@pytest.mark.parametrize("name", [name for name in CONTRACT if name != "int8.c"])  # comments prove nothing
def test_every_artifact_carries_its_contract(artifacts, name):
    embedded = read_metadata(read_structure(artifacts / f"mnist.{name}").metadata)
    assert embedded is not None
    assert embedded.model == "mnist"
    assert embedded.precision == name.split(".")[0]
    assert embedded.labels == tuple("0123456789")
    assert embedded.input.dtype == "uint8"
    assert {"tensorflow", "onnxruntime", "edgemnist"} <= embedded.tools.keys()


@pytest.mark.parametrize(("name", "limit_bytes"), [("int8.tflite", 110_000), ("int8.onnx", 112_000)])
def test_int8_artifacts_are_small(artifacts, name, limit_bytes):
    assert (artifacts / f"mnist.{name}").stat().st_size <= limit_bytes


def test_the_int8_tflite_holds_only_integers(artifacts):
    structure = read_structure(artifacts / "mnist.int8.tflite")
    assert {tensor.dtype for tensor in structure.tensors} == {"uint8", "int8", "int32"}
    assert structure.operator_names == ("QUANTIZE", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX")


def test_signed_input_and_output_give_the_same_answers(source, tmp_path, test_split):
    images = test_split.inputs[:2000]
    unsigned = load_predictor(written(tmp_path, "int8.tflite", source)).predict(images).probabilities
    with load_predictor(written(tmp_path, "int8.tflite", source, ExportOptions(io="int8"))) as predictor:
        assert (predictor.input.dtype, predictor.input.zero_point) == ("int8", -128)
        assert predictor.output.dtype == "int8"
        assert np.array_equal(predictor.encode(images[0]), images[:1].astype(np.int16) - 128)
        np.testing.assert_array_equal(predictor.predict(images).probabilities, unsigned)


def test_the_int8_tflite_gives_the_same_labels_on_a_microcontroller(artifacts, test_split):
    path = artifacts / "mnist.int8.tflite"
    on_micro = load_predictor(path, engine="tflite_micro").predict(test_split.inputs)
    with load_predictor(path) as predictor:
        np.testing.assert_array_equal(on_micro.indices, predictor.predict(test_split.inputs).indices)


def test_the_int8_tflite_runs_in_an_arena_of_few_kilobytes(artifacts):
    content = (artifacts / "mnist.int8.tflite").read_bytes()
    with quiet():
        arena_bytes = smallest_arena_bytes("mnist.int8.tflite", content)
    assert 784 < arena_bytes < 8192


@pytest.mark.parametrize("name", TFLITE)
def test_stored_tensors_begin_on_16_byte_boundaries(artifacts, name):
    content = (artifacts / f"mnist.{name}").read_bytes()
    model = schema.Model.GetRootAsModel(content, 0)
    offsets = [
        model.Buffers(index)._tab.Vector(model.Buffers(index)._tab.Offset(4))
        for index in range(model.BuffersLength())
        if model.Buffers(index).DataLength()
    ]
    assert len(offsets) > 4
    assert all(offset % 16 == 0 for offset in offsets)


@pytest.mark.parametrize("opset", [OPSETS[0], OPSETS[-1]])
@pytest.mark.parametrize("name", ["float32.onnx", "int8.onnx"])
def test_an_onnx_file_needs_nothing_newer_than_its_opset(source, tmp_path, name, opset):
    """Every operator exists in that opset, and the release that first had the opset reads the IR version."""
    path = written(tmp_path, name, source, ExportOptions(opset=opset))
    model = onnx.load(path)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    for node in model.graph.node:
        onnx.defs.get_schema(node.op_type, max_inclusive_version=opset)
    release = next(name for name, newest_opset, _ in RELEASES if newest_opset >= opset)
    newest_ir = next(ir for name, _, ir in RELEASES if name == release)
    assert model.ir_version <= newest_ir
    stated = read_structure(path).oldest_runtime
    assert stated == f"ONNX Runtime {'1.7' if name == 'int8.onnx' and opset == 13 else release}"


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_an_ort_file_comes_with_the_operators_that_a_minimal_build_needs(artifacts, precision):
    listed = set()
    for line in (artifacts / f"mnist.{precision}.required_operators.config").read_text().splitlines():
        if not line.startswith("#"):
            domain, _, names = line.split(";")
            prefix = "" if domain == "ai.onnx" else f"{domain}."
            listed |= {prefix + name for name in names.split(",")}
    assert listed == set(read_structure(artifacts / f"mnist.{precision}.ort").operator_names)


def test_quantized_onnx_weights_are_unsigned(artifacts):
    """int8 weights overflow in ONNX Runtime's AVX2 kernels, which shows only on machines without VNNI."""
    weights = [t for t in read_structure(artifacts / "mnist.int8.onnx").tensors if t.is_weight]
    assert [(tensor.dtype, len(tensor.scales)) for tensor in weights] == [("uint8", 128), ("uint8", 10)]


def test_the_logit_range_holds_what_decides_a_probability():
    logits = np.array([[50.0, 45.0, -100.0], [8.0, -30.0, -40.0]], np.float32)
    low, high = useful_range(logits)
    assert low == pytest.approx(8 - 15.94, abs=0.01)
    assert high == 50


def test_a_logit_range_that_is_too_wide_is_narrowed(artifacts, mnist, source):
    model = unpack((artifacts / "mnist.int8.tflite").read_bytes(), schema)
    logits = next(t for t in model.subgraphs[0].tensors if list(t.shape) == [1, 10])
    narrow = float(logits.quantization.scale[0])
    logits.quantization.scale = np.array([narrow * 4], np.float32)
    narrow_logits(model, mnist.train.inputs[:500], source.signature.input)
    assert narrow / 2 < logits.quantization.scale[0] < narrow * 2


def test_pixels_go_into_int8_tflite_as_they_are_though_no_calibration_image_is_bright(
    model_folder, mnist, tmp_path
):
    chosen = choose_calibration(mnist.train, 10, 10, 0)
    dim = replace(chosen, inputs=chosen.inputs // 2)
    path = written(tmp_path, "int8.tflite", load_source(model_folder / "mnist.keras", dim))
    with load_predictor(path) as predictor:
        pixels = mnist.test.inputs[:3]
        assert predictor.encode(pixels) is pixels


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(OptionError, match=r"received 'int4.onnx'; expected one of keras, float32.tflite, "):
        find_format("int4.onnx")


@pytest.mark.parametrize("options", [{"opset": 12}, {"opset": 19}, {"io": "float32"}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError, match="unsupported"):
        ExportOptions(**options)


def test_a_keras_file_with_code_in_it_is_refused(tmp_path, source):
    model = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Lambda(lambda x: x), keras.layers.Flatten()]
    )
    model.save(tmp_path / "evil.keras")
    with pytest.raises(ArtifactError, match="carries Python code"):
        load_source(tmp_path / "evil.keras", source.calibration)


def test_pixels_go_into_int8_onnx_as_they_are_though_no_calibration_image_is_bright(
    source, quick_mnist, tmp_path
):
    """A darker range for the image would make every pixel brighter than it is."""
    dark = replace(source, calibration=replace(source.calibration, inputs=source.calibration.inputs // 2))
    path = tmp_path / "mnist.int8.onnx"
    path.write_bytes(convert(find_format("int8.onnx"), dark, ExportOptions()).content)
    images = quick_mnist.test.inputs
    found, expected = load_predictor(path).predict(images), source.predictor.predict(images)
    assert (found.indices == expected.indices).mean() > 0.99


@pytest.mark.parametrize(("scale", "zero_point"), [(0.5 / 255, 0), (1 / 255, 3)])
def test_a_quantizer_that_scales_pixels_otherwise_is_an_error(source, monkeypatch, scale, zero_point):
    from edgemnist.export.convert import onnx_int8

    remove = onnx_int8._remove_quantized_image

    def other_scale(proto, pixel):
        nodes = [node for node in proto.graph.node if node.op_type == "QuantizeLinear"]
        for tensor in proto.graph.initializer:
            for position, value in ((1, np.float32(scale)), (2, np.uint8(zero_point))):
                if tensor.name == nodes[0].input[position]:
                    tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(value), tensor.name))
        remove(proto, pixel)

    monkeypatch.setattr(onnx_int8, "_remove_quantized_image", other_scale)
    with pytest.raises(
        ConversionError, match=r"not quantize the image to its pixels.*expected QuantizeLinear"
    ):
        onnx_int8.int8(source, ExportOptions())
