"""The page in a real browser: what its script does."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from edgemnist.benchmarks.report.page import html

from .any_models import benchmark_of, features, regression
from .test_any_models import COUNT, Split

PRESS = """
<script>
for (let times = {times}; times > 0; times--) {{
  const headings = [...document.querySelector("table.figures").querySelectorAll("th")];
  headings.find(heading => heading.textContent.trim() === "{heading}").querySelector("button").click();
}}
document.title = [...document.querySelectorAll("table.figures")][0].innerText.match(/[a-z]+\\.onnx/g).join();
</script></body>
"""
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def page():
    """A page of three files whose sizes and latencies have different units, and one without figures."""
    names = ("slow.onnx", "quick.onnx", "middle.onnx", "absent.onnx")
    outputs = {name: features(COUNT, 1) for name in names}
    benchmark = benchmark_of(regression((13,), (1,)), Split(features(COUNT, 13)), outputs)
    p50s = dict(zip(names, (7.1e6, 950.0, 13_500.0), strict=False))
    rows = []
    for row in benchmark.results.rows:
        if row.case.name not in p50s:
            rows.append(replace(row, status="skipped", reason="no engine", metrics=None))
            continue
        latency = replace(row.metrics.end_to_end, p50_ns=p50s[row.case.name])
        rows.append(replace(row, metrics=replace(row.metrics, end_to_end=latency)))
    return html.render(replace(benchmark, results=replace(benchmark.results, rows=tuple(rows))))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("heading", "times", "order"),
    [
        ("p50", 1, "quick.onnx,middle.onnx,slow.onnx,absent.onnx"),
        ("p50", 2, "slow.onnx,middle.onnx,quick.onnx,absent.onnx"),
        ("model", 1, "absent.onnx,middle.onnx,quick.onnx,slow.onnx"),
    ],
)
def test_a_press_on_a_heading_sorts_by_the_quantity_whatever_its_unit(page, tmp_path, heading, times, order):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a browser: apt-get install chromium")
    file = tmp_path / "bench.html"
    pressed = PRESS.format(heading=heading, times=times)
    file.write_text(page.replace("</body>", pressed), encoding="utf-8")
    command = [chromium, *QUIET, f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert re.search("<title>(.*)</title>", done.stdout)[1] == order
