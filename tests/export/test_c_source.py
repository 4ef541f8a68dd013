"""Generated C, compiled by real compilers, gives LiteRT's reference bytes for every test image."""

import ctypes
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgemnist.export.backend import keras
from edgemnist.export.c_source import texts
from edgemnist.export.c_source.golden import reference
from edgemnist.export.c_source.graph import read_graph
from edgemnist.export.c_source.regenerate import regenerate
from edgemnist.export.c_source.writing import write_files
from edgemnist.export.calibration import Calibration
from edgemnist.export.convert import tflite
from edgemnist.export.convert.options import ExportOptions
from edgemnist.export.convert.source import load_source
from edgemnist.export.convert.tflite_file import finish, pack
from edgemnist.proof.generated_c import prove_c
from edgemnist.proof.quiet import quiet
from edgemnist.runtime import load_predictor
from edgemnist.runtime.artifact.tflite_file import unpack
from edgemnist.runtime.errors import ArtifactError, ConversionError, ProofError

STEM = "mnist.int8"
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")

# One call for many images, so that a test spends its time in the model.
DRIVER = """
#include "{file}"
void run_all(const uint8_t *images, int32_t count, int8_t *logits, uint8_t *probabilities, int32_t *classes);
void run_all(const uint8_t *images, int32_t count, int8_t *logits, uint8_t *probabilities, int32_t *classes)
{{
    for (int32_t i = 0; i < count; ++i) {{
        {prefix}_logits(images + i * {macro}_PIXELS, logits + i * {macro}_CLASSES);
        {prefix}_probabilities(images + i * {macro}_PIXELS, probabilities + i * {macro}_CLASSES);
        classes[i] = i < 500 ? {prefix}_classify(images + i * {macro}_PIXELS) : -1;
    }}
}}
"""
OPTIMIZATIONS = (("-O0",), ("-O2",), ("-O3", "-march=native"))
SANITIZED = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass(frozen=True)
class Answers:
    logits: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray


def build(command, *sources, output):
    """Compile; the compiler's warnings are in the failure's message."""
    ended = subprocess.run(
        [*command, "-o", str(output), *map(str, sources)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return output


def run_model(folder: Path, stem: str, prefix: str, images, classes: int, work: Path, command) -> Answers:
    """Compile `<stem>.c` of a folder with a driver and run it on images."""
    driver = work / "driver.c"
    driver.write_text(DRIVER.format(file=f"{stem}.h", prefix=prefix, macro=prefix.upper()))
    flags = [*command, *STRICT, "-shared", "-fPIC", f"-I{folder}"]
    library = ctypes.CDLL(str(build(flags, folder / f"{stem}.c", driver, output=work / "model.so")))
    images = np.ascontiguousarray(images)
    logits = np.zeros((len(images), classes), np.int8)
    probabilities = np.zeros((len(images), classes), np.uint8)
    numbers = np.zeros(len(images), np.int32)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (images, logits, probabilities, numbers)]
    library.run_all(pointers[0], ctypes.c_int32(len(images)), *pointers[1:])
    return Answers(logits, probabilities, numbers[:500])


@pytest.fixture(scope="module", params=["gcc", "clang"])
def compiler(request):
    if shutil.which(request.param) is None and request.param != "gcc":
        pytest.skip("clang not found. On Debian: apt-get install clang libclang-rt-dev")
    return request.param


@pytest.fixture(scope="module")
def tflite_content(artifacts):
    return (artifacts / "mnist.int8.tflite").read_bytes()


@pytest.fixture(scope="module")
def golden(tflite_content, test_split):
    return reference(tflite_content, read_graph(tflite_content), test_split.images)


@pytest.fixture
def c_files(artifacts, tmp_path):
    """A copy of the C files that a test may change."""
    folder = tmp_path / "c"
    folder.mkdir()
    for path in artifacts.glob(f"{STEM}*"):
        if path.suffix in {".c", ".h"}:
            shutil.copy(path, folder)
    return folder


def edit(path, pattern, replacement):
    text = path.read_text()
    changed, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1
    assert changed != text
    path.write_text(changed)


def selftest(folder, *flags):
    sources = folder / f"{STEM}.c", folder / f"{STEM}_selftest.c"
    program = build(["gcc", *(flags or ("-O2",)), *STRICT], *sources, output=folder / "selftest")
    return subprocess.run([program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("optimization", OPTIMIZATIONS, ids=" ".join)
def test_every_byte_is_that_of_the_reference_kernels(
    artifacts, golden, test_split, tmp_path, compiler, optimization
):
    given = run_model(artifacts, STEM, "mnist", test_split.images, 10, tmp_path, (compiler, *optimization))
    np.testing.assert_array_equal(given.logits, golden.logits)
    np.testing.assert_array_equal(given.probabilities, golden.probabilities)
    np.testing.assert_array_equal(given.classes, golden.probabilities[:500].argmax(axis=1))


def test_the_shared_library_gives_the_same_bytes(artifacts, golden, test_split):
    with load_predictor(artifacts / f"{STEM}.c") as predictor:
        together = predictor.engine.run(test_split.images)
        alone = np.concatenate([predictor.engine.run(image[None]) for image in test_split.images[:2000]])
    np.testing.assert_array_equal(together, golden.probabilities)
    np.testing.assert_array_equal(alone, golden.probabilities[:2000])


HOST_CHECK = """
#include "mnist.int8_host.c"
#include <stdio.h>
#include <stdlib.h>

static struct workspace workspaces[2] __attribute__((aligned(64)));

int main(int argc, char **argv)
{
    FILE *file = fopen(argv[argc - 1], "rb");
    uint8_t *image = malloc(MNIST_PIXELS); /* so that a byte too far is noticed */
    uint8_t *given = malloc(MNIST_CLASSES), *expected = malloc(MNIST_CLASSES);
    int wrong = 0, images = 0;

    edgemnist_prepare(&workspaces[0], 0);
    edgemnist_prepare(&workspaces[1], 1);
    while (fread(image, MNIST_PIXELS, 1, file) == 1) {
        mnist_probabilities(image, expected);
        for (int i = 0; i < 2; ++i) {
            edgemnist_many(&workspaces[i], image, 1, given);
            wrong += memcmp(given, expected, MNIST_CLASSES) != 0;
        }
        ++images;
    }
    free(image), free(given), free(expected), fclose(file);
    return wrong || images != 300;
}
"""


@pytest.mark.parametrize("sanitized", [False, True], ids=["fast", "sanitized"])
def test_the_library_for_this_processor_and_for_all_give_the_same_bytes(
    c_files, test_split, compiler, sanitized
):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (99, 28, 28), dtype=np.uint8)
    white = np.full((1, 28, 28), 255, np.uint8)
    (c_files / "images").write_bytes(np.concatenate([test_split.images[:200], noise, white]).tobytes())
    (c_files / "check.c").write_text(HOST_CHECK)
    flags = SANITIZED if sanitized else ("-O3",)
    build([compiler, *STRICT, *flags], c_files / "check.c", output=c_files / "check")
    ended = subprocess.run(
        [c_files / "check", c_files / "images"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_self_test_passes_and_sanitizers_find_nothing(c_files):
    ended = selftest(c_files, *SANITIZED, "-DSELFTEST_PRINT")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "all right\n", "")


def test_the_self_test_notices_any_changed_weight(c_files):
    edit(c_files / f"{STEM}.c", r"(layer_1_weights\[.*\n +)(-?\d+),", r"\g<1>99,")
    assert selftest(c_files).returncode == 255


def test_the_self_test_notices_wrong_arithmetic(c_files):
    edit(c_files / f"{STEM}.c", r"1 << \(shift - 1\)", "1 << (shift - 2)")
    assert 1 <= selftest(c_files).returncode <= 10


def test_the_self_test_uses_an_image_of_each_class(c_files):
    text = (c_files / f"{STEM}_selftest.c").read_text()
    classes = re.search(r"expected_classes\[IMAGES\] = \{ (.*) \}", text).group(1)
    assert sorted(classes.split(", ")) == list("0123456789")


def test_the_code_is_plain_c_with_one_standard_header(c_files):
    for file in (f"{STEM}.c", f"{STEM}.h"):
        text = (c_files / file).read_text(encoding="ascii")
        assert re.findall("#include (.*)", text) == [
            '"mnist.int8.h"' if file.endswith(".c") else "<stdint.h>"
        ]
        assert not re.search(r"\b(float|double|malloc)\b", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def test_nothing_in_the_object_file_can_be_written_to(c_files):
    build(["gcc", "-O2", "-c", "-fno-pic"], c_files / f"{STEM}.c", output=c_files / "model.o")
    sizes = subprocess.run(["size", c_files / "model.o"], capture_output=True, text=True, check=True)
    _, data, bss = sizes.stdout.splitlines()[1].split()[:3]
    assert (data, bss) == ("0", "0")


def test_the_softmax_rounds_as_litert_does_on_any_logits(c_files, tflite_content):
    """On 300,000 rows of logits of all spreads, ties among them: LiteRT's reference kernel, byte for byte."""
    rng = np.random.default_rng(1)
    spread = rng.integers(1, 129, (300_000, 1))
    logits = (rng.integers(-128, 128, (300_000, 10)) * spread // 128 + rng.integers(-8, 9)).clip(-128, 127)
    logits = logits.astype(np.int8)
    model = unpack(tflite_content, schema)
    graph = model.subgraphs[0]
    graph.operators = graph.operators[-2:]
    graph.inputs, model.signatureDefs = graph.operators[0].inputs, []
    interpreter = Interpreter(
        model_content=pack(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, logits.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, logits)
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    (c_files / "rows.c").write_text(
        '#include "mnist.int8.c"\n'
        "void rows(const uint8_t *in, int32_t count, uint8_t *out)\n"
        "{ for (int32_t i = 0; i < count; ++i) softmax(in + 10 * i, out + 10 * i); }\n"
    )
    library = build(["gcc", "-O2", "-shared", "-fPIC"], c_files / "rows.c", output=c_files / "rows.so")
    held, given = (logits.view(np.uint8) ^ 0x80), np.zeros_like(expected)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (held, given)]
    ctypes.CDLL(str(library)).rows(pointers[0], len(held), pointers[1])
    np.testing.assert_array_equal(given, expected)


@pytest.fixture
def source_of(tmp_path):
    """Make a source of an untrained Keras model with random calibration images."""

    def make(shape, layers, *, name="small", labels=None):
        keras.utils.set_random_seed(3)
        path = tmp_path / f"{name}.keras"
        keras.Sequential([keras.Input(shape, name="image"), *layers]).save(path)
        images = np.random.default_rng(3).integers(0, 256, (200, *shape), dtype=np.uint8)
        images[0], images[1] = 0, 255
        return load_source(path, Calibration(images, np.arange(200), (), 0), labels)

    return make


def dense(*units, activation="relu", last="softmax"):
    *hidden, classes = units
    return [
        keras.layers.Flatten(),
        *(keras.layers.Dense(size, activation=activation, bias_initializer="normal") for size in hidden),
        keras.layers.Dense(classes, activation=last),
    ]


def assert_same_bytes(content, source, prefix, folder):
    """Check C files of a TFLite file, and the library of them, against the reference kernels."""
    generated = write_files(content, source.calibration.images)
    folder.mkdir()
    stem = f"{source.name}.int8"
    assert prove_c(generated.write(folder), regenerate).files == generated.files
    graph = read_graph(content)
    expected = reference(content, graph, source.calibration.images)
    classes = graph.output.size
    given = run_model(folder, stem, prefix, source.calibration.images, classes, folder, ("gcc", "-O1"))
    np.testing.assert_array_equal(given.logits, expected.logits)
    np.testing.assert_array_equal(given.probabilities, expected.probabilities)
    library = folder / f"{stem}.so"
    build(["gcc", *STRICT, "-O3", "-shared", "-fPIC"], folder / f"{stem}_host.c", output=library)
    with load_predictor(library, run_foreign_code=True) as predictor:
        np.testing.assert_array_equal(predictor.engine.run(source.calibration.images), expected.probabilities)
        assert predictor.class_names == source.class_names
    return generated.files[".c"].decode("ascii")


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ((9, 7), dense(20, 33, 5)),
        ((4, 4, 3), dense(17, 2, activation="relu6")),
        ((28, 28), dense(3)),
        ((5, 5), dense(130, 64, 300)),
    ],
    ids=["two hidden layers", "relu6 and colours", "no hidden layer", "300 classes"],
)
def test_other_networks_give_the_reference_bytes(source_of, tmp_path, shape, layers):
    source = source_of(shape, layers)
    content = tflite.int8(source, ExportOptions()).content
    assert_same_bytes(content, source, "small", tmp_path / "c")


def test_one_scale_for_all_channels_gives_the_reference_bytes(source_of, tmp_path):
    source = source_of((9, 7), dense(40, 6))
    converter = tflite.calibrated_converter(source, "TFLITE_BUILTINS_INT8")
    converter.inference_input_type = converter.inference_output_type = tflite.tf.uint8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    content = finish(tflite.run(converter), source, "int8")
    text = assert_same_bytes(content, source, "small", tmp_path / "c")
    assert "_multiplier[" not in text


def test_an_int8_input_and_output_become_pixels_and_shares(source_of, tmp_path):
    source = source_of((9, 7), dense(40, 6))
    content = tflite.int8(source, ExportOptions(io="int8")).content
    assert_same_bytes(content, source, "small", tmp_path / "c")


def test_a_quantize_that_rescales_gives_the_reference_bytes(source_of, tmp_path):
    source = source_of((9, 7), dense(40, 6))
    model = unpack(tflite.int8(source, ExportOptions()).content, schema)
    graph = model.subgraphs[0]
    for tensor in graph.tensors:
        if tensor.type == schema.TensorType.INT8 and list(tensor.shape) in ([1, 9, 7], [1, 63]):
            tensor.quantization.scale = tensor.quantization.scale * np.float32(1.7)
            tensor.quantization.zeroPoint = np.array([-100], np.int64)
    text = assert_same_bytes(pack(model), source, "small", tmp_path / "c")
    assert "QUANTIZE(image) -> uint8 layer_1[63]" in text


def test_names_and_labels_may_hold_anything(source_of, tmp_path):
    labels = ('a "quoted" \\ label', "two\nlines", "Größe ??/", "*/ int x; /*")
    source = source_of((6, 6), dense(8, 4), name="2-big.v1.5", labels=labels)
    content = tflite.int8(source, ExportOptions()).content
    text = assert_same_bytes(content, source, "model_2_big_v1_5", tmp_path / "c")
    assert "void model_2_big_v1_5_logits(" in text
    assert '"Gr\\303\\266\\303\\237e \\077\\077/"' in text


def with_metadata(tflite_content, key, value):
    """Let a TFLite file say something else of itself."""
    model = unpack(tflite_content, schema)
    entry = next(entry for entry in model.metadata if entry.name == f"edgemnist.{key}".encode())
    model.buffers[entry.buffer].data = np.frombuffer(json.dumps(value).encode(), np.uint8)
    return pack(model)


@pytest.mark.parametrize(
    "name",
    [
        'say "hi"',
        "back\\slash",
        "Größe",
        "../../home/payload",
        "/home/payload",
        "a */ __attribute__((constructor)) void f(void)<% %> /* b",
        "two\nlines",
    ],
)
def test_a_name_that_could_be_more_than_a_name_in_c_is_refused(tflite_content, test_split, name):
    """A stranger's TFLite file is what C is generated of: nothing in it may become code."""
    with pytest.raises(ConversionError, match="name cannot be a C file's"):
        write_files(with_metadata(tflite_content, "model", name), test_split.images[:20])


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize(
    "change",
    [
        {"shape": [None, 1]},
        {"shape": [None, 4000]},
        {"dtype": "int8"},
        {"scale": 1.5},
        {"zero_point": 3},
    ],
    ids=str,
)
def test_a_contract_other_than_the_graphs_is_refused(tflite_content, test_split, side, change):
    """The engine lays out memory by the contract, and the header has its numbers."""
    contract = read_graph(tflite_content).contract
    changed = msgspec.to_builtins(getattr(contract, side)) | change
    with pytest.raises(ConversionError, match="contract inside the file is not that of its graph"):
        write_files(with_metadata(tflite_content, side, changed), test_split.images[:20])


def test_code_in_place_of_a_number_is_refused_by_its_type(tflite_content, test_split):
    changed = msgspec.to_builtins(read_graph(tflite_content).contract.input)
    changed["zero_point"] = "0\n__attribute__((constructor)) static void f(void) {}"
    with pytest.raises(ArtifactError, match=r"Expected `int`, got `str` - at `\$\.input\.zero_point`"):
        write_files(with_metadata(tflite_content, "input", changed), test_split.images[:20])


def test_another_number_of_labels_than_classes_is_refused(tflite_content, test_split):
    with pytest.raises(ConversionError, match=r"is not that of its graph; .* and 3 labels"):
        write_files(with_metadata(tflite_content, "labels", ["a", "b", "c"]), test_split.images[:20])


def test_c_under_another_name_is_not_proven(artifacts, tmp_path):
    """It includes its other files by the name in it: those of the folder that it lies in."""
    for path in artifacts.glob(f"{STEM}*"):
        shutil.copy(path, tmp_path / path.name.replace("mnist", "other"))
    with pytest.raises(ProofError, match=r"makes C of another name; received mnist\.int8;"):
        prove_c(tmp_path / "other.int8.c", regenerate)


@pytest.mark.parametrize(
    ("layers", "operator"),
    [
        (dense(8, 4, activation="tanh"), "TANH"),
        ([keras.layers.Conv2D(2, 3), *dense(4)], "CONV_2D"),
    ],
    ids=["tanh", "convolution"],
)
def test_an_unknown_operator_is_refused_by_name(source_of, layers, operator):
    source = source_of((6, 6, 1), layers)
    content = tflite.int8(source, ExportOptions()).content
    with pytest.raises(ConversionError, match=f"no C for the operator {operator}; expected only FULLY_CONN"):
        write_files(content, source.calibration.images)


def test_a_model_without_a_softmax_at_its_end_is_refused(source_of):
    source = source_of((6, 6), dense(8, 4, last="relu"))
    with quiet():
        content = tflite.int8(source, ExportOptions()).content
    with pytest.raises(ConversionError, match="one SOFTMAX at the end; received QUANTIZE, RESHAPE, FULLY_"):
        write_files(content, source.calibration.images)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist", "mnist"),
        ("my-model.v2", "my_model_v2"),
        ("2nd", "model_2nd"),
        ("_x", "model_x"),
        ("ß", "model_"),
    ],
)
def test_any_name_becomes_a_beginning_of_c_identifiers(name, expected):
    assert texts.identifier(name) == expected
