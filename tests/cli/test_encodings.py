"""Output whose encoding lacks characters, and names that look like Rich's markup."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.cli import main
from edgemnist.cli.encodings import encodable_json

MARKUP = "[red]x[/red] [/] :key:"
ODD_NAME = "[red]x[bold] :key: ×µΔ.onnx"


def _run(encoding: str, *arguments: "str | Path", cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own with its output in a pipe of that encoding."""
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "edgemnist", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "200"},
        capture_output=True,
        encoding=encoding,
        check=False,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch):
    """Return a function that does the same in this process, where imports cost nothing any more."""

    def run(encoding: str, *arguments: "str | Path", cwd: Path) -> "subprocess.CompletedProcess[str]":
        pipes = {name: io.TextIOWrapper(io.BytesIO(), encoding, newline="") for name in ("stdout", "stderr")}
        with monkeypatch.context() as patch:
            for name, pipe in pipes.items():
                patch.setattr(sys, name, pipe)
            patch.setattr(sys, "argv", ["edgemnist", *map(str, arguments)])
            patch.setenv("COLUMNS", "200")
            patch.chdir(cwd)
            with pytest.raises(SystemExit) as ended:
                main()
        texts = []
        for pipe in pipes.values():
            pipe.flush()
            texts.append(pipe.buffer.getvalue().decode(encoding))
        return subprocess.CompletedProcess(arguments, ended.value.code or 0, *texts)

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *([command, "--help"] for command in ("train", "export", "bench", "predict", "verify")),
        ["env"],
        ["formats"],
        ["inspect", "mnist.int8.tflite"],
        ["curves", "."],
    ],
    ids=" ".join,
)
def test_ascii_will_do(artifacts_copy: Path, model_folder: Path, run_here, arguments: list[str]) -> None:
    shutil.copy(model_folder / "history.json", artifacts_copy)
    ended = run_here("ascii", *arguments, cwd=artifacts_copy)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_a_benchmark_is_printed_in_cp1252_and_written_in_utf_8(artifacts_copy: Path) -> None:
    shutil.copy(artifacts_copy / "mnist.float32.onnx", artifacts_copy / ODD_NAME)
    quickly = ("--quick", "--num-runs", "20", "--min-secs", "0", "--warmup-runs", "1")
    ended = _run("cp1252", "bench", ODD_NAME, *quickly, "-o", "[/] :key:", cwd=artifacts_copy)
    assert ended.returncode == 0, ended.stderr
    assert "[red]x[bold] :key: ×µd.onnx" in ended.stdout
    assert f"to {Path('[/] :key:')}" in ended.stderr
    output = artifacts_copy / "[/] :key:"
    assert ODD_NAME in (output / "bench.json").read_text(encoding="utf-8")
    compared = _run("cp1252", "compare", output / "bench.json", output / "bench.json", cwd=artifacts_copy)
    assert compared.returncode == 0, compared.stderr
    assert "[red]x[bold] :key: ×µd.onnx" in compared.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_names_are_printed_as_they_are_and_exactly_in_json(
    artifacts_copy: Path, run_here, encoding: str
) -> None:
    shutil.copy(artifacts_copy / "mnist.float32.onnx", artifacts_copy / ODD_NAME)
    shown = {"ascii": "[red]x[bold] :key: xud.onnx", "cp1252": "[red]x[bold] :key: ×µd.onnx"}
    assert shown.get(encoding, ODD_NAME) in run_here(encoding, "inspect", ODD_NAME, cwd=artifacts_copy).stdout
    document = run_here(encoding, "inspect", ODD_NAME, "--json", cwd=artifacts_copy).stdout
    assert json.loads(document)["file"] == ODD_NAME


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", f"{MARKUP}.onnx"],
        ["verify", MARKUP],
        ["predict", "x.png", "--model", f"{MARKUP}.onnx"],
        ["compare", MARKUP, "b.json"],
        ["train", "--recipe", MARKUP],
        [MARKUP],
    ],
    ids=lambda arguments: arguments[0],
)
def test_errors_print_names_as_they_are(tmp_path: Path, run_here, arguments: list[str]) -> None:
    ended = run_here("utf-8", *arguments, cwd=tmp_path)
    assert ended.returncode in (1, 2)
    assert MARKUP in ended.stderr


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.2 × 3 µs – 4 … Δp ≥ 5", "1.2 x 3 us - 4 ... dp >= 5"),
        ("┏━┳┓ │╌┃ ╔═", "+-++ |-| +-"),
        ("é\udc80", "\\xe9\\udc80"),
    ],
)
def test_what_cannot_be_encoded_is_replaced_by_what_reads_alike(text: str, plain: str) -> None:
    assert text.encode("ascii", "edgemnist.plain").decode() == plain


def test_json_escapes_what_cannot_be_encoded() -> None:
    text = json.dumps({"×": "Δ\udc80😀"}, ensure_ascii=False)
    assert json.loads(encodable_json(text, "cp1252")) == json.loads(text)
