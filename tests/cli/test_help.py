"""Help fits the screen it is read on, with every name whole."""

import shlex
import subprocess
import sys

import pytest

from edgemnist.cli import entry
from edgemnist.cli.commands import SUMMARIES


@pytest.fixture
def help_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that returns a command's help on a screen that has so many columns."""

    def read(name: str, columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        command = entry.load_command(name)
        with pytest.raises(SystemExit) as ended:
            command.main(["--help"], prog_name=f"edgemnist {name}")
        assert ended.value.code == 0
        return capsys.readouterr().out

    return read


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("name", SUMMARIES)
def test_help_fits_its_screen_and_names_every_option_whole(help_of, name: str, columns: int):
    text = help_of(name, columns)
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text
    for parameter in entry.load_command(name).params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            if parameter.param_type_name == "option" and not parameter.hidden:
                assert f" {option}" in text


@pytest.mark.parametrize("name", SUMMARIES)
def test_help_begins_with_what_one_gets_and_ends_with_examples_that_can_be_copied(help_of, name: str):
    text = help_of(name, 80)
    assert text.split("\n\n")[1].split() == SUMMARIES[name].split()
    examples = text.split("\nExamples:\n")[1].replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in examples if line.startswith("  edgemnist ")]
    assert commands
    command = entry.load_command(name)
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    for arguments in commands:
        assert arguments[1] == name
        assert {one.partition("=")[0] for one in arguments if one.startswith("--")} <= known


def test_a_description_breaks_no_option_and_no_default(help_of):
    text = help_of("export", 80)
    assert "--max-\n" not in text
    assert "[default:\n" not in text


def test_the_list_of_commands_has_the_whole_line_of_each():
    command = [sys.executable, "-m", "edgemnist", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    shown = " ".join(done.stdout.split())
    assert [line for line in SUMMARIES.values() if line not in shown] == []
