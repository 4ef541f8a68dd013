"""The documentation is built as a site from its pages and the code; the commands that pages show exist."""

import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from edgemnist.cli.commands import ALIASES, SUMMARIES
from edgemnist.cli.entry import load_command
from edgemnist.data import load_test_split, load_train_split
from edgemnist.runtime import errors

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/tutorial.md", "docs/ci.md", "docs/web.md", "docs/index.md")
README_LINES = 120


def commands(page: str) -> list[str]:
    """Return the lines of a page's code blocks that call edgemnist, without comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"^(?: {4})?(?:\.venv/bin/)?(edgemnist [^#\n]+)", text, re.MULTILINE)
    return [line.strip() for line in lines if "…" not in line and "`" not in line]


SHOWN = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(("page", "command"), SHOWN, ids=[f"{page}: {command}" for page, command in SHOWN])
def test_commands_of_pages_have_the_options_that_they_show(page: str, command: str):
    name, *arguments = shlex.split(command)[1:]
    assert name in {*SUMMARIES, *ALIASES}, page
    parsed = load_command(name)
    parsed.make_context(name, arguments)  # raises for an unknown option or a wrong number of arguments


def test_the_readme_shows_commands_and_fits_its_size():
    assert len(commands("README.md")) >= 9
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.stat().st_size < 300_000, picture


@pytest.mark.slow
def test_your_own_model_takes_the_commands_that_the_readme_shows(artifacts: Path, tmp_path: Path):
    (tmp_path / "my.keras").write_bytes((artifacts / "mnist.keras").read_bytes())
    train, test = load_train_split(), load_test_split()
    np.savez(
        tmp_path / "my-data.npz",
        x_train=np.asarray(train.inputs[:2000]),
        y_train=np.asarray(train.labels[:2000]),
        x_test=np.asarray(test.inputs[:2000]),
        y_test=np.asarray(test.labels[:2000]),
    )
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## Your own model\n\n```\n(.*?)```", text, re.DOTALL)
    assert block is not None
    for line in block[1].splitlines():
        arguments = [*shlex.split(line)[1:], *(["--quick"] if line.startswith("edgemnist bench") else [])]
        done = subprocess.run(
            [sys.executable, "-m", "edgemnist", *arguments],
            cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stderr}"


class Links(HTMLParser):
    """What a page loads, and where it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in {"script", "img", "link"}:
            self.loaded += [found.get("src") or found.get("href") or ""]
        elif tag == "a" and found.get("href"):
            self.linked.append(str(found["href"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    options = ("--builder", "html", "--fail-on-warning", "--keep-going", "--quiet")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(folder)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere_and_its_links_lead_somewhere(site: Path):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    assert 'href="tutorial.html"' in (site / "index.html").read_text(encoding="utf-8").split("<article", 1)[1]
    for page in pages:
        found = Links()
        found.feed(page.read_text(encoding="utf-8"))
        for target in (*found.loaded, *found.linked):
            path = target.partition("#")[0].partition("?")[0]
            if target in found.loaded:
                assert not re.match(r"https?:|//", target), f"{page.name} loads {target}"
            if path and not re.match(r"[a-z]+:|//", path):
                assert (page.parent / path).exists(), f"{page.name} links to {target}"


@pytest.mark.slow
def test_the_reference_has_every_command_option_and_error(site: Path):
    commands_page = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in SUMMARIES:
        assert f"edgemnist {name}<" in commands_page
        for parameter in load_command(name).params:
            if not getattr(parameter, "hidden", False) and parameter.opts[0].startswith("--"):
                assert parameter.opts[0] in commands_page, f"{name} {parameter.opts[0]}"
    errors_page = (site / "reference" / "errors.html").read_text(encoding="utf-8")
    for name, found in vars(errors).items():
        if isinstance(found, type) and issubclass(found, errors.EdgeMnistError):
            assert f">{name}<" in errors_page
    for problem, fix in (
        ("no artifacts folder", "makes one, or name model files"),
        ("no such file", "bench.json"),
    ):
        assert problem in errors_page
        assert fix in errors_page
    assert (site / "searchindex.js").stat().st_size > 10_000
