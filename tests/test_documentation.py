"""Python snippets and commands of the pages run, and the files, modules and rooms that pages name exist."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
SNIPPETS_IN = ("tutorial", "script", "service", "device", "other-languages")
PAGES = ("README.md", *(f"docs/{name}.md" for name in SNIPPETS_IN))

ROOMS = "runtime|export|benchmarks|edgemnist|examples|tests|docs|requirements"
NO_MODULES = (
    "edgemnist.input",
    "edgemnist.labels",
    "edgemnist.output",
    "edgemnist.ipynb",
    "edgemnist.toml",
)  # the others are inside ONNX files
UNDRAWN = {"mnist"}  # a data set


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [content for found, content in fenced if found == language]


SNIPPETS = [(page, snippet) for page in PAGES for snippet in blocks(page, "python")]
COMMANDS = [
    line.partition("#")[0].strip()
    for block in blocks("docs/script.md", "")
    for line in block.splitlines()
    if line.startswith("edgemnist ")
]


@pytest.fixture
def folder(artifacts: Path, tmp_path: Path, digit) -> Path:
    """A folder as the pages suppose it: artifacts, two pictures, and a folder of pictures."""
    (tmp_path / "artifacts").symlink_to(artifacts)
    page = np.full((400, 500), 235, np.uint8)
    page[30:310, 200:480] -= (np.kron(digit, np.ones((10, 10), np.uint8)) * 0.8).astype(np.uint8)
    for name in ("photo.png", "scan.jpg"):
        Image.fromarray(page).save(tmp_path / name)
    (tmp_path / "scans").mkdir()
    shutil.copy(tmp_path / "photo.png", tmp_path / "scans")
    return tmp_path


@pytest.mark.parametrize("snippet", [snippet for _, snippet in SNIPPETS], ids=[page for page, _ in SNIPPETS])
def test_snippets_run(folder: Path, snippet: str):
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_script_page_read_the_picture(folder: Path, command: str):
    command, _, redirected = command.partition("<")
    arguments = [sys.executable, "-m", "edgemnist", *shlex.split(command)[1:]]
    stdin = (folder / redirected.strip()).read_bytes() if redirected else None
    done = subprocess.run(arguments, cwd=folder, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b": 7 (" in done.stdout or b'"label": "7"' in done.stdout


def test_pages_link_to_files_that_exist():
    pages = [f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")]
    for page in ("README.md", "CONTRIBUTING.md", *pages):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def documented_paths() -> list[tuple[str, str]]:
    """Return each page with each path of this repository that it names, in code or in a link."""
    pages = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    found = []
    for page in (*pages, *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks" / "studies").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(ROOT).as_posix()
        found += [(name, path) for path in re.findall(rf"`((?:{ROOMS})/[\w/.-]*)`", text)]
        modules = re.findall(r"\bedgemnist(?:\.\w+)+", text)
        found += [(name, module) for module in modules if not module.startswith(NO_MODULES)]
    return sorted(set(found))


def test_pages_name_files_and_modules_that_exist():
    named = documented_paths()
    assert len(named) > 40  # the pages name many
    for page, path in named:
        if "/" in path:
            assert (ROOT / path).exists(), f"{page}: {path}"
        elif not path.endswith("…"):
            assert module_exists(path), f"{page}: {path}"


def module_exists(name: str) -> bool:
    """Return whether a module of that name exists, or the last part is defined in the module before it."""
    parts = name.split(".")[1:]
    folder = ROOT if parts[0] in ("runtime", "export", "benchmarks") else ROOT / "edgemnist"
    path = folder.joinpath(*parts)
    return path.is_dir() or path.with_suffix(".py").is_file() or path.parent.with_suffix(".py").is_file()


def test_the_drawing_of_the_rooms_names_every_room_and_the_folders_inside():
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    own = ("data", "proof", "sweep", "cli")
    for room in ("runtime", "export", "benchmarks", *(f"edgemnist/{name}" for name in own)):
        assert f" {room} " in drawing, room
        for folder in (ROOT / room).glob("*/__init__.py"):
            if folder.parent.name not in UNDRAWN:
                assert f"{folder.parent.name}/" in drawing, folder.parent
