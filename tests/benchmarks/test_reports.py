"""What the forms of report show."""

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from edgemnist.benchmarks.report import markdown, terminal, units
from edgemnist.benchmarks.report.page import html

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Balance(HTMLParser):
    """Collects tags and checks that they nest."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.sources = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(synthetic):
    return html.render(synthetic)


@pytest.fixture(scope="module")
def parsed(page):
    parser = Balance()
    parser.feed(page)
    return parser


def printed(benchmark, width):
    stream = io.StringIO()
    terminal.show(benchmark, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 150])
def test_the_terminal_shows_every_row_verdict_and_doubt_uncut(synthetic, width):
    text = printed(synthetic, width)
    flat = " ".join(text.split())
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for row in synthetic.results.rows:
        assert row.case.name in text
    for sentence in (*synthetic.verdicts, *(one.text for one in synthetic.results.warnings)):
        assert " ".join(sentence.split()) in flat


def test_failed_rows_say_why_in_every_form(synthetic, page):
    reason = "its process died of signal 6 (Aborted)"
    assert reason in printed(synthetic, 150)
    assert reason in page
    assert reason in markdown.render(synthetic)


def test_markdown_tables_have_as_many_cells_as_headings(synthetic):
    tables = re.findall(r"(?:^\|.*\|\n)+", markdown.render(synthetic), re.MULTILINE)
    assert len(tables) == 5
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_the_page_is_balanced_html_with_charts_and_tables(parsed):
    assert parsed.open == []
    assert parsed.tags.count("svg") >= 3
    assert parsed.tags.count("table") >= 4


def test_the_page_needs_no_network(page, parsed):
    assert "link" not in parsed.tags
    assert not re.search(r"<script[^>]|\b(?:fetch|import|XMLHttpRequest|eval)\b *\(", page)
    assert all(source.startswith(("#", "data:")) for source in parsed.sources)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_the_page_adapts_to_phones_and_dark_mode(page):
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media (max-width" in page


def test_charts_take_their_colours_from_the_page_in_both_modes(page):
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert "var(--ink)" in svg
        assert not re.search(r"#0[123][0-9a-f]{4}\b", svg)
        assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg)) <= {"#ffffff"}


def test_identifiers_are_unique_on_the_page(page):
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_the_page_links_to_each_file_from_where_it_will_lie(synthetic):
    row = synthetic.results.rows[0]
    page = html.render(synthetic, folder=row.case.path.parent / "reports")
    assert f'<a href="./../{row.case.name}">{row.case.name}</a>' in page


def test_a_hostile_file_name_is_escaped(synthetic):
    from dataclasses import replace
    from pathlib import Path

    row = synthetic.results.rows[-1]
    hostile = replace(row, case=replace(row.case, path=Path("<script>alert(1)<|script>.onnx")), metrics=None)
    results = replace(
        synthetic.results, rows=(*synthetic.results.rows, replace(hostile, status="failed", reason="no"))
    )
    assert "<script>alert" not in html.render(replace(synthetic, results=results))


def test_without_the_drawing_packages_there_is_no_page(synthetic, monkeypatch):
    monkeypatch.setattr(html, "find_spec", lambda name: None if name == "matplotlib" else object())
    assert html.render_if_possible(synthetic) is None


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (7123, "7.12 µs"),
        (45_600, "45.6 µs"),
        (2e6, "2.00 ms"),
        (3.2e9, "3.20 s"),
    ],
)
def test_durations_have_three_digits_and_a_unit(nanoseconds, text):
    assert units.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (12.345, "12.3"), (54_321, "54.3k"), (1_234_567, "1.23M")]
)
def test_rates_have_a_prefix(value, text):
    assert units.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(108_920, "108.9 kB"), (1_244_510, "1.2 MB"), (-2000, "-2.0 kB")]
)
def test_sizes_are_decimal(value, text):
    assert units.size(value) == text
