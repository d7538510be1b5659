"""The History screen."""

import re
import time
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.days import three_days
from tests.app.test_hostile import CONTROLS, TEXTS
from tests.app.test_keys import notices
from tests.screen import screen_lines
from tui.app import ascii
from tui.app.screens import history
from tui.app.screens.cleanup import CleanupScreen, bytes_words
from tui.app.screens.compare import CompareScreen
from tui.app.screens.confirm import Confirm
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.app.widgets.cells import Inked
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.run_columns import COLUMNS
from tui.app.widgets.run_preview import RunPreview
from tui.app.widgets.run_table import RunTable
from tui.app.widgets.table import FigureTable
from tui.app.widgets.trend import TrendChart
from tui.run import baselines, cleanup, index, store
from tui.run.baselines import Family
from tui.run.state import State
from tui.toolchain.target import Target


def rows(app: FvpApp) -> list[str]:
    return [row.key for row in app.screen.query_one(RunTable).rows if row.tone != "heading"]


def cells(app: FvpApp, name: str) -> dict[str, str]:
    """The words in a run's row by the titles of their columns; the sign of its outcome and its marks have none."""
    titles = ["sign", *(column.column.title for column in COLUMNS[1:]), "marks"]
    row = next(row.cells for row in app.screen.query_one(RunTable).rows if row.key == name)
    return {t: c.text if isinstance(c, Inked) else str(c) for t, c in zip(titles, row, strict=True)}


def lines(app: FvpApp) -> list[str]:
    """The lines of the screen."""
    return [line.rstrip() for line in screen_lines(app)]


def top(app: FvpApp) -> str:
    return str(app.screen.query_one("#top", Static).content)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)])
async def test_runs_are_listed_newest_first_and_opened(size: tuple[int, int], until: Until) -> None:
    ok, failed, gone = fakes.whole().name, fakes.failed().name, fakes.gone().name
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        assert rows(app) == [gone, failed, ok]
        told = cells(app, ok)
        assert [told[title] for title in ("sign", "when", "model", "NPU", "memory", "type", "layout", "latency")] == (
            ["✓", "02:15", "digits", "u85-256", "Sram_Only", "int8", "as written", "4.33 µs"]
        )
        assert [told[title] for title in ("change", "check", "took", "run")] == ["", "MATCH", "9.50 s", "7f3a"]
        told = cells(app, failed)
        assert [told[title] for title in ("sign", "latency", "check")] == ["✗", "–", "FAILED"]
        assert told["note"] == "lower: aten.atan2 has a float input that was not quantized"
        assert [cells(app, gone)[title] for title in ("sign", "check")] == ["?", "LOST"]
        assert "✓ 1" in top(app) and "✗ 1 failed" in top(app) and "? 1" in top(app)
        hidden = set(app.screen.query_one(RunTable).hidden)
        assert "check" not in hidden and "latency" not in hidden
        # What all rows have in common is said once; what gives way for the width is named.
        shared = app.screen.query_one(RunTable).shared
        assert shared == {"NPU": "u85-256", "memory": "Sram_Only", "type": "int8", "layout": "as written"}
        assert hidden <= set(shared) or set(shared) <= hidden
        assert all(words in "\n".join(lines(app)) for words in shared.values()) or size == (60, 20)
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))


async def test_sorting_by_a_figure_puts_the_unknown_last(until: Until) -> None:
    a = fakes.whole("20261120-010101-a-u85-256-0001").name
    b = fakes.make("20261121-010101-b-u85-256-0002", fakes.spec_of(), []).name
    c = fakes.faster("20261122-010101-c-u85-256-0003", 9_999).name
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        while app.screen.query_one(RunTable).sorted_by != "latency":
            await pilot.press("right")
        assert rows(app) == [c, a, b]
        assert not [row for row in app.screen.query_one(RunTable).rows if row.tone == "heading"]  # no days
        await pilot.press("o")
        assert rows(app) == [a, c, b]
        await pilot.press("left")
        assert app.screen.query_one(RunTable).sorted_by not in ("latency", "trend", "")


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
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and not app.screen.reading)
        assert "none yet: press q and start one" in "\n".join(lines(app)) and "0 runs" in top(app)
        await pilot.press("enter", "d", "o", "right", "b", "c", "space", "p", "x", "r", "R")  # nothing to do it to
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
        assert cells(app, kept.name)["marks"] == "P" and store.pinned(kept)
        await pilot.press("d")
        await until(pilot, lambda: [n.message for n in app._notifications] == [f"{kept.name} is pinned: p unpins it"])
        assert isinstance(app.screen, HistoryScreen)
        assert rows(app) == [kept.name] and kept.is_dir()
        await pilot.press("p")
        assert cells(app, kept.name)["marks"] == "" and not store.pinned(kept)


async def test_two_runs_are_marked_and_compared(until: Until) -> None:
    older, newer = (
        fakes.faster("20261120-010101-digits-u85-256-0001", 4_000),
        fakes.faster("20261121-010101-d-u85-256-0002", 4_400),
    )
    app = FvpApp()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 2)
        await pilot.press("end", "c")  # nothing to compare the first run with
        await until(pilot, lambda: len(app._notifications) == 1)
        await pilot.press("home", "space")
        assert cells(app, newer.name)["marks"] == "A"
        await pilot.press("down", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))

        def head() -> str:
            return lines(app)[0]

        await until(pilot, lambda: "worse than the profile allows" in head())
        assert "A 0001" in lines(app)[1] and "B 0002" in lines(app)[1] and head().startswith(" ✗ 3 WORSE ")
        assert re.search(r"cycles +4,000 +4,400 +\+10.0 % +WORSE", "\n".join(lines(app)))
        await pilot.press("o")
        await until(pilot, lambda: "nothing is worse than the profile allows" in head())
        await pilot.press("y")
        assert app.clipboard == f"fvp-tui compare {newer.name} {older.name}"
        await pilot.press("escape", "space")
        assert [cells(app, name)["marks"] for name in rows(app)] == ["B", "A"]
        await pilot.press("up", "space")
        assert [cells(app, name)["marks"] for name in rows(app)] == ["", "A"]


async def test_the_run_under_the_cursor_is_previewed_where_there_is_room(until: Until) -> None:
    for day, cycles in ((20, 4_000), (21, 4_400), (22, 4_100)):
        fakes.faster(f"202611{day}-010101-digits-u85-256-00{day}", cycles)
    failed = fakes.failed()
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 4)

        def said() -> str:
            return " ".join(str(app.screen.query_one("#details", Static).content).split())

        await until(pilot, lambda: "not quantized" in said())
        assert "No figure of this model on this target yet." in "\n".join(lines(app))
        assert (
            said().startswith("✗ FAILED why lower")
            and "leave this operator to the CPU" in said()
            and failed.name in said()
        )
        await pilot.press("down")
        await until(pilot, lambda: "4.10 µs" in said())
        assert "-6.8 % against the run before, of Sat 21 Nov 01:01" in said() and "estimated by the simulator" in said()
        drawn = "\n".join(lines(app))
        assert "digits on u85-256 Sram_Only" in drawn and "latency, 3 runs" in drawn
        chart = lines(app)[app.screen.query_one(TrendChart).region.y :]
        assert "●" in "".join(chart) and "11-20" in "".join(chart) and "11-22" in "".join(chart)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not app.screen.query_one(RunPreview).display)
        line = str(app.screen.query_one("#line", Static).content)
        assert "-6.8 % against the run before" in line
        await pilot.press("up")
        await until(pilot, lambda: "not quantized" in str(app.screen.query_one("#line", Static).content))


async def test_of_all_runs_only_the_one_under_the_cursor_is_read(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [fakes.faster(f"202611{day}-010101-digits-u85-256-00{day}", 4_000).name for day in (20, 21, 22)]
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10 * index.UNSETTLED_NS)
    assert len(list(index.history())) == 3
    read: list[str] = []
    load = store.load

    def recorded(directory: Path) -> State:
        read.append(directory.name)
        return load(directory)

    monkeypatch.setattr(store, "load", recorded)
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        read.clear()
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        await until(pilot, lambda: read == [names[2]])
        await pilot.press("down")
        await until(pilot, lambda: read == [names[2], names[1]])


async def test_runs_are_grouped_by_day_and_the_cursor_passes_the_days_by(until: Until) -> None:
    for day, second in ((21, 1), (22, 1), (22, 2), (23, 1)):
        fakes.faster(f"202611{day}-01010{second}-digits-u85-256-{day}0{second}", 4_000 + second)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 4)
        heads = [row.cells for row in app.screen.query_one(RunTable).rows if row.tone == "heading"]
        assert heads == [("Today", "1 run"), ("Yesterday", "2 runs"), ("Sat 21 Nov", "1 run")]
        for name in rows(app)[1:]:
            await pilot.press("down")
            row = app.screen.query_one(RunTable).current
            assert row is not None and row.key == name
        assert [cells(app, name)["change"] for name in rows(app)] == ["-0.02 %", "+0.02 %", "=", ""]


async def test_a_baseline_is_marked_and_the_others_are_measured_against_it(until: Until) -> None:
    first, second, third = (
        fakes.faster(f"202611{day}-010101-digits-u85-256-00{day}", cycles)
        for day, cycles in ((21, 4_000), (22, 4_400), (23, 4_200))
    )
    app = FvpApp()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)

        def changes() -> list[str]:
            return [cells(app, directory.name)["change"].strip() for directory in (first, second, third)]

        assert changes() == ["", "+10.0 %", "-4.5 %"]
        await pilot.press("end", "b")
        assert changes() == ["baseline", "+10.0 % b", "+5.0 % b"]
        assert "measured against the baseline of Sat 21 Nov 01:01" in next(n.message for n in app._notifications)
        await pilot.press("d")
        kept = f"{first.name} is the baseline of its model: b unmarks it"
        await until(pilot, lambda: kept in [n.message for n in app._notifications])
        # Without marks a run is compared with the one it is measured against.
        await pilot.press("home", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await pilot.press("y")
        assert app.clipboard == f"fvp-tui compare {first.name} {third.name}"
        await pilot.press("escape", "end", "b")
        assert changes() == ["", "+10.0 %", "-4.5 %"]


async def test_the_line_that_a_run_failed_at_is_a_key_away(until: Until) -> None:
    failed, whole = fakes.failed(line="split.py:31").name, fakes.whole().name
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 2)
        await until(pilot, lambda: app.screen.query_one(RunPreview).line_of(failed) == "split.py:31")
        await pilot.press("e")  # the terminal of a test cannot be given to an editor
        await until(pilot, lambda: any("split.py:31" in notice for notice in notices(app)))
        await pilot.press("down")
        assert app.screen.query_one(RunPreview).line_of(whole) is None
        await pilot.press("e")
        await until(pilot, lambda: any("names no line" in notice for notice in notices(app)))


async def test_failed_and_old_runs_are_deleted_by_the_dozen_after_a_question(
    until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, baseline, pinned = (fakes.whole(f"2026112{n}-021531-digits-u85-256-000{n}") for n in (1, 2, 3))
    bad, lost = fakes.failed(), fakes.gone()
    name = "20261124-010101-live-u85-256-0004"
    live = fakes.make(name, fakes.spec_of(), fakes.begun(name, fakes.spec_of()))
    store.pin(pinned, True)
    baselines.mark(Family("sample:digits", "ethos-u85"), baseline.name)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 6)

        async def asked(words: str) -> None:
            await until(pilot, lambda: isinstance(app.screen, CleanupScreen))
            await until(pilot, lambda: words in str(app.screen.query_one("#question", Static).content))

        await pilot.press("D")
        size = cleanup.total_size([bad.name, lost.name])
        await asked(f"Delete 2 runs, {bytes_words(size)}?")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        assert bad.is_dir() and lost.is_dir()
        await pilot.press("D")
        await asked("Delete 2 runs")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 4)
        assert not bad.exists() and not lost.exists()
        # All of them are of the same second by their journals, which is now; a month later they are old.
        monkeypatch.setattr(HistoryScreen, "clock", staticmethod(lambda: fakes.T0 + 40 * 86_400))
        await pilot.press("D", "down")
        await asked("Delete 1 run,")
        await pilot.press("right", "y")
        await asked("There are none.")
        await pilot.press("left")
        await asked("Delete 1 run,")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        assert not good.exists() and baseline.is_dir() and pinned.is_dir() and live.is_dir()


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
        assert [cells(app, name)[title] for title in ("check", "latency", "took")] == ["starting", "–", "12 s"]
        fakes.append(directory, fakes.compiled()[:7])
        await until(pilot, lambda: cells(app, name)["check"] == "lower")
        fakes.append(directory, [*fakes.compiled()[7:], *fakes.booted(), *fakes.inferred()])
        fakes.append(directory, [*fakes.checked(), *fakes.finished()])
        fakes.whole(later)
        await until(pilot, lambda: rows(app) == [later, name])
        await until(pilot, lambda: cells(app, name)["check"] == "MATCH")
        store.remove(store.folder() / later)
        await until(pilot, lambda: rows(app) == [name])


async def test_runs_are_filtered_by_words_in_their_cells(until: Until) -> None:
    ok, failed, gone = fakes.whole().name, fakes.failed().name, fakes.gone().name
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)

        field = app.screen.query_one(FilterField)
        assert not field.display and top(app).endswith("  3 runs")
        await pilot.press("slash", *"LOST dig")
        await until(pilot, lambda: rows(app) == [gone])
        assert field.display and top(app).endswith("  1 of 3 runs")
        await pilot.press("enter", "o")
        assert isinstance(app.focused, FigureTable) and rows(app) == [gone] and field.display
        await pilot.press("slash", "escape")
        await until(pilot, lambda: rows(app) == [ok, failed, gone])
        assert not field.display and isinstance(app.screen, HistoryScreen)
        await pilot.press("slash", *"[/nothing")
        await until(pilot, lambda: "0 of 3 runs" in top(app) and rows(app) == [])
        await pilot.press("enter", "enter", "p", "d", "space")  # nothing to do it to
        fakes.whole("20261125-010101-nothing-u85-256-0001")
        await pilot.press("u")
        await until(pilot, lambda: "0 of 4 runs" in top(app))


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
        assert app.screen.query_one(RunTable).sorted_by == "NPU"
        await until(pilot, lambda: rows(app) == [made[n].name for n in (1, 2, 0)])


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 50)])
async def test_runs_are_told_without_colour_and_without_unicode(
    size: tuple[int, int], until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    three_days()
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and not app.screen.reading)
        await pilot.press("down", "b", "down", "down")
        await pilot.pause()
        drawn = [ascii.only(line) for line in lines(app)]
        signs = [line for line in drawn if "LOST" in line or "lost" in line or "? 1" in line]
        assert not [line for line in drawn if "?" in line and line not in (*signs, drawn[-1])]
        here = next(line for line in drawn if "v  01:31" in line)
        assert "x  01:36" in "\n".join(drawn) and "v  01:31" in here and "+10.2 % b" in here and "MATCH" in here


@pytest.mark.parametrize("number", range(len(TEXTS)))
@pytest.mark.parametrize("size", [(60, 20), (120, 40), (200, 50)])
async def test_hostile_text_in_runs_is_only_text(number: int, size: tuple[int, int], until: Until) -> None:
    text = TEXTS[number]
    request = fakes.spec_of(f"/tmp/{text[:200]}.py", target=Target(accelerator=text[:50], memory_mode=text[:50]))
    for at, last in ((1, fakes.finished()), (2, fakes.finished("failed", text, text, 1)), (3, fakes.finished())):
        name = f"2026112{at}-010101-x-u85-256-000{at}"
        what = [*fakes.begun(name, request), *fakes.compiled(), *fakes.inferred((4_000 + at,)), *last]
        fakes.make(name, fakes.spec_of(), what)
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and len(rows(app)) == 3)
        shown = lines(app)
        for key in ("b", "down", "down", "right", "right"):
            await pilot.press(key)
            await pilot.pause()
            shown += lines(app)
        assert not {c for line in shown for c in line} & set(CONTROLS)
        assert all(cell_len(line) <= size[0] for line in shown)
