"""The report of a campaign: a page whose links lead somewhere, JUnit, Markdown, CSV and JSON of the same cells."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.app import campaigns, fakes
from tui.campaign import result
from tui.campaign.result import Result
from tui.reports import campaign_pages as pages
from tui.reports.campaign import matrix, source_words, summary
from tui.run.spec import Spec

HOSTILE = "/nets/<script>alert(1)</script>|\x1b[31m.py"


@pytest.fixture
def found(home: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """A campaign with cells of all kinds, one of whose runs is there."""
    monkeypatch.setenv("FVP_TUI_HOME", str(home))
    cells = campaigns.cells()
    run = fakes.whole("20261123-021531-digits-u85-256-7f3a", Spec(model="sample:digits"))
    happened = [*campaigns.mixed(), campaigns.ended(cells[0], 1, run=run.name)]
    return result.load(campaigns.make(cells, happened))


class Links(HTMLParser):
    """The links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def test_all_files_are_of_the_same_cells(found: Result, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    pages.write(found, folder)
    page = (folder / pages.INDEX).read_text(encoding="utf-8")
    links = Links(page).found
    assert links == [f"runs/{found.cells[0].run}.html"] and (folder / links[0]).is_file()
    assert source_words(found) == "estimated by the simulator" and source_words(found) in page
    for row in matrix(found)[1:]:
        for words in row[2:]:
            assert words in page
    with (folder / pages.CSV).open(encoding="utf-8", newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == [cell.status for cell in found.cells]
    assert len(json.loads((folder / pages.JSON).read_text())["cells"]) == len(found.cells)
    assert "<script>" not in page


def test_junit_counts_what_is_not_well(found: Result) -> None:
    root = ElementTree.fromstring(pages.junit(found))
    assert len(root.findall(".//testcase")) == len(found.cells)
    assert len(root.findall(".//error")) == sum(cell.status == "failed" for cell in found.cells) == 1
    assert len(root.findall(".//failure")) == 2  # one over a limit, one whose outputs are others
    waiting = sum(cell.status in ("waiting", "running") for cell in found.cells)
    assert len(root.findall(".//skipped")) == waiting
    for suite in root.findall("testsuite"):
        for kind, name in (("error", "errors"), ("failure", "failures"), ("skipped", "skipped")):
            assert int(suite.get(name, "")) == len(suite.findall(f"testcase/{kind}"))


def test_markdown_is_a_table_with_the_bad_ones_below(found: Result) -> None:
    lines = pages.markdown(found).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == len(matrix(found)) + 1 and len({line.count(" | ") for line in table}) == 1
    assert "aten.topk is not supported" in next(line for line in lines if line.startswith("- "))  # failures first
    assert "FAILED" in summary(found)


def test_text_from_outside_is_no_markup(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FVP_TUI_HOME", str(home))
    cells = campaigns.cells([HOSTILE])
    bad = campaigns.ended(cells[0], 1, outcome="failed", reason="<b>no</b> \x1b[2J | weights")
    found = result.load(campaigns.make(cells, [campaigns.started(), bad], "<i>name</i>"))
    page, table = pages.page(found), pages.markdown(found)
    assert not re.search(r"<script|<b>no|<i>name", page) and "\x1b" not in page + table
    assert ElementTree.fromstring(pages.junit(found)) is not None
    assert len({line.replace("\\|", "").count("|") for line in table.splitlines() if line.startswith("|")}) == 1


def test_drawings_mark_what_nothing_beats(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FVP_TUI_HOME", str(home))
    cells = campaigns.cells(["/nets/a.py"])[:3]
    figures = [(1.0, 50.0), (2.0, 40.0), (2.5, 60.0)]
    happened = [
        campaigns.ended(cell, at, figures=campaigns.figures(ms, sram))
        for at, (cell, (ms, sram)) in enumerate(zip(cells, figures, strict=True))
    ]
    (drawing,) = pages.drawings(result.load(campaigns.make(cells, [campaigns.started(), *happened])))
    assert [dot.label for dot in drawing.dots] == ["int8 u55-128", "int8 u65-512", ""]
    assert drawing.dots[0].x < drawing.dots[1].x < drawing.dots[2].x
    assert drawing.dots[1].y > drawing.dots[0].y > drawing.dots[2].y
