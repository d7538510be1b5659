"""The Compare screen."""

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.days import three_days
from tests.app.test_hostile import CONTROLS, TEXTS
from tests.screen import screen_lines
from tui.app import ascii
from tui.app.screens.compare import CompareScreen
from tui.app.screens.root import FvpApp
from tui.app.widgets.cells import Inked
from tui.app.widgets.diverging import Diverging
from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.table import FigureTable
from tui.app.widgets.tile import Tile
from tui.run import events, store
from tui.run.figures import Operator

SIZES = [(60, 20), (80, 24), (120, 40), (200, 50)]


def lines(app: FvpApp) -> list[str]:
    return [line.rstrip() for line in screen_lines(app)]


def words(app: FvpApp, table: str) -> list[list[str]]:
    """The words of a table's rows."""
    rows = app.screen.query_one(table, FigureTable).rows
    return [[c.text if isinstance(c, Inked) else c for c in row.cells if isinstance(c, Inked | str)] for row in rows]


def face(app: FvpApp, which: str) -> tuple[str, str, str]:
    shown = app.screen.query_one(f"#tile-{which}", Tile).face
    return shown.label, f"{shown.figure} {shown.unit}".strip(), shown.words


def named(token: str) -> Path:
    return store.folder() / next(name for name in store.ids() if name.endswith(token))


@pytest.mark.parametrize("size", SIZES)
async def test_a_lost_match_outweighs_a_gain(size: tuple[int, int], until: Until) -> None:
    three_days()
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        screen = CompareScreen(named("a266"), named("d582"))
        app.push_screen(screen)
        await until(pilot, lambda: screen.found)
        head = lines(app)[0]
        assert head.startswith(" ✗ WRONG  Compare ") and "faster does not hide a mismatch" in head
        assert face(app, "a") == ("A a266  01:31", "92.2 µs", "✓ MATCH")
        assert face(app, "b") == ("B d582  01:36", "83.7 µs", "✗ MISMATCH")
        assert face(app, "verdict") == ("B AGAINST A", "✗ WRONG", "-9.3 %, but wrong")
        drawn = "\n".join(lines(app))
        assert "MATCH" in drawn and "MISMATCH" in drawn and "✗ WRONG" in drawn
        assert "layout as written → channels last" in drawn
        figures, modules = words(app, "#figures"), words(app, "#modules")
        assert figures[0] == ["check", "match", "MISMATCH", "", "WORSE"]
        assert figures[1][:4] == ["cycles", "92,194", "83,652", "-9.3 %"]
        assert [row[3] for row in figures[4:]] == ["="] * (len(figures) - 4)
        assert modules[0][:4] == ["features.0", "11,521", "2,979", "-8,542"]
        assert [row[3] for row in modules[1:]] == ["="] * 5
        assert "1 of 6 modules changed" in drawn
        # The same operator is as wide in both networks: they are at one scale.
        ribbons = [app.screen.query_one(f"#ribbon-{letter}", Ribbon).render_line(0).text for letter in "ab"]
        wide = [text.index("features.5") - text.index("features.2") for text in ribbons]
        assert abs(wide[0] - wide[1]) <= 1


async def test_on_a_low_screen_the_table_in_focus_has_all_the_room(until: Until) -> None:
    three_days()
    app = FvpApp()
    async with app.run_test(size=(60, 20)) as pilot:
        screen = CompareScreen(named("a266"), named("d582"))
        app.push_screen(screen)
        await until(pilot, lambda: screen.found and words(app, "#figures"))
        figures, modules = app.screen.query_one("#figures"), app.screen.query_one("#modules")
        await until(pilot, lambda: figures.size.height >= 8)
        # Of the other there is the line that says what it has.
        drawn = lines(app)
        assert any("Modules" in line and "1 of 6 modules changed" in line for line in drawn)
        await pilot.press("tab")
        await until(pilot, lambda: modules.size.height >= 8 and figures.size.height == 0)
        drawn = lines(app)
        assert any("Figures" in line and "figures changed" in line for line in drawn)
        assert "faster / sl…" not in "\n".join(drawn)


async def test_a_gain_is_one_where_the_outputs_are_right(until: Until) -> None:
    three_days()
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = CompareScreen(named("b105"), named("c100"))
        app.push_screen(screen)
        await until(pilot, lambda: screen.found)
        assert lines(app)[0].startswith(" ✓ NOT WORSE  Compare  digits  ethos-u85-256  nothing is worse")
        assert face(app, "verdict") == ("B AGAINST A", "-9.8 %", "faster")
        assert "the same model, options and versions" in "\n".join(lines(app))
        screen.found = None
        await pilot.press("o")
        await until(pilot, lambda: screen.found)
        assert " WORSE  Compare" in lines(app)[0] and face(app, "verdict")[1] == "+10.9 %"
        assert face(app, "verdict")[2].startswith("slower, ")
        bars = [row.cells[5] for row in app.screen.query_one("#figures", FigureTable).rows]
        assert bars[0] == Diverging(1.0, "fail") and bars[-1] == Diverging(0.0, "faint")
        await pilot.press("tab", "end", "space")
        assert app.focused is app.screen.query_one("#modules")


async def test_the_line_of_a_module_is_opened(until: Until) -> None:
    three_days()
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = CompareScreen(named("a266"), named("d582"))
        app.push_screen(screen)
        await until(pilot, lambda: screen.found)
        await pilot.press("tab", "e")
        # The editor is another program's; here the line is named.
        await until(pilot, lambda: [n for n in app._notifications if "model.py" in n.message])
        await pilot.press("end", "e")
        await until(pilot, lambda: [n for n in app._notifications if "No line of the model" in n.message])


async def test_what_cannot_be_compared_says_why(until: Until) -> None:
    three_days()
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = CompareScreen(named("c104"), named("c101"))
        app.push_screen(screen)
        await until(pilot, lambda: screen.found)
        drawn = "\n".join(lines(app))
        assert drawn.startswith(" ! NOT COMPARED") and "is failed" in drawn and "✗ FAILED" in drawn
        assert "aten.atan2 has a float input" in drawn and not app.screen.query_one("#tables").display
        assert face(app, "verdict") == ("B AGAINST A", "–", "not compared")


async def test_a_run_that_is_gone_is_no_crash(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(CompareScreen(store.folder() / "none", store.folder() / "other"))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        differs = app.screen.query_one("#differs", Static)
        await until(pilot, lambda: "lost" in str(differs.content) or "cannot read it" in str(differs.content))
        await pilot.press("down", "space", "tab", "o", "y")


@pytest.mark.parametrize("size", SIZES)
async def test_a_comparison_is_told_without_colour_and_without_unicode(
    size: tuple[int, int], until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    three_days()
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        screen = CompareScreen(named("a266"), named("d582"))
        app.push_screen(screen)
        await until(pilot, lambda: screen.found)
        drawn = [ascii.only(line) for line in lines(app)]
        assert not [line for line in drawn[:-1] if "?" in line]
        assert drawn[0].startswith(" x WRONG  Compare") and "x WRONG" in "\n".join(drawn[1:])
        assert "v MATCH" in "\n".join(drawn) and "x MISMATCH" in "\n".join(drawn)


@pytest.mark.parametrize("number", range(len(TEXTS)))
async def test_hostile_text_in_runs_is_only_text(number: int, until: Until) -> None:
    text = TEXTS[number]
    both = []
    for at, cycles in ((1, 400), (2, 900)):
        name, request = f"2026112{at}-010101-x-u85-256-000{at}", fakes.spec_of(f"/tmp/{text[:200]}.py")
        operators = (Operator(name=text, op=text, module=text, total_cycles=cycles, line=text),)
        estimated = next(event for event in fakes.compiled() if isinstance(event, events.Estimated))
        what = [*fakes.begun(name, request), msgspec.structs.replace(estimated, operators=operators)]
        both.append(fakes.make(name, fakes.spec_of(), [*what, *fakes.inferred(), *fakes.finished()]))
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = CompareScreen(*both)
        app.push_screen(screen)
        await until(pilot, lambda: screen.found)
        shown = lines(app)
        await pilot.press("tab", "down", "o")
        shown += lines(app)
        assert not {c for line in shown for c in line} & set(CONTROLS)
