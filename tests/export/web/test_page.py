"""The page in a real browser, and what is in its file."""

import json
import re
import subprocess

import pytest

from edgemnist.runtime.artifact.page_file import read_modules

from .conftest import BROWSER

# Of a page without its weights and its answers to the test set, which compress as well as training has made
# them: those of the default recipe bring it to 195 kB.
OTHER_BYTES = 75_000


@pytest.fixture(scope="session")
def mnist_page(artifacts):
    path = artifacts / "mnist.int8.html"
    if not path.exists():
        pytest.skip("needs a compiler of C to WebAssembly: pip install 'edgemnist[web]'")
    return path


def test_the_page_holds_the_modules_and_asks_for_nothing(mnist_page):
    page = mnist_page.read_bytes()
    learnt = re.findall(rb'id="(?:rest|reference)">(.*?)</script>', page, re.DOTALL)
    assert len(learnt) == 2
    assert len(page) - sum(map(len, learnt)) <= OTHER_BYTES
    assert read_modules(page) == {
        "simd": mnist_page.with_suffix(".wasm").read_bytes(),
        "plain": mnist_page.with_name("mnist.int8.plain.wasm").read_bytes(),
    }
    text = page.decode()
    assert not re.search(r"(?:src|href|action)=[\"'](?!data:,)", text.split("<script", 1)[0])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1].replace("&#39;", "'")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'" and directives["base-uri"] == "'none'"
    assert "unsafe-inline" not in policy and "http" not in policy and " *" not in policy


@pytest.fixture(scope="session")
def visited(node, node_modules, mnist_page, tmp_path_factory):
    from edgemnist.data import mnist

    pictures = tmp_path_factory.mktemp("pictures")
    test_set = [mnist.FOLDER / f"t10k-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1")]
    command = [node, BROWSER / "visit.mjs", node_modules, mnist_page, pictures, *test_set]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_page_works_from_a_file_and_asks_for_nothing(visited, mnist_page):
    assert {*visited["requests"]} == {mnist_page.as_uri()}
    assert visited["errors"] == []
    assert visited["fetches"] == "refused"


@pytest.mark.slow
def test_digits_drawn_with_the_mouse_are_seen(visited):
    for view in visited["views"].values():
        drawn = view["drawn"]
        assert sum(digit == answer for digit, answer in drawn.items()) >= 3, (
            drawn
        )  # of a quickly trained model
        assert view["live"] and view["time"]


@pytest.mark.slow
def test_the_page_proves_itself_with_vectors_and_without(visited):
    for view in visited["views"].values():
        assert view["selfTest"]["passed"]
        assert [each["name"] for each in view["selfTest"]["results"]] == ["simd", "plain"]
        assert view["proved"].startswith("Passed.")


@pytest.mark.slow
def test_the_whole_test_set_gives_the_references_bytes_in_the_browser(visited):
    assert "10000 images, the test set on record: 0 of 200000 output bytes" in visited["testSet"]


@pytest.mark.slow
def test_the_page_is_for_everybody(visited):
    for view in visited["views"].values():
        assert view["violations"] == []
        assert view["overflow"] <= 0 and view["shift"] < 0.01
    assert visited["keyboard"] == "1"
    assert visited["gallery"]["answer"] == "3" and visited["gallery"]["note"].startswith("Test image")
    assert visited["cameraCloses"]
    assert visited["printed"] == {"tools": "none", "proof": True}
