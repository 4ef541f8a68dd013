"""Generated C, compiled by real compilers, gives LiteRT's reference bytes for every test image."""

import ctypes
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgemnist.export.backend import keras
from edgemnist.export.calibration import Calibration
from edgemnist.export.codegen.artifact import choose_samples, make_c, raw_images
from edgemnist.export.codegen.emitting import texts
from edgemnist.export.codegen.emitting.writing import read_plan
from edgemnist.export.codegen.proving.regenerate import regenerate
from edgemnist.export.convert import tflite
from edgemnist.export.convert.options import ExportOptions
from edgemnist.export.convert.source import load_source
from edgemnist.export.convert.tflite_file import finish, pack
from edgemnist.proof.generated_c import prove_c
from edgemnist.runtime import load_predictor
from edgemnist.runtime.artifact.tflite_file import unpack
from edgemnist.runtime.errors import ConversionError, ProofError
from edgemnist.runtime.process import quiet
from edgemnist.runtime.signature import SignatureOptions

STEM = "mnist.int8"
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")

# One call for many images, so that a test spends its time in the model. The logits are what the layer before
# the softmax writes: the model's functions do not give them out.
DRIVER = """
#include <stdint.h>
static int8_t *logits;
static void keep(int call, const void *bytes, int32_t size)
{{
    for (int32_t i = 0; call == {logits_call} && i < size; ++i) {{
        logits[i] = ((const int8_t *)bytes)[i];
    }}
}}
#define {macro}_AFTER_LAYER(number, bytes, size) keep(number, bytes, size)
#include "{file}.c"
void run_all(const {input_type} *images, int32_t count, int8_t *all, {output_type} *shares, int32_t *classes);
void run_all(const {input_type} *images, int32_t count, int8_t *all, {output_type} *shares, int32_t *classes)
{{
    static uint32_t arena[{macro}_ARENA_BYTES / 4 + 1];

    for (int32_t i = 0; i < count; ++i) {{
        logits = all + i * {macro}_OUTPUT_SIZE;
        {prefix}_run(images + i * {macro}_INPUT_SIZE, shares + i * {macro}_OUTPUT_SIZE, arena);
        classes[i] = -1;
#ifdef {macro}_PIXELS
        if (i < 500) {{
            classes[i] = {prefix}_classify(images + i * {macro}_PIXELS);
        }}
#endif
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


def reference(content, images):
    """Run LiteRT's reference kernels: what goes into the softmax, and the outputs as they are."""
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    end = interpreter.get_input_details()[0]
    raw = raw_images(content, images)[:, 0]
    interpreter.resize_tensor_input(end["index"], raw.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(end["index"], raw)
    interpreter.invoke()
    (softmax,) = (one for one in interpreter._get_ops_details() if one["op_name"] == "SOFTMAX")
    logits = interpreter.get_tensor(int(softmax["inputs"][0]))
    outputs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return Answers(logits, outputs, outputs[:500].argmax(axis=1))


def run_model(folder: Path, stem: str, content, images, work: Path, command) -> Answers:
    """Compile `<stem>.c` of a folder with a driver and run it on images."""
    plan = read_plan(content)
    prefix = texts.identifier(stem.removesuffix(".int8"))
    softmax = next(number for number, step in enumerate(plan.steps) if step.kernel == "softmax")
    facts = {
        "logits_call": softmax - 1,
        "file": stem,
        "prefix": prefix,
        "macro": prefix.upper(),
        "input_type": f"{plan.graph.inputs[0].dtype}_t",
        "output_type": f"{plan.graph.outputs[0].dtype}_t",
    }
    driver = work / "driver.c"
    driver.write_text(DRIVER.format(**facts))
    flags = [*command, *STRICT, "-shared", "-fPIC", f"-I{folder}"]
    library = ctypes.CDLL(str(build(flags, driver, output=work / "model.so")))
    raw = np.ascontiguousarray(raw_images(content, images))
    classes = plan.graph.outputs[0].size
    logits = np.zeros((len(raw), classes), np.int8)
    probabilities = np.zeros((len(raw), classes), plan.graph.outputs[0].dtype)
    numbers = np.zeros(len(raw), np.int32)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (raw, logits, probabilities, numbers)]
    library.run_all(pointers[0], ctypes.c_int32(len(raw)), *pointers[1:])
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
    return reference(tflite_content, test_split.inputs)


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
    artifacts, tflite_content, golden, test_split, tmp_path, compiler, optimization
):
    command = (compiler, *optimization)
    given = run_model(artifacts, STEM, tflite_content, test_split.inputs, tmp_path, command)
    np.testing.assert_array_equal(given.logits, golden.logits)
    np.testing.assert_array_equal(given.probabilities, golden.probabilities)
    np.testing.assert_array_equal(given.classes, golden.classes)


def test_the_shared_library_gives_the_same_bytes(artifacts, golden, test_split):
    with load_predictor(artifacts / f"{STEM}.c") as predictor:
        together = predictor.engine.run(test_split.inputs)
        alone = np.concatenate([predictor.engine.run(image[None]) for image in test_split.inputs[:2000]])
    np.testing.assert_array_equal(together, golden.probabilities)
    np.testing.assert_array_equal(alone, golden.probabilities[:2000])


HOST_CHECK = """
#include "mnist.int8_host.c"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    FILE *file = fopen(argv[argc - 1], "rb");
    uint8_t *image = malloc(MNIST_PIXELS); /* so that a byte too far is noticed */
    uint8_t *given = malloc(MNIST_CLASSES), *expected = malloc(MNIST_CLASSES);
    int wrong = 0, images = 0;

    while (fread(image, MNIST_PIXELS, 1, file) == 1) {
        mnist_probabilities(image, expected);
        for (int32_t variant = 0; variant < edgemnist_variants(); ++variant) {
            if (edgemnist_supports(variant)) {
                uint8_t *arena = malloc((size_t)edgemnist_arena_bytes(variant) + 64);
                const void *inputs[1] = { image };
                void *outputs[1] = { given };

                edgemnist_run_many(variant, inputs, 1, outputs, arena);
                wrong += memcmp(given, expected, MNIST_CLASSES) != 0;
                edgemnist_one(variant, image, given, arena);
                wrong += memcmp(given, expected, MNIST_CLASSES) != 0;
                free(arena);
            }
        }
        ++images;
    }
    free(image), free(given), free(expected), fclose(file);
    return wrong || images != 300;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("sanitized", [False, True], ids=["fast", "sanitized"])
def test_every_variant_of_the_library_that_runs_here_gives_the_same_bytes(
    c_files, test_split, compiler, sanitized
):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (99, 28, 28), dtype=np.uint8)
    white = np.full((1, 28, 28), 255, np.uint8)
    (c_files / "images").write_bytes(np.concatenate([test_split.inputs[:200], noise, white]).tobytes())
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
    first = r"((?s:layer_0_weights\[.*?)\n(?:BESIDE|APART)(?:_OF_ROWS\(\d+, \d+, |\())-?\d+,"
    edit(c_files / f"{STEM}.c", first, r"\g<1>99,")
    assert selftest(c_files).returncode == 255


def test_the_self_test_notices_wrong_arithmetic(c_files):
    edit(c_files / f"{STEM}.c", r"32, 0\) >> \(-2 - exponent\)", "32, 0) >> (-1 - exponent)")
    assert 1 <= selftest(c_files).returncode <= 10


def test_the_self_test_uses_an_image_of_each_class(c_files):
    text = (c_files / f"{STEM}_selftest.c").read_text()
    outputs = re.search(r"outputs\[COUNT\]\[10\] = \{(.*?)^\};", text, re.DOTALL | re.MULTILINE).group(1)
    shares = np.array([int(number) for number in re.findall(r"\d+", outputs)]).reshape(10, 10)
    assert sorted(shares.argmax(axis=1)) == list(range(10))


def test_the_code_is_plain_c_with_one_standard_header(c_files):
    for file in (f"{STEM}.c", f"{STEM}.h"):
        text = (c_files / file).read_text(encoding="ascii")
        included = re.findall("#include (.*)", text)
        # besides, those of the compiler itself for the instructions of a Cortex-M that has them
        standard = [one for one in included if one not in {"<arm_acle.h>", "<arm_mve.h>"}]
        assert standard == ['"mnist.int8.h"' if file.endswith(".c") else "<stdint.h>"]
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert not re.search(r"\b(double|malloc)\b", code)
        # the header has real numbers for those who convert them, the model has none
        assert file.endswith(".h") or not re.search(r"\bfloat\b", code)


def test_nothing_in_the_object_file_can_be_written_to(c_files):
    build(["gcc", "-O2", "-c", "-fno-pic"], c_files / f"{STEM}.c", output=c_files / "model.o")
    sizes = subprocess.run(["size", c_files / "model.o"], capture_output=True, text=True, check=True)
    _, data, bss = sizes.stdout.splitlines()[1].split()[:3]
    assert (data, bss) == ("0", "0")


def test_the_softmax_rounds_as_litert_does_on_any_logits(c_files, tflite_content):
    """On 30,000 rows of logits of all spreads, ties among them: LiteRT's reference kernel, byte for byte."""
    rng = np.random.default_rng(1)
    spread = rng.integers(1, 129, (30_000, 1))
    logits = (rng.integers(-128, 128, (30_000, 10)) * spread // 128 + rng.integers(-8, 9)).clip(-128, 127)
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

    steps = read_plan(tflite_content).steps
    logits_call = next(number for number, step in enumerate(steps) if step.kernel == "softmax") - 1
    (c_files / "rows.c").write_text(
        "#include <stdint.h>\n"
        "static const uint8_t *row;\n"
        "static void change(void *bytes) { for (int i = 0; i < 10; ++i) ((uint8_t *)bytes)[i] = row[i]; }\n"
        "#define MNIST_AFTER_LAYER(number, bytes, size)"
        f" do {{ if (number == {logits_call}) change(bytes); }} while (0)\n"
        '#include "mnist.int8.c"\n'
        "void rows(const uint8_t *in, int32_t count, uint8_t *out)\n"
        "{ static uint8_t image[784]; static uint32_t arena[MNIST_ARENA_BYTES / 4 + 1];\n"
        "for (int32_t i = 0; i < count; ++i)\n"
        "{ row = in + 10 * i; mnist_run(image, out + 10 * i, arena); } }\n"
    )
    library = build(["gcc", "-O2", "-shared", "-fPIC"], c_files / "rows.c", output=c_files / "rows.so")
    given = np.zeros_like(expected)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (logits, given)]
    ctypes.CDLL(str(library)).rows(pointers[0], len(logits), pointers[1])
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
        return load_source(path, Calibration(images, np.arange(200), (), 0), SignatureOptions(labels=labels))

    return make


def dense(*units, activation="relu", last="softmax"):
    *hidden, classes = units
    return [
        keras.layers.Flatten(),
        *(keras.layers.Dense(size, activation=activation, bias_initializer="normal") for size in hidden),
        keras.layers.Dense(classes, activation=last),
    ]


def assert_same_bytes(content, source, folder):
    """Check C files of a TFLite file, and the library of them, against the reference kernels."""
    images = source.calibration.inputs
    generated = make_c(content, source.name, samples=choose_samples(content, images))
    folder.mkdir()
    stem = f"{source.name}.int8"
    assert prove_c(generated.write(folder), regenerate).files == generated.files
    expected = reference(content, images)
    given = run_model(folder, stem, content, images, folder, ("gcc", "-O1"))
    np.testing.assert_array_equal(given.logits, expected.logits)
    np.testing.assert_array_equal(given.probabilities, expected.probabilities)
    library = folder / f"{stem}.so"
    build(["gcc", *STRICT, "-O3", "-shared", "-fPIC"], folder / f"{stem}_host.c", output=library)
    with load_predictor(library, run_foreign_code=True) as predictor:
        answers = predictor.engine.run(raw_images(content, images)[:, 0])
        np.testing.assert_array_equal(answers, expected.probabilities)
        assert predictor.class_names == source.signature.output.labels
    return generated.files[".c"].decode("ascii")


@pytest.mark.slow
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
    assert_same_bytes(content, source, tmp_path / "c")


@pytest.mark.slow
def test_one_scale_for_all_channels_gives_the_reference_bytes(source_of, tmp_path):
    source = source_of((9, 7), dense(40, 6))
    form = source.quantizer_form()
    converter = tflite._calibrated(source, form, "TFLITE_BUILTINS_INT8")
    converter.inference_input_type = converter.inference_output_type = tflite.tf.uint8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    content = finish(tflite.run(converter), source, "int8", form.signature)
    text = assert_same_bytes(content, source, tmp_path / "c")
    found = re.search(r"layer_0_multiplier\[40\] = \{(.*?)\}", text, re.DOTALL)
    assert len(set(found[1].split())) == 1


@pytest.mark.slow
def test_an_int8_input_and_output_stay_what_they_are(source_of, tmp_path):
    source = source_of((9, 7), dense(40, 6))
    content = tflite.int8(source, ExportOptions(io="int8")).content
    assert_same_bytes(content, source, tmp_path / "c")


@pytest.mark.slow
def test_a_quantize_that_rescales_gives_the_reference_bytes(source_of, tmp_path):
    source = source_of((9, 7), dense(40, 6))
    model = unpack(tflite.int8(source, ExportOptions()).content, schema)
    graph = model.subgraphs[0]
    for tensor in graph.tensors:
        if tensor.type == schema.TensorType.INT8 and list(tensor.shape) in ([1, 9, 7], [1, 63]):
            tensor.quantization.scale = tensor.quantization.scale * np.float32(1.7)
            tensor.quantization.zeroPoint = np.array([-100], np.int64)
    text = assert_same_bytes(pack(model), source, tmp_path / "c")
    assert "0: QUANTIZE" in text


@pytest.mark.slow
def test_names_and_labels_may_hold_anything(source_of, tmp_path):
    labels = ('a "quoted" \\ label', "two\nlines", "Größe ??/", "*/ int x; /*")
    source = source_of((6, 6), dense(8, 4), name="2-big.v1.5", labels=labels)
    content = tflite.int8(source, ExportOptions()).content
    text = assert_same_bytes(content, source, tmp_path / "c")
    assert "void model_2_big_v1_5_run(" in text
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
def test_a_name_that_could_be_more_than_a_name_in_c_is_refused(tflite_content, name):
    """Names of files come from a stranger, too: nothing in them may become code."""
    with pytest.raises(ConversionError, match="name cannot be a C file's"):
        make_c(tflite_content, name)


_WILD = pytest.mark.parametrize(
    "value",
    [
        "*/ int x; /*",
        *(
            pytest.param(value, marks=pytest.mark.slow)
            for value in (None, {"shape": [None, 4000]}, ["a", "b"], 7, [{}] * 10)
        ),
    ],
    ids=str,
)


@pytest.fixture(scope="module")
def plain_c(tflite_content):
    return make_c(tflite_content, "mnist")


@pytest.mark.parametrize("key", ["input", "output", "tools", "model"])
@_WILD
def test_what_a_file_says_of_itself_cannot_change_the_c(tflite_content, plain_c, key, value):
    """The C is written by the graph alone; texts of a stranger's file are texts, or left out."""
    generated = make_c(with_metadata(tflite_content, key, value), "mnist")
    for ending in (".c", ".h"):
        assert _without_hashes(generated.files[ending]) == _without_hashes(plain_c.files[ending])


@pytest.mark.slow
@_WILD
def test_what_a_file_calls_its_classes_cannot_change_what_the_c_computes(
    tflite_content, test_split, tmp_path, value
):
    changed, images = with_metadata(tflite_content, "labels", value), test_split.inputs[:20]
    folder = make_c(changed, "mnist").write(tmp_path).parent
    given = run_model(folder, STEM, changed, images, tmp_path, ("gcc",))
    np.testing.assert_array_equal(given.probabilities, reference(changed, images).probabilities)


def _without_hashes(text):
    return re.sub(rb"sha256 [0-9a-f]{64}", b"", text)


def test_c_under_another_name_is_not_proven(artifacts, tmp_path):
    for path in artifacts.glob(f"{STEM}*"):
        shutil.copy(path, tmp_path / path.name.replace("mnist", "other"))
    with pytest.raises(
        ProofError, match=r"other\.int8\.c is not what edgemnist .* makes of other\.int8\.tflite"
    ):
        prove_c(tmp_path / "other.int8.c", regenerate)


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers",
    [
        dense(8, 4, activation="tanh"),
        [keras.layers.Conv2D(2, 3), *dense(4)],
        [keras.layers.Conv2D(4, 3, strides=2, padding="same"), keras.layers.DepthwiseConv2D(3), *dense(8, 4)],
    ],
    ids=["tanh", "convolution", "depthwise convolution"],
)
def test_image_classifiers_of_other_layers_give_the_reference_bytes(source_of, tmp_path, layers):
    source = source_of((6, 6, 1), layers)
    assert_same_bytes(tflite.int8(source, ExportOptions()).content, source, tmp_path / "c")


def test_an_unknown_operator_is_refused_by_name_and_layer(source_of):
    source = source_of((6, 6, 1), [keras.layers.Activation("softplus"), *dense(4)])
    with pytest.raises(ConversionError, match=r"\w+ '.*' \(operator \d+\): there is no C for the operator"):
        make_c(tflite.int8(source, ExportOptions()).content, "small")


def test_a_model_without_a_softmax_at_its_end_has_no_functions_for_classes(source_of):
    source = source_of((6, 6), dense(8, 4, last="relu"))
    with quiet():
        content = tflite.int8(source, ExportOptions()).content
    header = make_c(content, "small").files[".h"].decode("ascii")
    assert "small_run(const uint8_t *input, uint8_t *output, void *arena)" in header
    assert "_classify" not in header


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
