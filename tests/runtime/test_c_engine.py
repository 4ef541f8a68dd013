"""The engine for models compiled from C: the same protocol, and no crash for a library that is not right."""

import concurrent.futures
import ctypes
import json
import multiprocessing
import pickle
import re
import shutil
import struct
import subprocess

import numpy as np
import pytest

from edgemnist.runtime import Probe, load_predictor
from edgemnist.runtime.errors import (
    ArtifactError,
    ArtifactNotFoundError,
    EngineError,
    IntegrityError,
    ManifestError,
)
from edgemnist.runtime.files import sha256_of

SOURCE, LIBRARY = "mnist.int8.c", "mnist.int8.so"
_MACHINE_OFFSET = 18  # e_machine in an ELF header
_AARCH64 = 183


@pytest.fixture(scope="module")
def predictor(artifacts):
    with load_predictor(artifacts / SOURCE) as loaded:
        yield loaded


@pytest.fixture
def library(artifacts, tmp_path):
    """A copy of the library, without the manifest."""
    return shutil.copy(artifacts / LIBRARY, tmp_path / LIBRARY)


@pytest.fixture
def foreign_library(library):
    """The same library as bytes that nobody built here: what follows an ELF file's sections is not read."""
    with library.open("ab") as file:
        file.write(b"\0")
    return library


DEFINITIONS = (
    "-DVERSION_2=const unsigned edgemnist_abi_version = 2;",
    "-DDESCRIPTION=const char edgemnist_description[]",
)


def compiled(code, path):
    (path.parent / "code.c").write_text(code)
    subprocess.run(["gcc", *DEFINITIONS, "-shared", "-fPIC", "-o", path, path.parent / "code.c"], check=True)
    return path


def test_a_c_file_is_run_by_the_library_beside_it(predictor, artifacts):
    assert predictor.engine_name == "c"
    assert predictor.path == artifacts / LIBRARY
    assert predictor.class_names == tuple("0123456789")
    assert (predictor.input.shape, predictor.input.dtype) == ((None, 28, 28), "uint8")


def test_one_image_a_batch_and_a_view_of_one_get_the_same_answers(predictor, test_split):
    images = test_split.inputs[:200]
    together = predictor.predict(images).probabilities
    alone = [predictor.predict(image).probabilities[0] for image in images]
    every_second = np.stack([images, images], axis=1).reshape(-1, 28, 28)[::2]
    mirrored = np.ascontiguousarray(images[..., ::-1])[..., ::-1]
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(predictor.predict(every_second).probabilities, together)
    np.testing.assert_array_equal(predictor.predict(mirrored).probabilities, together)
    np.testing.assert_array_equal(predictor.predict(mirrored[3]).probabilities[0], together[3])


def test_an_answer_does_not_change_when_the_next_image_comes(predictor, test_split):
    first = predictor.predict(test_split.inputs[0])
    before = first.probabilities.copy()
    predictor.predict(test_split.inputs[1])
    np.testing.assert_array_equal(first.probabilities, before)


def test_threads_get_the_answers_that_one_thread_gets(predictor, test_split):
    images = test_split.inputs[:2000]
    expected = predictor.predict(images).indices
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        labels = list(pool.map(lambda image: predictor.predict(image).indices[0], images))
    np.testing.assert_array_equal(labels, expected)


def test_a_large_batch_shared_by_threads_gets_the_same_answers(predictor, artifacts, test_split):
    with load_predictor(artifacts / SOURCE, num_threads=3) as shared:
        for count in (2, 191, 192, 1000):
            images = test_split.inputs[:count]
            np.testing.assert_array_equal(
                shared.predict(images).probabilities, predictor.predict(images).probabilities
            )


def _label_in_a_child(predictor, image, answers):
    answers.put(int(predictor.predict(image).indices[0]))


# Python 3.12 warns of every fork in a process with threads; that this engine survives it is what is tested.
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_predicts_too(predictor, digit, method):
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    given = predictor if method == "fork" else pickle.loads(pickle.dumps(predictor))
    child = context.Process(target=_label_in_a_child, args=(given, digit, answers))
    child.start()
    assert answers.get(timeout=60) == 7
    child.join()


def test_a_closed_engine_says_so(artifacts, digit):
    predictor = load_predictor(artifacts / SOURCE)
    predictor.close()
    with pytest.raises(EngineError, match="is closed"):
        predictor.predict(digit)
    with pytest.raises(EngineError, match="is closed"):
        predictor.engine.run(digit[None])


@pytest.mark.parametrize("batch", [np.zeros((1, 5, 5), np.uint8), np.zeros((2, 28, 28), np.float32)])
def test_the_engine_reads_no_batch_that_is_too_short_or_of_another_type(predictor, batch):
    with pytest.raises(EngineError, match="cannot run such a batch; received"):
        predictor.engine.run(batch)


def test_a_c_file_without_its_library_says_how_to_compile_it(artifacts_copy):
    (artifacts_copy / LIBRARY).unlink()
    with pytest.raises(
        ArtifactNotFoundError, match=r"not compiled: .* mnist\.int8\.so .*--compile` compiles it"
    ):
        load_predictor(artifacts_copy / SOURCE)


def test_a_library_that_was_built_here_loads_wherever_it_lies(library, digit):
    with load_predictor(library) as predictor:
        assert predictor.predict(digit).indices[0] == 7


@pytest.mark.parametrize("options", [{}, {"probe": Probe(when="never")}], ids=["usual", "never probed"])
def test_a_library_that_was_not_built_here_is_not_loaded(foreign_library, options):
    """A trial run in a subprocess would be a run of whatever is in it."""
    with pytest.raises(IntegrityError, match="is native code, and this user has not built it"):
        load_predictor(foreign_library, **options)


def test_a_foreign_library_loads_with_its_sha256_or_on_request(foreign_library, digit):
    for options in ({"sha256": sha256_of(foreign_library)}, {"run_foreign_code": True}):
        with load_predictor(foreign_library, **options) as predictor:
            assert predictor.predict(digit).indices[0] == 7
    with pytest.raises(IntegrityError, match="is not the file that was asked for"):
        load_predictor(foreign_library, sha256="0" * 64, run_foreign_code=True)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_foreign_library_that_was_allowed_goes_to_children_too(foreign_library, digit, method):
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    with load_predictor(foreign_library, run_foreign_code=True) as allowed:
        given = allowed if method == "fork" else pickle.loads(pickle.dumps(allowed))
        child = context.Process(target=_label_in_a_child, args=(given, digit, answers))
        child.start()
        assert answers.get(timeout=60) == 7
        child.join()


def test_a_library_is_not_tried_even_on_request(artifacts):
    with pytest.raises(IntegrityError, match="received a probe of it"):
        load_predictor(artifacts / SOURCE, probe=Probe(when="always"))


def test_a_library_other_than_the_one_on_record_is_not_loaded(artifacts_copy):
    with (artifacts_copy / LIBRARY).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(IntegrityError, match=r"mnist\.int8\.so is not the file that its manifest records"):
        load_predictor(artifacts_copy / SOURCE)


def test_companions_that_are_no_list_are_a_damaged_manifest(artifacts_copy):
    document = json.loads((artifacts_copy / "manifest.json").read_text())
    document["artifacts"][0]["companions"] = "none"
    (artifacts_copy / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ManifestError, match="is not a manifest"):
        load_predictor(artifacts_copy / SOURCE)


def test_a_library_for_another_processor_is_a_clear_error(library):
    content = bytearray(library.read_bytes())
    struct.pack_into("<H", content, _MACHINE_OFFSET, _AARCH64)
    library.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"not a model's library for this machine; .*Compile it on this"):
        load_predictor(library, run_foreign_code=True)


@pytest.mark.parametrize(
    "content", [b"\x7fELF", b"MZ no ELF at all", bytes(5000)], ids=["cut", "text", "zeros"]
)
def test_a_file_that_is_no_library_is_a_clear_error(library, content):
    library.write_bytes(content)
    with pytest.raises(ArtifactError, match="not a model's library for this machine"):
        load_predictor(library, run_foreign_code=True)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("int nothing;", "undefined symbol: edgemnist_abi_version"),
        ("VERSION_2", "undefined symbol: edgemnist_description"),
        ('VERSION_2 DESCRIPTION = "no JSON";', "not a model's library"),
        ('VERSION_2 DESCRIPTION = "[]";', "not a model's library"),
        (
            'VERSION_2 DESCRIPTION = "{\\"inputs\\":[],\\"outputs\\":[],\\"batched\\":1,\\"metadata\\":{}}";',
            "describes no inputs or no outputs",
        ),
        (
            "const unsigned edgemnist_abi_version = 99;",
            "another version of edgemnist; received ABI version 99",
        ),
    ],
    ids=["foreign", "no description", "no JSON", "no object", "no inputs", "newer"],
)
def test_a_library_with_something_else_in_it_is_a_clear_error(tmp_path, code, message):
    with pytest.raises(ArtifactError, match=re.escape(message)):
        load_predictor(compiled(code, tmp_path / LIBRARY), run_foreign_code=True)


def test_a_library_without_a_function_is_a_clear_error(artifacts, tmp_path):
    text = (artifacts / "mnist.int8_host.c").read_text()
    for name in ("mnist.int8.c", "mnist.int8.h"):
        shutil.copy(artifacts / name, tmp_path)
    library = compiled(text.replace("edgemnist_run_many", "renamed"), tmp_path / LIBRARY)
    with pytest.raises(ArtifactError, match="undefined symbol: edgemnist_run_many"):
        load_predictor(library, run_foreign_code=True)


@pytest.mark.parametrize("variant", range(5), ids=["plain", "neon", "avx2", "avxvnni", "vnni"])
def test_a_library_that_is_replaced_is_loaded_anew(artifacts, tmp_path, digit, variant):
    """The system's loader would give the old one again for a name that it knows."""
    for name in ("mnist.int8.c", "mnist.int8.h", LIBRARY):
        shutil.copy(artifacts / name, tmp_path)
    library = tmp_path / LIBRARY
    if not ctypes.CDLL(str(artifacts / LIBRARY)).edgemnist_supports(variant):
        pytest.skip("this processor has not that variant's instructions")
    old = load_predictor(library, run_foreign_code=True).predict(digit).probabilities
    # What every variant goes through: the choice, here as on a processor that has no other, and the call.
    text = (artifacts / "mnist.int8_host.c").read_text()
    for line, other in (
        ("(int32_t variant)\n{\n#ifdef", f"(int32_t variant)\n{{\n    return variant == {variant};\n#ifdef"),
        (
            "    run_variant(variant, input, output, arena);\n",
            "    run_variant(variant, input, output, arena);\n    *(uint8_t *)output ^= 255;\n",
        ),
    ):
        assert text.count(line) == 1
        text = text.replace(line, other)
    new = load_predictor(compiled(text, library), run_foreign_code=True).predict(digit).probabilities
    np.testing.assert_allclose(new[0, 0] + old[0, 0], 255 / 256)
    np.testing.assert_array_equal(new[0, 1:], old[0, 1:])
