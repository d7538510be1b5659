"""The History screen."""

from pathlib import Path

import pytest
from textual.widgets import Static

from tui import runs
from tui.screens.confirm import Confirm
from tui.screens.history import HistoryScreen
from tui.screens.root import FvpApp
from tui.screens.run import RunScreen
from tui.screens.setup import SetupScreen
from tui.widgets.table import FigureTable
from ui import fakes
from ui.conftest import Until


def rows(app: FvpApp) -> list[str]:
    return [row.key for row in app.screen.query_one(FigureTable).rows]


def cells(app: FvpApp, name: str) -> tuple[str | float, ...]:
    return next(row.cells for row in app.screen.query_one(FigureTable).rows if row.key == name)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)])
async def test_runs_are_listed_newest_first_and_opened(size: tuple[int, int], until: Until) -> None:
    ok, failed, gone = fakes.whole().name, fakes.failed().name, fakes.gone().name
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        assert rows(app) == [gone, failed, ok]
        assert cells(app, ok)[1:] == ("digits", "ethos-u85-256", "Sram_Only", "OK", "4,333", "4,321", "9.5 s", "MATCH")
        assert cells(app, failed)[4:] == ("FAILED", "-", "-", "9.5 s", "-")
        assert cells(app, gone)[4] == "LOST"
        hidden = app.screen.query_one(FigureTable).hidden
        assert all(title in str(app.screen.query_one("#top", Static).content) for title in hidden)
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))


async def test_sorting_by_a_figure_puts_the_unknown_last(until: Until) -> None:
    a = fakes.whole("20261120-010101-a-u85-256-0001").name
    b = fakes.make("20261121-010101-b-u85-256-0002", fakes.spec_of(), []).name
    request = fakes.spec_of()
    c_events = [*fakes.begun("c", request), *fakes.inferred((9_999,)), *fakes.finished()]
    c = fakes.make("20261122-010101-c-u85-256-0003", request, c_events).name
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        await pilot.press("right", "right", "right", "right", "right")
        assert rows(app) == [c, a, b]
        await pilot.press("o")
        assert rows(app) == [a, c, b]


async def test_delete_asks_first_and_refuses_a_run_that_runs(until: Until) -> None:
    doomed = fakes.whole()
    name, request = "20261124-010101-live-u85-256-0004", fakes.spec_of()
    live = fakes.make(name, request, fakes.begun(name, request))
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 2)

        async def delete(answer: str) -> None:
            await pilot.press("d")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, HistoryScreen))

        await delete("y")
        await until(pilot, lambda: len(app._notifications) == 1)
        assert live.is_dir()
        await pilot.press("end")
        await delete("n")
        assert doomed.is_dir()
        await delete("y")
        await until(pilot, lambda: rows(app) == [live.name])
        assert not doomed.exists()


async def test_no_runs_and_many_runs(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: "no runs yet" in str(app.screen.query_one("#top", Static).content))
        await pilot.press("enter", "d", "o", "right")  # nothing to do it to
        for n in range(250):
            fakes.make(f"20261101-000000-m-u85-256-{n:04}", fakes.spec_of(), fakes.finished())
        broken = runs.folder() / "20261102-broken"
        broken.mkdir()
        (broken / "events.jsonl").write_bytes(b"\xff\x00 no json\n")
        await pilot.press("u")
        await until(pilot, lambda: len(rows(app)) == 251)
        assert isinstance(app.screen, HistoryScreen)


def test_fakes_are_runs(tmp_path: Path) -> None:
    """What these tests stand on: the fake journals fold as real ones do."""
    assert runs.load(fakes.whole()).run.status == "ok"
    assert runs.load(fakes.failed()).run.hint
    assert runs.load(fakes.gone()).run.status == "lost"
