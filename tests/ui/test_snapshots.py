"""Pictures of the main screens. After a wanted change: look at the report, then ``pytest --snapshot-update``."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tui.screens.history import HistoryScreen
from tui.screens.root import FvpApp
from tui.screens.run import RunScreen
from tui.widgets.table import FigureTable
from ui import fakes
from ui.conftest import Until

Compare = Callable[..., bool]

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 40), id="120x40")]


def _read(app: Any) -> bool:
    return isinstance(app.screen, RunScreen) and app.screen.state is not None


@pytest.mark.parametrize("size", SIZES)
def test_setup(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def listed(pilot: Pilot[None]) -> None:
        table = pilot.app.screen.query_one(FigureTable)
        await until(pilot, lambda: any(row.key == "executorch:mv2" for row in table.rows))
        await pilot.press("tab", "right")
        await until(pilot, lambda: "Expected" in str(pilot.app.screen.query_one("#expected", Static).content))

    assert snap_compare(FvpApp(), terminal_size=size, run_before=listed)


@pytest.mark.parametrize("size", SIZES)
def test_run_that_went_well(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=size, run_before=read)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_panels_one_at_a_time(number: int, snap_compare: Compare, until: Until) -> None:
    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))
        await pilot.press(str(number))

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=(80, 24), run_before=read)


def test_run_under_way(snap_compare: Compare, until: Until) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    what = [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()]

    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))

    app = FvpApp(attach=fakes.make(name, request, what))
    assert snap_compare(app, terminal_size=(120, 40), run_before=read)


def test_run_that_failed(snap_compare: Compare, until: Until) -> None:
    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))

    assert snap_compare(FvpApp(attach=fakes.failed()), terminal_size=(80, 24), run_before=read)


@pytest.mark.parametrize("size", SIZES)
def test_history(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    fakes.whole()
    fakes.failed()
    fakes.gone()

    async def listed(pilot: Pilot[None]) -> None:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and not pilot.app.screen.reading)

    assert snap_compare(FvpApp(), terminal_size=size, run_before=listed)


def test_help(snap_compare: Compare, until: Until) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))
        await pilot.press("question_mark")
        await pilot.pause()

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=(80, 24), run_before=opened)


def test_light_theme(snap_compare: Compare, until: Until) -> None:
    async def read(pilot: Pilot[None]) -> None:
        pilot.app.theme = "light"
        await until(pilot, lambda: _read(pilot.app))

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=(120, 40), run_before=read)
