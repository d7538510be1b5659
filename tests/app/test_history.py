"""The History screen."""

import re
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until
from tui.app.screens import history
from tui.app.screens.compare import CompareScreen
from tui.app.screens.confirm import Confirm
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.table import FigureTable
from tui.run import store
from tui.toolchain.target import Target


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
        assert cells(app, ok)[2:] == ("digits", "ethos-u85-256", "Sram_Only", "OK", "4,333", "4,321", "9.50 s", "MATCH")
        assert cells(app, failed)[5:] == ("FAILED", "–", "–", "9.50 s", "–")
        assert cells(app, gone)[5] == "LOST"
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

        await pilot.press("d")
        await until(
            pilot, lambda: [n.message for n in app._notifications] == [f"{live.name} is still running: s stops it"]
        )
        assert isinstance(app.screen, HistoryScreen) and live.is_dir()
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
        broken = store.folder() / "20261102-broken"
        broken.mkdir()
        (broken / "events.jsonl").write_bytes(b"\xff\x00 no json\n")
        await pilot.press("u")
        await until(pilot, lambda: len(rows(app)) == 251)
        assert isinstance(app.screen, HistoryScreen)


def test_fakes_are_runs(tmp_path: Path) -> None:
    """What these tests stand on: the fake journals fold as real ones do."""
    assert store.load(fakes.whole()).run.status == "ok"
    assert store.load(fakes.failed()).run.hint
    assert store.load(fakes.gone()).run.status == "lost"


async def test_a_pinned_run_is_not_deleted(until: Until) -> None:
    kept = fakes.whole()
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and rows(app))
        await pilot.press("p")
        assert cells(app, kept.name)[0] == "P" and store.pinned(kept)
        await pilot.press("d")
        await until(pilot, lambda: [n.message for n in app._notifications] == [f"{kept.name} is pinned: p unpins it"])
        assert isinstance(app.screen, HistoryScreen)
        assert rows(app) == [kept.name] and kept.is_dir()
        await pilot.press("p")
        assert cells(app, kept.name)[0] == "" and not store.pinned(kept)


async def test_two_runs_are_marked_and_compared(until: Until) -> None:
    older, newer = (
        fakes.faster("20261120-010101-digits-u85-256-0001", 4_000),
        fakes.faster("20261121-010101-d-u85-256-0002", 4_400),
    )
    app = FvpApp()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 2)
        await pilot.press("c")
        await until(pilot, lambda: len(app._notifications) == 1)
        await pilot.press("space")
        assert cells(app, newer.name)[0] == "*"
        await pilot.press("down", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))

        def found() -> str:
            return str(app.screen.query_one("#found", Static).content)

        await until(pilot, lambda: "worse than the profile allows" in found())
        assert found().startswith(f"A  {older.name}\nB  {newer.name}")
        assert re.search(r"total_cycles +4,000 +4,400 +\+10.0 % +WORSE", found())
        await pilot.press("o")
        await until(pilot, lambda: "nothing is worse than the profile allows" in found())
        await pilot.press("y")
        assert app.clipboard == f"fvp-tui compare {newer.name} {older.name}"
        await pilot.press("escape", "space")
        assert [cells(app, name)[0] for name in rows(app)] == ["*", "*"]
        await pilot.press("up", "space")
        assert [cells(app, name)[0] for name in rows(app)] == ["", "*"]


async def test_the_trend_of_a_model_is_drawn_where_there_is_room(until: Until) -> None:
    for day, cycles in ((20, 4_000), (21, 4_400), (22, 4_100)):
        fakes.faster(f"202611{day}-010101-digits-u85-256-0001", cycles)
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        shown = app.screen.query_one("#trend", Static)
        await until(pilot, lambda: "over 3 runs" in str(shown.content))
        words = str(shown.content)
        assert "NPU cycles (estimated) of digits on ethos-u85-256 Sram_Only" in words
        assert "11-20" in words and "11-22" in words and "4400" in words
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not shown.display)


async def test_runs_that_go_on_and_new_ones_are_shown_as_they_come(
    until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LIVE_S", 0.05)
    name, later, request = "20261123-051531-digits-u85-256-00cc", "20261123-061531-digits-u85-256-00dd", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and rows(app) == [name])
        assert cells(app, name)[5:7] == ("RUNNING", "–")
        fakes.append(directory, [*fakes.compiled(), *fakes.booted(), *fakes.inferred()])
        await until(pilot, lambda: cells(app, name)[6] == "4,333")
        fakes.append(directory, [*fakes.checked(), *fakes.finished()])
        fakes.whole(later)
        await until(pilot, lambda: rows(app) == [later, name])
        await until(pilot, lambda: cells(app, name)[5] == "OK")
        store.remove(store.folder() / later)
        await until(pilot, lambda: rows(app) == [name])


async def test_runs_are_filtered_by_words_in_their_cells(until: Until) -> None:
    ok, failed, gone = fakes.whole().name, fakes.failed().name, fakes.gone().name
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)

        def top() -> str:
            return str(app.screen.query_one("#top", Static).content)

        field = app.screen.query_one(FilterField)
        assert not field.display and "  3 runs, " in top()
        await pilot.press("slash", *"LOST dig")
        await until(pilot, lambda: rows(app) == [gone])
        assert field.display and "1 of 3 runs, " in top()
        await pilot.press("enter", "o")
        assert isinstance(app.focused, FigureTable) and rows(app) == [gone] and field.display
        await pilot.press("slash", "escape")
        await until(pilot, lambda: rows(app) == [ok, failed, gone])
        assert not field.display and isinstance(app.screen, HistoryScreen)
        await pilot.press("slash", *"[/nothing")
        await until(pilot, lambda: "0 of 3 runs" in top() and rows(app) == [])
        await pilot.press("enter", "enter", "p", "d", "space")  # nothing to do it to
        fakes.whole("20261125-010101-nothing-u85-256-0001")
        await pilot.press("u")
        await until(pilot, lambda: "0 of 4 runs" in top())


async def test_a_target_that_is_none_is_shown_and_sorted(until: Until) -> None:
    made = [
        fakes.whole(f"2026112{n}-010101-digits-u85-256-0001", fakes.spec_of(target=Target(accelerator=accelerator)))
        for n, accelerator in enumerate(("ethos-u85-1024", "no size", "ethos-u85-256"))
    ]
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        await pilot.press("right", "right", "o")
        await until(pilot, lambda: rows(app) == [made[n].name for n in (1, 2, 0)])
