"""Folders that a stranger made: every command that reads one or writes into one survives it."""

import base64
import gzip
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.cli import main
from edgemnist.proof import recorded as proving
from edgemnist.proof import verify as verifying
from edgemnist.runtime import load_predictor
from edgemnist.runtime.artifact.lookup import find_expected_hash
from edgemnist.runtime.artifact.manifest import read_manifest
from edgemnist.runtime.errors import ManifestError
from edgemnist.runtime.files import sha256_of

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202egnp.\u2028[/][red]"
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]")
# In a process whose memory has an end, and which a pipe cannot hold for ever.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
from edgemnist.cli import main
sys.argv[0] = "edgemnist"
main()
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def folder(artifacts: Path, tmp_path: Path) -> Path:
    """A small artifact folder with a manifest, to be made hostile."""
    folder = tmp_path / "strangers"
    folder.mkdir()
    keep = {"mnist.float32.onnx", "mnist.int8.tflite"}
    for name in (*keep, "reference.npz", "mnist.keras"):
        shutil.copy(artifacts / name, folder)
    document = json.loads((artifacts / "manifest.json").read_text())
    document["artifacts"] = [record for record in document["artifacts"] if record["file"] in keep]
    write_manifest(folder, document)
    return folder


def run(*arguments: object, seconds: int = 120, memory: int = 0) -> Ended:
    """Run a command as a person would, and check what must hold for every one.

    Args:
        arguments: Of the command.
        seconds: Longest time.
        memory: Largest address space, in a process of its own; 0 runs it in this one.
    """
    texts = list(map(str, arguments))
    ended = _apart(texts, seconds, memory) if memory else _here(texts, seconds)
    assert "Traceback" not in ended.stderr, ended.stderr[-3000:]
    assert ended.returncode in {0, 1, 2, 3}, ended.stderr[-3000:]
    for text in (ended.stdout, ended.stderr):
        assert not CONTROLS.search(text), ascii(text[-3000:])
    return ended


def _here(arguments: list[str], seconds: int) -> Ended:
    out, messages = io.StringIO(), io.StringIO()
    started = time.monotonic()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(messages):
        patch.setattr(sys, "argv", ["edgemnist", *arguments])
        patch.setenv("COLUMNS", "300")
        try:
            main()
            code: object = 0
        except SystemExit as error:
            code = error.code or 0
    assert time.monotonic() - started < seconds
    return Ended(int(str(code)), out.getvalue(), messages.getvalue())


def _apart(arguments: list[str], seconds: int, memory: int) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED.format(memory=memory), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        check=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def document_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def write_manifest(folder: Path, document: object) -> None:
    (folder / "manifest.json").write_text(json.dumps(document))


def leaves(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a document, containers too."""
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    found = [path] if path else []
    for key, value in items:
        if not (isinstance(key, int) and key > 0):
            found += leaves(value, (*path, key))
    return found


def with_value(document: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    changed = json.loads(json.dumps(document))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


WRONG_VALUES = (
    None, True, -1, 10**400, 1e308, -0.5, float("nan"), "", "x", "\0", ESCAPES, "../../etc/passwd",
    "/etc/passwd", "a/b", "a\\b", "C:\\x", "..", ".", [], {}, [[]], [None], {"../x": "0" * 64}, "9" * 5000,
    "\ud800",
)  # fmt: skip


@pytest.mark.slow
def test_every_field_of_a_manifest_may_be_anything(folder: Path):
    document = document_of(folder)
    for path in leaves(document):
        for value in WRONG_VALUES:
            write_manifest(folder, with_value(document, path, value))
            try:
                files = read_manifest(folder).files
                find_expected_hash(folder / "mnist.float32.onnx")
            except Exception as error:
                assert type(error).__module__ == "edgemnist.runtime.errors", (path, value, repr(error))
            else:
                assert all(Path(name).name == name and name not in {"", ".", ".."} for name in files), files


@pytest.mark.parametrize(
    "field", ["file", "labels", "operators", "oldest_runtime", "format", "input", "companions"]
)
def test_an_edited_manifest_is_refused_by_the_commands(folder: Path, field: str):
    document = document_of(folder)
    values = {
        "labels": [ESCAPES] * 10,
        "operators": [ESCAPES],
        "input": None,
        "companions": {"x\u202ey": "0" * 64},
    }
    document["artifacts"][0][field] = values.get(field, ESCAPES.replace("\r\n", "").replace("\x1b", "\x9b"))
    write_manifest(folder, document)
    assert run("verify", folder).returncode == 3
    json.loads(run("verify", folder, "--json").stdout or "{}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 5_000_000,
        b'{"schema_version": ' * 100_000,
        b'{"a":' + b"[[]," * 8_000_000 + b"]",
        b"[" + b"0," * 20_000_000 + b"0]",
        b"9" * 10_000_000,
        b'"' + b"x" * 300_000_000 + b'"',
        b"\xff\xfe\x00",
        b"null",
        b"",
    ],
    ids=["deep", "deep objects", "lists", "numbers", "long number", "300 MB", "no text", "null", "empty"],
)  # fmt: skip
def test_no_json_document_takes_much_memory(folder: Path, tmp_path: Path, content: bytes):
    (folder / "manifest.json").write_bytes(content)
    (folder / "history.json").write_bytes(content)
    (folder / "bench.json").write_bytes(content)
    assert run("compare", folder / "bench.json", folder / "bench.json", memory=1_300_000_000).returncode == 1
    assert run("verify", folder).returncode == 3
    assert run("curves", folder, "-o", tmp_path / "c.png").returncode == 1
    with pytest.raises(ManifestError):
        load_predictor(folder / "mnist.float32.onnx")


def test_a_manifest_of_10_000_entries_is_read_quickly(folder: Path):
    document = document_of(folder)
    record = document["artifacts"][0]
    document["artifacts"] = [
        record | {"file": f"a{number}.onnx", "companions": {}} for number in range(10_000)
    ]
    for entry in document["artifacts"]:
        entry["parity"] = entry["parity"] | {"flipped": []}
    write_manifest(folder, document)
    ended = run("verify", folder, seconds=90)
    assert ended.returncode == 3
    document["artifacts"] = [record] * 10_000
    write_manifest(folder, document)
    assert (
        "more than once" in run("verify", folder, seconds=60).stderr
        or "more than" in run("verify", folder).stderr
    )


SPECIAL = ("link", "dangling", "fifo", "folder", "zero", "loop")


def make_special(path: Path, kind: str, secret: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        targets = {"link": secret, "dangling": "/nowhere/at/all", "zero": "/dev/zero", "loop": path}
        path.symlink_to(targets[kind])


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize(
    "name",
    [
        "mnist.float32.onnx",
        "mnist.int8.tflite",
        "manifest.json",
        "reference.npz",
        "history.json",
        "mnist.keras",
    ],
)
def test_what_is_no_file_of_the_folder_is_not_read_as_one(folder: Path, tmp_path: Path, name: str, kind: str):
    (folder / "history.json").write_text("{}")
    secret = tmp_path / f"elsewhere{Path(name).suffix}"
    shutil.copy(folder / name, secret)  # the right content, at the wrong place
    make_special(folder / name, kind, secret)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proving, "prove", lambda *_args, **_kwargs: proving.Proof(()))
        from edgemnist.data.datasets import load_test_split
        from edgemnist.runtime.errors import EdgeMnistError

        try:
            found = {one.file: one.failures for one in verifying.verify(folder, load_test_split())}
        except EdgeMnistError as error:
            found = {name: (str(error),)}
    if name != "history.json":
        assert found[name], found
    assert run("curves", folder, "-o", tmp_path / "c.png").returncode == 1


@pytest.mark.parametrize("kind", SPECIAL)
def test_bench_neither_hangs_at_what_is_no_file_nor_measures_what_lies_elsewhere(
    folder: Path, tmp_path: Path, kind: str
):
    secret = Path(shutil.copy(folder / "mnist.float32.onnx", tmp_path))
    make_special(folder / "mnist.float32.onnx", kind, secret)
    (folder / "mnist.int8.tflite").unlink()
    (folder / "manifest.json").unlink()
    ended = run("bench", "--artifacts", folder, "--quick", "--num-runs", 1, "--min-secs", 0, "--no-keras")
    rows = json.loads((folder / "bench.json").read_text())["rows"] if (folder / "bench.json").exists() else []
    assert ended.returncode == 1 or [row["status"] for row in rows if row["engine"] != "keras"] == ["skipped"]


def test_predict_does_not_choose_what_lies_elsewhere(folder: Path, tmp_path: Path, digit: np.ndarray):
    from PIL import Image

    Image.fromarray(digit).save(tmp_path / "seven.png")
    secret = Path(shutil.copy(folder / "mnist.float32.onnx", tmp_path))
    assert "7" in run("predict", tmp_path / "seven.png", "--artifacts", folder, "--json").stdout
    for name in ("mnist.float32.onnx", "mnist.int8.tflite"):
        make_special(folder / name, "link", secret)
    ended = run("predict", tmp_path / "seven.png", "--artifacts", folder)
    assert ended.returncode == 1
    assert "no artifact in" in ended.stderr


@pytest.mark.parametrize("kind", [*SPECIAL, "absent"])
@pytest.mark.parametrize("command", ["inspect", "predict", "compare", "curves"])
def test_a_named_path_that_is_no_file_is_an_error_at_once(tmp_path: Path, command: str, kind: str):
    path = tmp_path / "evil.onnx"
    if kind != "absent":
        make_special(path, kind, tmp_path / "absent")
    arguments = {
        "inspect": (path,),
        "predict": (path,),
        "compare": (path, path),
        "curves": (path, "-o", tmp_path / "c.png"),
    }
    assert run(command, *arguments[command], seconds=60).returncode == 1


def test_a_report_shows_no_file_from_elsewhere(folder: Path, tmp_path: Path):
    history = {
        "recipe": {"name": "x"},
        "seed": 0,
        "model": {"sha256": "0" * 64},
        "epochs": [{"number": 1, "loss": 1, "accuracy": 1, "val_loss": 1, "val_accuracy": 1, "seconds": 1}],
    }
    (folder / "history.json").write_text(json.dumps(history))
    (tmp_path / "secret").write_bytes(b"\x89PNG\r\n\x1a\n the key")
    (folder / "digits.png").symlink_to(tmp_path / "secret")
    command = ("bench", "--artifacts", folder, "--quick", "--num-runs", 1, "--min-secs", 0, "--no-keras")
    ended = run(*command)
    assert ended.returncode == 1
    assert "a link out of the folder" in ended.stderr
    (folder / "digits.png").unlink()
    (folder / "digits.png").write_bytes(b"no picture")
    assert "is no PNG file" in run(*command).stderr


def zip_of(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def npy(descr: str, shape: tuple[int, ...], data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def zeros_bomb(path: Path, name: str, gigabytes: int, start: bytes = b"") -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        file.write(start)
        for _ in range(gigabytes * 16):
            file.write(bytes(64 * 1024**2))


def many_entries(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(60_000):
            archive.writestr(f"{number}.npy", b"")


class Pickled:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, ("touch executed",)


def pickled(path: Path) -> None:
    np.savez(path, probabilities=np.array([Pickled()], dtype=object), allow_pickle=True)


BOMBS: dict[str, Callable[[Path], None]] = {
    "gigabytes of zeros": lambda path: zeros_bomb(
        path, "probabilities.npy", 3, npy("'<f4'", (10_000, 80_000))
    ),
    "a huge shape": lambda path: zip_of(path, {"probabilities.npy": npy("'<f4'", (10**9, 10**3))}),
    "an overflowing shape": lambda path: zip_of(path, {"probabilities.npy": npy("'<f4'", (2**62, 4))}),
    "a negative shape": lambda path: zip_of(path, {"probabilities.npy": npy("'<f4'", (-1, 10), bytes(40))}),
    "no shape": lambda path: zip_of(path, {"probabilities.npy": npy("'<f4'", ())}),
    "a subarray": lambda path: zip_of(path, {"probabilities.npy": npy("('<f4', (1000000, 1000000))", (1,))}),
    "a nested header": lambda path: zip_of(path, {"probabilities.npy": npy("[" * 5000, ())}),
    "many entries": many_entries,
    "pickled objects": pickled,
    "another type": lambda path: np.savez(path, probabilities=np.array(["x" * 9] * 10)),
    "no array": lambda path: np.savez(path, other=np.zeros(3)),
    "NaN": lambda path: np.savez(path, probabilities=np.full((10_000, 10), np.nan, np.float32)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_no_archive_of_arrays_takes_much_memory(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    BOMBS[name](folder / "reference.npz")
    document = document_of(folder)
    document["reference"]["sha256"] = sha256_of(folder / "reference.npz")
    document["artifacts"] = []
    write_manifest(folder, document)
    assert run("verify", folder, memory=1_500_000_000).returncode == 3
    shutil.copy(folder / "reference.npz", folder / "data.npz")
    assert run("verify", folder, "--data", folder / "data.npz").returncode == 1
    assert not (folder / "executed").exists()


@pytest.mark.slow
def test_no_data_set_file_takes_much_memory(folder: Path, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    header = bytes([0, 0, 8, 3]) + struct.pack(">III", 2**32 - 1, 2**32 - 1, 2**32 - 1)
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 0)
    (data / "t10k-labels-idx1-ubyte").write_bytes(labels)
    (data / "t10k-images-idx3-ubyte").write_bytes(header + bytes(100))
    assert "wrong length" in run("verify", folder, "--data", data).stderr
    with gzip.open(data / "t10k-images-idx3-ubyte", "wb", 9) as file:
        file.write(header)
        for _ in range(48):
            file.write(bytes(64 * 1024**2))
    assert "unpack to more than" in run("verify", folder, "--data", data, memory=1_500_000_000).stderr
    (data / "t10k-images-idx3-ubyte").unlink()
    os.mkfifo(data / "t10k-images-idx3-ubyte")
    assert "a pipe or a device" in run("verify", folder, "--data", data).stderr


@pytest.mark.slow
def test_raw_samples_that_unpack_to_gigabytes_are_damaged():
    from edgemnist.benchmarks.report.compact_arrays import decode_array
    from edgemnist.runtime.errors import ArtifactError

    packer = zlib.compressobj()
    bomb = b"".join(packer.compress(bytes(2**24)) for _ in range(128)) + packer.flush()
    text = base64.b64encode(bomb).decode()
    for count in (5, 2**62):
        with pytest.raises(ArtifactError, match="the raw samples are damaged"):
            decode_array({"dtype": "<u8", "count": count, "zlib_base64": text})


KERAS_BOMBS: dict[str, Callable[[Path], None]] = {
    "gigabytes of weights": lambda path: zeros_bomb(path, "model.weights.h5", 3),
    "gigabytes of configuration": lambda path: zeros_bomb(path, "config.json", 3, b'{"a": "'),
    "many entries": many_entries,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KERAS_BOMBS)
def test_no_keras_file_unpacks_to_much(tmp_path: Path, name: str):
    path = tmp_path / "bomb.keras"
    KERAS_BOMBS[name](path)
    ended = run("inspect", path, memory=8 * 1024**3)
    assert ended.returncode == 1
    assert "unpacks to" in ended.stderr or "more than" in ended.stderr or "a configuration of" in ended.stderr


def test_a_file_that_changes_after_it_was_hashed_is_proved_as_it_was_hashed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, test_split
):
    proved = []

    def swap_then_prove(path: Path, *_args: object, **_options: object) -> proving.Proof:
        (folder / path.name).write_bytes(b"swapped")
        proved.append(sha256_of(path) == recorded[path.name])
        return proving.Proof(())

    recorded = {record["file"]: record["sha256"] for record in document_of(folder)["artifacts"]}
    monkeypatch.setattr(proving, "prove", swap_then_prove)
    verifying.verify(folder, test_split)
    assert proved == [True] * len(recorded)


def test_verify_tries_a_strangers_model_in_a_process_of_its_own(folder: Path):
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    path = folder / "mnist.int8.tflite"
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    reshape = next(operator for operator in model.subgraphs[0].operators if len(operator.inputs) == 2)
    reshape.inputs = [reshape.inputs[0], -1]  # crashes LiteRT
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    document = document_of(folder)
    for record in document["artifacts"]:
        record["sha256"] = sha256_of(folder / record["file"])
    write_manifest(folder, document)
    ended = run("verify", folder)
    assert ended.returncode == 3
    assert "crashes litert" in ended.stdout
    assert "mnist.float32.onnx  passed" in ended.stdout


def tflite_bomb() -> bytes:
    """Return a small TFLite file whose graphs are one graph, named many times."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    builder = flatbuffers.Builder(1024)
    tensor = schema.TensorT()
    tensor.name = b"x"
    one = tensor.Pack(builder)
    schema.SubGraphStartTensorsVector(builder, 100_000)
    for _ in range(100_000):
        builder.PrependUOffsetTRelative(one)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1_000)
    for _ in range(1_000):
        builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.slow
def test_a_model_of_endless_parts_is_read_where_memory_and_time_have_an_end(tmp_path: Path):
    path = tmp_path / "bomb.tflite"
    path.write_bytes(tflite_bomb())
    ended = run("inspect", path, seconds=100)
    assert ended.returncode == 1
    assert "bomb.tflite" in ended.stderr


def test_c_text_without_an_end_is_read_where_time_has_an_end(tmp_path: Path):
    path = tmp_path / "bomb.c"
    path.write_bytes(b'/* \n * edgemnist.labels: ["a"]\n */\n' + b"/*" * 2_000_000)
    assert run("inspect", path, seconds=100).returncode == 1


def hostile_onnx(path: Path) -> None:
    """Write a model that says escape sequences wherever it can say anything."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    names = [f"{ESCAPES}{number}" for number in range(3)]
    nodes = [
        helper.make_node("Cast", [names[0]], [names[1]], to=TensorProto.FLOAT, name=ESCAPES),
        helper.make_node("ReduceMean", [names[1]], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["means", "axis"], ["column"]),
        helper.make_node("Expand", ["column", "row"], [names[2]]),
    ]
    graph = helper.make_graph(
        nodes,
        ESCAPES,
        [helper.make_tensor_value_info(names[0], TensorProto.UINT8, ["batch", 28, 28])],
        [helper.make_tensor_value_info(names[2], TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(np.array([1]), "axis"), numpy_helper.from_array(np.array([1, 10]), "row")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    spec = {"name": ESCAPES, "dtype": "uint8", "shape": [None, 28, 28], "scale": 0.0, "zero_point": 0}
    contract = {
        "model": ESCAPES,
        "precision": ESCAPES,
        "labels": [f"{ESCAPES}{number}" for number in range(10)],
        "input": spec,
        "output": spec | {"shape": [None, 10]},
        "source_sha256": ESCAPES,
        "tools": {ESCAPES: ESCAPES},
    }
    helper.set_model_props(
        model, {f"edgemnist.{key}": json.dumps(value) for key, value in contract.items()} | {ESCAPES: ESCAPES}
    )
    onnx.save(model, path)


def test_no_name_in_a_model_reaches_the_terminal_as_more_than_text(tmp_path: Path, digit: np.ndarray):
    from PIL import Image

    path = tmp_path / "evil.onnx"
    hostile_onnx(path)
    Image.fromarray(digit).save(tmp_path / "seven.png")
    shown = run("inspect", path)
    assert shown.returncode == 0
    assert r"\x1b[2J" in shown.stdout
    json.loads(run("inspect", path, "--json").stdout)
    for options in ((), ("--show", "--top", 10)):
        predicted = run("predict", tmp_path / "seven.png", "--model", path, *options)
        assert predicted.returncode == 0
        assert r"\x1b[2J" in predicted.stdout
    found = json.loads(run("predict", tmp_path / "seven.png", "--model", path, "--json").stdout)
    assert found["pictures"][0]["label"].startswith(ESCAPES)  # a program gets what the file says


NAMES = (
    "\x1b[2J\u202e\x9b.onnx",
    "new\nline.onnx",
    "[red]x[bold].onnx",
    "$x^{$ <script>alert(1)<script>.onnx",
    "\udcff.onnx",
    "![a](http:x)`|.onnx",
)


@pytest.mark.slow
def test_no_file_name_does_more_than_be_read_in_the_terminal_or_in_reports(folder: Path, tmp_path: Path):
    strange = tmp_path / "s"
    strange.mkdir()
    for name in NAMES:
        shutil.copy(folder / "mnist.float32.onnx", strange / name)
    (strange / "a.tflite\x1b[2J.tflite").write_bytes(b"broken \x1b[2J")
    ended = run("bench", "--artifacts", strange, "--quick", "--num-runs", 1, "--min-secs", 0, seconds=280)
    assert ended.returncode == 1  # one of them is broken
    assert r"\x1b[2J" in ended.stdout
    page, text = (strange / "bench.html").read_text(), (strange / "bench.md").read_text()
    for report in (page, text):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", report)
        assert "![a](http" not in report or report is page
    assert "<script>alert" not in page
    assert "](http" not in text.replace(r"\](", "")
    document = json.loads((strange / "bench.json").read_text())
    assert {row["file"] for row in document["rows"]} >= {"new\nline.onnx", "\udcff.onnx"}
    assert run("compare", strange / "bench.json", strange / "bench.json").returncode == 0
    assert run("inspect", strange / "new\nline.onnx").returncode == 0
    assert run("inspect", strange / "[red]x[bold].onnx").returncode == 0


@pytest.mark.slow
def test_a_benchmark_of_strange_texts_is_compared_as_text(folder: Path, tmp_path: Path):
    command = (
        "bench",
        folder / "mnist.float32.onnx",
        "--quick",
        "--num-runs",
        1,
        "--min-secs",
        0,
        "-o",
        tmp_path,
    )
    assert run(*command).returncode == 0
    document = json.loads((tmp_path / "bench.json").read_text())
    evil = with_value(document, ("rows", 0, "file"), ESCAPES)
    evil["machine"] |= {"cpu": ESCAPES, "versions": {ESCAPES: ESCAPES}}
    (tmp_path / "evil.json").write_text(json.dumps(evil))
    for pair in (("bench.json", "evil.json"), ("evil.json", "bench.json"), ("evil.json", "evil.json")):
        paths = [tmp_path / name for name in pair]
        assert run("compare", *paths, "--force").returncode == 0
        json.loads(run("compare", *paths, "--force", "--json").stdout)
    wrong: list[tuple[tuple[Any, ...], Any]] = [
        (("rows", 0, "figures"), None),
        (("rows", 0, "figures", "end_to_end", "p50_ns"), 0),
        (("rows", 0, "figures", "end_to_end", "p50_ns"), 1e999),
        (("rows", 0, "predicted", "count"), 3),
        (("rows", 0, "predicted", "dtype"), "|O"),
        (("images",), 5),
        (("labels", "count"), 2**60),
    ]
    for path, value in wrong:
        (tmp_path / "evil.json").write_text(json.dumps(with_value(document, path, value)))
        assert run("compare", tmp_path / "bench.json", tmp_path / "evil.json").returncode == 1, (path, value)


@pytest.mark.parametrize(
    "changes",
    [
        {"accuracy": 1e308},
        {"loss": 1e400},
        {"val_loss": -1},
        {"number": 1e400},
        {"number": "x"},
        {"seconds": None},
        {"val_accuracy": float("nan")},
        {"loss": "9" * 5000},
    ],
)  # fmt: skip
def test_a_history_of_wild_figures_is_no_record(tmp_path: Path, changes: dict[str, Any]):
    epoch = {"number": 1, "loss": 1, "accuracy": 1, "val_loss": 1, "val_accuracy": 1, "seconds": 1} | changes
    record = {"recipe": {"name": "$x^{$ " + ESCAPES}, "seed": 0, "model": {"sha256": "0"}, "epochs": [epoch]}
    (tmp_path / "history.json").write_text(json.dumps(record))
    assert run("curves", tmp_path, "-o", tmp_path / "c.png").returncode == 1


def test_a_history_of_strange_names_is_drawn_as_text(tmp_path: Path):
    epoch = {"number": 1, "loss": 1, "accuracy": 1, "val_loss": 1, "val_accuracy": 1, "seconds": 1}
    record = {"recipe": {"name": "$x^{$ " + ESCAPES}, "seed": 0, "model": {"sha256": "0"}, "epochs": [epoch]}
    (tmp_path / "history.json").write_text(json.dumps(record))
    assert run("curves", tmp_path, "-o", tmp_path / "c.png").returncode == 0


def test_an_export_writes_through_no_link(artifacts: Path, tmp_path: Path, mnist):
    from edgemnist.export.calibration import choose_calibration
    from edgemnist.export.convert.source import load_source
    from edgemnist.export.pipeline import export_all
    from edgemnist.proof.formats import FORMATS

    folder, outside = tmp_path / "out", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    names = ("mnist.float32.onnx", "manifest.json", "reference.npz", "mnist.keras", ".edgemnist-committed")
    for name in names:
        (outside / name).write_bytes(b"precious")
        (folder / name).symlink_to(outside / name)
    (folder / ".edgemnist-staged-x").symlink_to(outside)
    source = load_source(artifacts / "mnist.keras", choose_calibration(mnist.train, 10, 500, 0))
    rows = [row for row in FORMATS if row.name == "float32.onnx"]
    (folder / ".edgemnist-committed").unlink()
    export_all(source, rows, mnist, folder, overwrite=True)
    assert [(outside / name).read_bytes() for name in names] == [b"precious"] * len(names)
    assert not any((folder / name).is_symlink() for name in names[:4])
