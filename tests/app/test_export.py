"""Exporting from the screens."""

import re
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from tests.app import fakes
from tests.app.conftest import Until
from tui.app.screens.export import ExportScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.table import FigureTable


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_report_of_the_run_is_written_where_it_says(
    size: tuple[int, int], until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    directory = fakes.whole()
    report = tmp_path / f"{directory.name}.html"
    app = FvpApp(attach=directory)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        assert "> html" in str(app.screen.query(Static).first().content)
        await pilot.press("enter")
        said = f"Written: {report}"
        await until(pilot, lambda: said in [str(note.message) for note in app._notifications])
        assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
        # What is there is not written over.
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        await pilot.press("enter")
        await until(pilot, lambda: "file exists" in str(app.screen.query_one(".problem", Static).content))
        await pilot.press("up")
        assert app.screen.query_one(Input).value == f"{directory.name}.svg"
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / f"{directory.name}.svg").exists())
        picture = (tmp_path / f"{directory.name}.svg").read_text(encoding="utf-8")
        assert "4,333" in picture
        # It fetches nothing, and every letter takes its cell whatever font it gets.
        assert not re.search(r"@font-face|url\(http|Fira Code", picture)
        widths = re.findall(r"<text [^>]*textLength[^>]*>", picture)
        assert widths and all('lengthAdjust="spacingAndGlyphs"' in text for text in widths)


async def test_history_exports_the_run_under_the_cursor(until: Until, tmp_path: Path) -> None:
    fakes.whole()
    failed = fakes.failed()
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).current)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        shown = str(app.screen.query(Static).first().content)
        assert "perfetto" in shown and "svg" not in shown
        field = app.screen.query_one(Input)
        assert field.value == f"{failed.name}.html"
        field.value = f"{tmp_path}/mine.html"
        await pilot.press("down", "enter")
        await until(pilot, lambda: (tmp_path / "mine.json").exists())
        assert failed.name in (tmp_path / "mine.json").read_text(encoding="utf-8")
