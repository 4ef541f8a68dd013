"""Well-formed inputs that nobody thought of, by Hypothesis: each gets an answer or one of our errors."""

import io
import json
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from edgemnist.runtime import EdgeMnistError, PictureOptions, Predictor, Probe, SessionOptions, load_predictor
from edgemnist.runtime.artifact.lookup import find_expected_hash
from edgemnist.runtime.artifact.manifest import read_manifest
from edgemnist.runtime.artifact.metadata import read_metadata
from edgemnist.runtime.engines.registry import EngineOptions
from edgemnist.runtime.isolation import probe as probing
from edgemnist.runtime.printable import json_text, printable

FEW = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=8), parts, max_size=4),
    max_leaves=12,
)
EXTREMES = st.sampled_from([0x7FFFFFFF, 0x40000000, -1, -(2**31), 0, 3, 0xFFFF, 1 << 24])
SIZES = st.sampled_from([0, 1, 5_000, 30_000, 65_535])
LARGE_SIZES = SIZES | st.sampled_from([1 << 20, 2**31 - 1])
SUFFIXES = (".png", ".jpg", ".gif", ".bmp", ".webp")


@pytest.fixture(scope="module")
def predictor(artifacts: Path) -> Predictor:
    return load_predictor(artifacts / "mnist.float32.onnx")


@FEW
@given(
    images=arrays.arrays(
        dtype=arrays.scalar_dtypes(),
        shape=st.sampled_from(
            [(28, 28), (1, 28, 28), (3, 28, 28), (28, 27), (0, 28, 28), (2, 3, 28, 28), (784,), ()]
        ),
    )
)
def test_any_array_is_predicted_or_refused(predictor: Predictor, images: np.ndarray):
    try:
        found = predictor.predict(images).probabilities
    except EdgeMnistError:
        return
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(axis=1), 1, atol=1e-3)


@pytest.mark.slow
@FEW
@given(
    fields=st.fixed_dictionaries(
        {},
        optional={
            "polarity": st.sampled_from(["auto", "dark", "light"]) | st.text(max_size=5),
            "fit": st.sampled_from(["auto", "always", "never"]) | st.text(max_size=5),
            "max_bytes": st.integers(0, 10**9),
            "max_pixels": st.integers(0, 10**9),
        },
    ),
    num_threads=st.integers(-2, 2),
    optimization=st.sampled_from(["disable", "basic", "extended", "all"]) | st.text(max_size=5),
    cpu_seconds=st.integers(-1, 2),
)
def test_any_options_are_taken_or_refused(
    fields: dict[str, Any], num_threads: int, optimization: str, cpu_seconds: int
):
    for make in (
        lambda: PictureOptions(**fields),
        lambda: EngineOptions(num_threads),
        lambda: SessionOptions(graph_optimization=optimization),  # type: ignore[arg-type]
        lambda: Probe(cpu_seconds=cpu_seconds),
    ):
        try:
            made = make()
        except EdgeMnistError:
            continue
        assert made == make()


@FEW
@given(data=st.data())
def test_any_change_of_a_manifest_is_read_or_refused(artifacts: Path, tmp_path: Path, data: st.DataObject):
    document = json.loads((artifacts / "manifest.json").read_text())
    place: Any = document
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    for read in (lambda: read_manifest(tmp_path), lambda: find_expected_hash(tmp_path / "mnist.int8.tflite")):
        with suppress(EdgeMnistError):
            read()


@FEW
@given(
    metadata=st.dictionaries(
        st.sampled_from(
            [
                f"edgemnist.{key}"
                for key in ("model", "precision", "labels", "input", "output", "source_sha256", "tools")
            ]
        )
        | st.text(max_size=12),
        JSON.map(json.dumps) | st.text(max_size=30) | st.just("[" * 100_000),
        max_size=9,
    )
)
def test_any_metadata_are_a_contract_or_none_or_refused(metadata: dict[str, str]):
    try:
        found = read_metadata(metadata)
    except EdgeMnistError:
        return
    assert found is None or all(isinstance(label, str) for label in found.labels)


@FEW
@given(text=st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_any_text_is_printable_and_stays_itself_in_json(text: str):
    shown = printable(text)
    assert shown.encode("utf-8").decode() == shown
    assert not any(mark < " " or "\x7f" <= mark <= "\x9f" for mark in shown)
    written = json_text({text: [text, float("inf")]})
    assert json.loads(written.encode("utf-8")) == json.loads(json.dumps({text: [text, None]}))


def declare_in_onnx(content: bytes, data: st.DataObject) -> bytes:
    import onnx

    model = onnx.load_model_from_string(content)
    axes: list[tuple[Any, int | None]] = [
        (tensor.dims, axis) for tensor in model.graph.initializer for axis in range(len(tensor.dims))
    ]
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        axes += [(dim, None) for dim in value.type.tensor_type.shape.dim]
    holder, axis = axes[data.draw(st.integers(0, len(axes) - 1))]
    size = data.draw(EXTREMES | st.just(2**62))
    if axis is None:
        holder.dim_value = size
    else:
        holder[axis] = size
    return bytes(model.SerializeToString())


def declare_in_tflite(content: bytes, data: st.DataObject) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    tensors = [one for one in model.subgraphs[0].tensors if one.shape is not None and len(one.shape)]
    tensor = tensors[data.draw(st.integers(0, len(tensors) - 1))]
    field = data.draw(
        st.sampled_from(["shape"] if tensor.shapeSignature is None else ["shape", "shapeSignature"])
    )
    shape = list(getattr(tensor, field))  # flatbuffers reads arrays that cannot be written
    shape[data.draw(st.integers(0, len(shape) - 1))] = data.draw(EXTREMES)
    setattr(tensor, field, shape)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize(
    "name", ["mnist.float32.onnx", "mnist.int8.onnx", "mnist.float32.tflite", "mnist.int8.tflite"]
)
@settings(FEW, max_examples=15)
@given(data=st.data())
def test_a_model_that_declares_any_shape_is_loaded_or_refused(
    artifacts: Path, tmp_path: Path, name: str, data: st.DataObject
):
    from edgemnist.benchmarks.studies.robustness.trials import run_forked, try_model

    declare = declare_in_onnx if name.endswith("onnx") else declare_in_tflite
    path = tmp_path / f"case{Path(name).suffix}"
    path.write_bytes(declare((artifacts / name).read_bytes(), data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probing, "run_child", run_forked)
        fate = try_model(0, path)
    assert fate.allowed, fate


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_sizes(content: bytes, position: int, form: str, sizes: tuple[int, int]) -> bytes:
    packed = struct.pack(form, *sizes)
    return content[:position] + packed + content[position + len(packed) :]


@st.composite
def bombs(draw: st.DrawFn, suffix: str, content: bytes) -> bytes:
    """Return a picture with any size in its header, or packed data without end in a PNG."""
    sizes = (draw(SIZES), draw(SIZES))
    if suffix == ".png":
        kind = draw(st.sampled_from(["size", "data", "text"]))
        packed = zlib.compress(bytes(100_000_000), 1) if kind != "size" else b""
        if kind == "text":
            return content[:33] + chunk(b"zTXt", b"Comment\0\0" + packed) + content[33:]
        header = chunk(b"IHDR", struct.pack(">II", draw(LARGE_SIZES), draw(LARGE_SIZES)) + content[24:29])
        rest = content[33:] if kind == "size" else chunk(b"IDAT", packed) + chunk(b"IEND", b"")
        return content[:8] + header + rest
    if suffix == ".jpg":
        return with_sizes(
            content, max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2")) + 5, ">HH", sizes
        )
    if suffix == ".bmp":
        return with_sizes(content, 18, "<ii", (draw(LARGE_SIZES | st.just(-(2**31))), draw(LARGE_SIZES)))
    if suffix == ".webp":
        return with_sizes(content, 26, "<HH", sizes)
    screen = with_sizes(content, 6, "<HH", sizes)
    picture = screen.find(b"\x2c", 13)
    return (
        screen if draw(st.booleans()) else with_sizes(screen, picture + 5, "<HH", (draw(SIZES), draw(SIZES)))
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Pillow warns of large pictures and of odd ones
@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(FEW, max_examples=20)
@given(data=st.data())
def test_a_picture_that_declares_any_size_is_predicted_or_refused(
    predictor: Predictor, digit: np.ndarray, suffix: str, data: st.DataObject
):
    from edgemnist.benchmarks.worker.conditions import resident_bytes

    buffer = io.BytesIO()
    Image.fromarray(digit).resize((280, 280)).save(buffer, Image.registered_extensions()[suffix])
    content = data.draw(bombs(suffix, buffer.getvalue()))
    before = resident_bytes() or 0
    with suppress(EdgeMnistError):
        assert np.isfinite(predictor.predict(content).probabilities).all()
    assert (resident_bytes() or 0) - before < 600 * 2**20
