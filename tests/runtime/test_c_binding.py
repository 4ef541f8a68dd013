"""The binding for models in C gives what ctypes gives, and only this user's own build of it is loaded."""

import ctypes
import multiprocessing
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edgemnist.export.codegen import compiler
from edgemnist.runtime import load_predictor
from edgemnist.runtime.engines import c_binding
from edgemnist.runtime.errors import EngineError, InputError
from edgemnist.runtime.isolation.native_code import keep_build, kept_build

SOURCE = "mnist.int8.c"
NAME = c_binding.binding_name()
HEADER = Path(sysconfig.get_path("include"), "Python.h")
pytestmark = pytest.mark.skipif(
    NAME is None or not HEADER.is_file() or not compiler.has_compiler(),
    reason="no binding can be built for this Python",
)
ECHO = """
#include <stdint.h>
#include <string.h>
/* Copies the input, and for variant 7 says where the arena begins and whether it is zeros. */
void echo(int32_t variant, const uint8_t *input, uint8_t *output, uint8_t *arena)
{
    memcpy(output, input, 4);
    if (variant == 7) {
        output[0] = (uint8_t)((uintptr_t)arena % 64);
        for (int i = 0; i < 1000; ++i) output[1] |= arena[i];
    }
}
"""
WAIT = """
#include <stdint.h>
#include <unistd.h>
void wait_for(int32_t variant, const uint8_t *input, uint8_t *output, uint8_t *arena)
{
    output[0] = input[0];
    usleep(300000);
}
"""


@pytest.fixture(autouse=True, scope="module")
def built():
    assert compiler.build_binding()


@pytest.fixture(scope="module")
def bound(artifacts):
    with load_predictor(artifacts / SOURCE) as predictor:
        assert predictor._one is not None
        yield predictor


@pytest.fixture
def unbound(artifacts, monkeypatch):
    monkeypatch.setattr(c_binding, "binding_name", lambda: None)
    with load_predictor(artifacts / SOURCE) as predictor:
        assert predictor._one is None
        yield predictor


def library_of(code: str, folder: Path) -> Path:
    (folder / "code.c").write_text(code)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "code.so", folder / "code.c"], check=True)
    return folder / "code.so"


def caller(code: str, function: str, folder: Path, variant=0, labels="abcd", is_signed=False):
    """Return the binding's call of a function in C with an input of 4 bytes."""
    library = ctypes.CDLL(str(library_of(code, folder)))
    address = ctypes.cast(library[function], ctypes.c_void_p).value
    parts = tuple(labels), tuple(byte / 255 for byte in range(256)), lambda *found: found, library
    return c_binding._caller_in(kept_build(NAME))(address, variant, 1000, (4,), is_signed, parts).one


def test_the_binding_gives_the_answers_that_ctypes_gives(bound, unbound, test_split):
    noise = np.random.default_rng(0).integers(0, 256, (100, 28, 28), np.uint8)
    for image in (*test_split.inputs[:300], *noise):
        found, expected = bound.predict(image), unbound.predict(image)
        one, other = found[0], expected[0]
        assert (one.label, one.index, one.confidence) == (other.label, other.index, other.confidence)
        assert one.probabilities.tobytes() == other.probabilities.tobytes()
        assert found.probabilities.tobytes() == expected.probabilities.tobytes()


def test_its_answer_can_be_read_in_every_way(bound, unbound, digit):
    found, expected = bound.predict(digit), unbound.predict(digit)
    assert len(found) == 1
    assert [one.label for one in found] == [found[-1].label] == list(found[:1].labels) == ["7"]
    assert found.labels == expected.labels
    assert found.indices.tolist() == expected.indices.tolist()
    assert found.confidences.tolist() == expected.confidences.tolist()
    assert found[0].top(3) == expected[0].top(3)
    assert found[0].class_names == tuple("0123456789")
    assert repr(found[0]) == repr(expected[0])
    with pytest.raises(IndexError):
        found[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image[None],
        np.asfortranarray,
        lambda image: np.stack([image, image], axis=2)[..., 0],
        lambda image: image / 255,
        memoryview,
        lambda image: image.view(np.ma.MaskedArray),
    ],
    ids=["a batch of one", "Fortran's order", "strided", "floats", "a memoryview", "a subclass"],
)
def test_other_forms_of_an_image_get_the_same_answer(bound, digit, change):
    assert (
        bound.predict(change(digit)).probabilities.tobytes() == bound.predict(digit).probabilities.tobytes()
    )


@pytest.mark.parametrize(
    "image",
    [np.zeros((28, 27), np.uint8), np.zeros((28, 28), np.int8), np.zeros((28, 28), bool), b"\0" * 784, None],
    ids=["another shape", "int8", "bool", "bytes", "nothing"],
)
def test_what_is_no_image_is_refused_as_ever(bound, image):
    with pytest.raises(InputError):
        bound.predict(image)


def test_a_closed_predictor_says_so(artifacts, digit):
    predictor = load_predictor(artifacts / SOURCE)
    predictor.close()
    with pytest.raises(EngineError, match="is closed"):
        predictor.predict(digit)


def _answer_in_a_child(predictor, image, answers):
    answers.put(
        (predictor.predict(image)[0].label, predictor.predict(image)[0].label, predictor._one is None)
    )


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_loads_it_anew(bound, digit):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_answer_in_a_child, args=(bound, digit, answers))
    child.start()
    assert answers.get(timeout=60) == ("7", "7", False)
    child.join()


def test_the_first_of_the_largest_outputs_is_the_answer(tmp_path):
    one = caller(ECHO, "echo", tmp_path)
    label, index, share, row, _ = one(np.array([3, 200, 200, 7], np.uint8))
    assert (label, index, share, row) == ("b", 1, 200 / 255, bytes([3, 200, 200, 7]))


def test_signed_outputs_are_compared_as_such(tmp_path):
    one = caller(ECHO, "echo", tmp_path, is_signed=True)
    assert one(np.array([-128, -1, 5, 5], np.int8).view(np.uint8))[:2] == ("c", 2)


def test_the_arena_is_aligned_and_holds_zeros(tmp_path):
    row = caller(ECHO, "echo", tmp_path, variant=7)(bytes(4))[3]
    assert row[:2] == b"\0\0"


def test_answers_that_are_dropped_free_what_they_hold(tmp_path):
    one = caller(ECHO, "echo", tmp_path, labels=("first", "second", "third", "fourth"))
    image = np.array([9, 1, 1, 1], np.uint8)
    label, before = one(image)[0], sys.getrefcount(image)
    held = sys.getrefcount(label)
    for _ in range(1000):
        one(image)
        one(None)
        one(image[:2])
    assert (sys.getrefcount(label), sys.getrefcount(image)) == (held, before)


def test_a_slow_model_lets_other_threads_run_and_takes_one_call_at_a_time(tmp_path):
    one = caller(WAIT, "wait_for", tmp_path, labels="a")
    found = []
    thread = threading.Thread(target=lambda: found.append(one(b"\5\0\0\0")))
    thread.start()
    time.sleep(0.1)
    assert not found  # so this thread runs while that one is in the library
    assert one(b"\6\0\0\0") is None
    thread.join()
    assert found[0][3] == b"\5"


@pytest.mark.parametrize("damage", ["writable by others", "no library"])
def test_a_build_that_cannot_be_trusted_or_loaded_is_not_used(
    tmp_path, monkeypatch, artifacts, digit, damage
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    content = b"\x7fELF" if damage == "no library" else b""
    path = keep_build(NAME, content or (compiler.build_binding() and kept_build(NAME).read_bytes()))
    if damage == "writable by others":
        path.chmod(0o666)
    with load_predictor(artifacts / SOURCE, run_foreign_code=True) as predictor:
        assert predictor._one is None
        assert predictor.predict(digit)[0].label == "7"


def test_without_pythons_headers_nothing_is_built(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(compiler.sysconfig, "get_path", lambda _: str(tmp_path))
    assert not compiler.build_binding()
    assert kept_build(NAME) is None


def test_a_compiler_that_fails_leaves_no_binding(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "false")
    assert not compiler.build_binding()


def test_models_that_need_more_than_pixels_go_through_ctypes(bound):
    signature = bound.signature
    probabilities = bound.predict(np.zeros((28, 28), np.uint8)).probabilities
    as_logits = bound.with_signature(
        type(signature)(signature.input, type(signature.output)("values", (10,), (), "none"))
    )
    assert as_logits._one is None
    assert as_logits.predict(np.zeros((28, 28), np.uint8)).values.tobytes() == probabilities.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_one_build_serves_every_python(version, tmp_path):
    code = """
import ctypes, sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
loader = ExtensionFileLoader("edgemnist_c_binding", sys.argv[1])
module = module_from_spec(spec_from_loader(loader.name, loader))
loader.exec_module(module)
echo = ctypes.cast(ctypes.CDLL(sys.argv[2]).echo, ctypes.c_void_p).value
parts = tuple("abcd"), tuple(range(256)), lambda *found: found, None
print(*module.Caller(echo, 0, 8, (4,), False, parts).one(bytes([1, 2, 9, 3]))[:3])
"""
    library = library_of(ECHO, tmp_path)
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-V"], capture_output=True, check=False).returncode:
        pytest.skip(f"no Python {version}")
    done = subprocess.run(
        [python, "-c", code, kept_build(NAME), library], capture_output=True, text=True, check=False
    )
    assert done.stdout == "c 2 9\n", done.stderr
