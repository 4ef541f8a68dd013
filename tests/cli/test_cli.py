"""The command line as a person meets it: help, errors, exit codes."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from edgemnist.cli import entry as cli
from edgemnist.cli.commands import ALIASES, SUMMARIES
from edgemnist.runtime.errors import ProofError

COMMANDS = {name: cli.load_command(name) for name in (*SUMMARIES, *ALIASES)}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgemnist", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def run_here(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["edgemnist", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    return int(exit_.value.code or 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples_and_described_options(name: str):
    command = COMMANDS[name]
    assert command.help
    assert f"`edgemnist {'bench' if name == 'benchmark' else name}" in (command.epilog or "")
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert parameter.help, f"{name} --{parameter.name} has no help"


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_line_in_the_table_of_commands_is_the_first_of_the_commands_own_help(name: str):
    assert COMMANDS[name].help.splitlines()[0] == SUMMARIES[name]


def test_the_help_lists_every_command_and_imports_none():
    code = (
        "import sys; sys.argv = ['edgemnist', '--help']\n"
        "from edgemnist.cli import main\n"
        "try: main()\n"
        "finally: print('imported', [name for name in sys.modules if 'edgemnist.cli.commands.' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("imported []\n")
    assert [name for name in SUMMARIES if f" {name} " not in done.stdout] == []
    assert " benchmark " not in done.stdout


def test_every_command_is_in_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert name in ALIASES or f"`edgemnist {name}" in readme, f"{name} is not in the README"


@pytest.mark.parametrize("arguments", [("verify", "."), ("size", "model.tflite")])
def test_a_command_whose_packages_are_missing_names_their_extra(arguments: tuple[str, ...]):
    absent = ("ai_edge_litert", "jinja2", "onnx", "scipy")
    code = f"""
import sys
sys.modules.update(dict.fromkeys({absent!r}))
sys.argv = ["edgemnist", *{arguments!r}]
from edgemnist.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    *progress, error = done.stderr.splitlines()
    assert "this command needs the package ai_edge_litert" in error
    assert "pip install 'edgemnist[verify]'" in error
    assert len(progress) <= 1


def test_every_command_has_help_in_the_base_install():
    absent = ("ai_edge_litert", "cv2", "flatbuffers", "jinja2", "keras", "matplotlib", "onnx", "PIL", "scipy")
    code = f"""
import sys
sys.modules.update(dict.fromkeys({absent!r} + ("tensorflow", "tf2onnx", "tflite_micro")))
from edgemnist.cli.entry import load_command
print([load_command(name).name for name in {tuple(SUMMARIES)!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == f"{list(SUMMARIES)}\n", done.stderr


def test_wrong_usage_exits_with_2():
    assert run("export", "--no-such-option").returncode == 2


def test_an_error_is_one_line_on_stderr_without_a_traceback(tmp_path: Path):
    done = run("bench", "--artifacts", tmp_path / "absent")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_failed_proof_exits_with_3(monkeypatch: pytest.MonkeyPatch, capsys):
    def fail() -> None:
        raise ProofError("it failed", received="[0.1]")

    monkeypatch.setattr(cli, "app", fail)
    assert run_here(monkeypatch) == 3
    assert capsys.readouterr().err == "error: it failed; received [0.1]\n"


def test_the_version_is_the_installed_one():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"edgemnist {metadata.version('edgemnist')}\n")


def test_a_shell_completes_the_commands():
    asked = {"_EDGEMNIST_COMPLETE": "complete_bash", "COMP_WORDS": "edgemnist ver", "COMP_CWORD": "1"}
    command = "import sys; sys.argv[0] = 'edgemnist'; from edgemnist.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, **asked}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["verify"], done.stderr
