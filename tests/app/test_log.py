"""The log on the Run screen: what is shown of it, going about in it, copying and saving."""

from pathlib import Path

from tests.app import fakes
from tests.app.conftest import Until, paste
from tests.screen import seen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.app.widgets.log_panel import LogPanel
from tui.app.widgets.log_view import CLIPBOARD_BYTES, LogView
from tui.run import journal
from tui.run.events import Event

NAME = "20261123-101531-digits-u85-256-abcd"


def opened(what: list[Event], *, over: bool = True) -> FvpApp:
    """The program on a run with these events."""
    request = fakes.spec_of()
    ends = fakes.finished() if over else []
    return FvpApp(attach=fakes.make(NAME, request, [*fakes.begun(NAME, request), *what, *ends]))


def title(app: FvpApp) -> str:
    """The panel's title, however much of it fits."""
    return app.screen.query_one(LogPanel).words


def shown(app: FvpApp) -> list[str]:
    """The lines in the view, without level and source."""
    view = app.screen.query_one(LogView)
    return [strip.text[11:].rstrip() for strip in view.render_lines(view.size.region)]


def mixed() -> list[Event]:
    """A log in which every tenth line is a warning and every hundredth an error."""
    what: list[Event] = []
    for n in range(500):
        level = "error" if n % 100 == 50 else "warning" if n % 10 == 0 else "info"
        what += fakes.log([f"line {n}"], level, "uart" if n % 3 else "platform")  # type: ignore[arg-type]
    return what


async def test_filters_by_level_source_and_pattern(until: Until) -> None:
    app = opened(mixed())
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("5", "l")
        assert "50 of 500 lines warnings and errors" in title(app) and shown(app)[-1] == "line 490"
        await pilot.press("o")
        while "from platform" not in title(app):
            await pilot.press("o")
        assert "17 of 500 lines warnings and errors from platform" in title(app)
        assert all(int(line[5:]) % 3 == 0 for line in shown(app) if line)
        while "from" in title(app):
            await pilot.press("o")
        await pilot.press("l")
        assert "5 of 500 lines errors only" in title(app)
        assert [line for line in shown(app) if line] == [f"line {n}" for n in range(50, 500, 100)]
        await pilot.press("l", "ampersand", *"line 12", "enter")
        await until(pilot, lambda: "11 of 500 lines with line 12" in title(app))
        assert [line for line in shown(app) if line] == ["line 12", *(f"line {n}" for n in range(120, 130))]
        await pilot.press("ampersand", "up", "home", "!", "enter")
        await until(pilot, lambda: "489 of 500 lines without line 12" in title(app))
        # A regular expression; one that is none is said, and can be mended.
        await pilot.press("ampersand", "ctrl+r", *"[0-9", "enter")
        assert "not a regular expression" in " ".join(str(t.message) for t in app._notifications)
        assert "filter: regular expression (ctrl+r)" in title(app)
        await pilot.press(*"]5$", "enter")
        await until(pilot, lambda: "49 of 500 lines with [0-9]5$" in title(app))
        assert shown(app)[-1] == "line 495"
        await pilot.press("ampersand", "escape")
        assert title(app).startswith("5 Log  500 lines")


async def test_a_filter_of_a_run_under_way_takes_what_comes(until: Until) -> None:
    app = opened(fakes.log([f"line {n}" for n in range(100)]), over=False)
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("5", "ampersand", *"7", "enter")
        await until(pilot, lambda: "19 of 100 lines with 7" in title(app))
        directory = app._attached
        assert directory is not None
        fakes.append(directory, fakes.log(["late 7", "late 8"]))
        await until(pilot, lambda: "20 of 102 lines with 7" in title(app))
        assert "late 7" in shown(app) and "late 8" not in shown(app) and "following" in title(app)
        # A search goes on, too.
        await pilot.press("slash", *"late", "enter")
        await until(pilot, lambda: "match in line 101, 1 in total" in title(app))


async def test_a_search_by_expression_and_to_and_fro_between_errors(until: Until) -> None:
    app = opened(mixed())
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("slash", "ctrl+r", *r"4[0-9]{2}$", "enter")
        await until(pilot, lambda: "100 in total" in title(app))
        await pilot.press("g")
        assert shown(app)[0] == "line 0"
        for key, wanted in (("E", 50), ("E", 150), ("E", 250), ("ctrl+e", 150), ("ctrl+e", 50), ("ctrl+e", 450)):
            await pilot.press(key)
            source = "uart" if wanted % 3 else "platform"
            assert f"E>{source:8} line {wanted} " in seen(app)
        await pilot.press("o", "ampersand", *"nothing like it", "enter")
        await until(pilot, lambda: "0 of 500 lines" in title(app))
        await pilot.press("E")
        assert "no errors shown" in title(app)


async def test_long_lines_are_wrapped_to_the_last_character(until: Until) -> None:
    long = " ".join(f"word{n}" for n in range(60)) + " 漢字" * 20 + " the end"
    app = opened(fakes.log([*(f"line {n}" for n in range(30)), long, "last"]))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("5")
        assert "the end" not in seen(app) and "…" in seen(app)
        await pilot.press("w")
        view = app.screen.query_one(LogView)
        assert shown(app)[-1] == "last" and view.following
        text = "".join(shown(app)).replace(" ", "")
        assert long.replace(" ", "") in text
        # Line by line of the screen up to the first, and down again.
        for _ in range(30):
            await pilot.press("up")
        assert shown(app)[0] == "line 0" and not view.following
        for _ in range(30):
            await pilot.press("down")
        assert shown(app)[-1] == "last"
        await pilot.press("slash", *"the end", "enter")
        await until(pilot, lambda: "match in line 31" in title(app))
        assert "the end" in seen(app)
        await pilot.resize_terminal(60, 20)
        await pilot.press("f")
        assert shown(app)[-1] == "last"
        await pilot.press("w")
        assert shown(app)[-1] == "last" and "the end" not in seen(app)


async def test_copying_what_is_selected_or_visible(until: Until) -> None:
    app = opened(fakes.log([*(f"line {n}" for n in range(200)), *(["x" * 1_000] * 100)]))
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("5", "g", "c")
        assert app.clipboard.split("\n") == shown(app)
        await pilot.press("slash", *"line 3", "enter")
        await until(pilot, lambda: "match in line 4" in title(app))
        await pilot.press("v", "j", "down", "k")
        assert "2 selected" in title(app)
        await pilot.press("y")
        assert app.clipboard == "line 3\nline 4" and "selected" not in title(app)
        # Upwards; y means the run's command again once nothing is selected.
        await pilot.press("v", "k", "c")
        assert app.clipboard == "line 2\nline 3"
        await pilot.press("y")
        assert app.clipboard.startswith("fvp-tui run")
        await pilot.press("v", "G", "c")
        said = " ".join(str(t.message) for t in app._notifications)
        assert "of 297 lines copied: a clipboard takes no more" in said
        assert CLIPBOARD_BYTES - 2_000 < len(app.clipboard) <= CLIPBOARD_BYTES
        await pilot.press("v", "escape")
        assert isinstance(app.screen, RunScreen) and "selected" not in title(app)


async def test_saving_what_is_shown_or_all(until: Until, tmp_path: Path) -> None:
    hidden = fakes.log(["hidden \x1b[2Jdebug"], "debug")
    app = opened([*mixed(), *hidden, *fakes.log(["z" * 5_000], source="run")])
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        shorter, whole = tmp_path / "some.log", tmp_path / "whole.log"

        def said() -> str:
            return " ".join(str(t.message) for t in app._notifications)

        await pilot.press("5", "l", "l", "S", "ctrl+u")
        await paste(pilot, str(shorter))
        await pilot.press("enter")
        await until(pilot, lambda: f"5 lines saved to {shorter}" in said())
        assert shorter.read_text().splitlines() == [
            f"E {'uart' if n % 3 else 'platform':9} line {n}" for n in range(50, 500, 100)
        ]
        await pilot.press("W", "ctrl+u")
        await paste(pilot, str(whole))
        await pilot.press("enter")
        await until(pilot, lambda: "502 lines saved to" in said())
        lines = whole.read_text().splitlines()
        assert lines[-2:] == ["D uart      hidden debug", f"I run       {'z' * 5_000}"] and len(lines) == 502
        # Nothing is written over.
        await pilot.press("W", "ctrl+u")
        await paste(pilot, str(shorter))
        await pilot.press("enter")
        await until(pilot, lambda: "file exists" in seen(app))
        await pilot.press("ctrl+u")
        await paste(pilot, f"{shorter}/x")
        await pilot.press("enter")
        await until(pilot, lambda: "cannot write" in said())


async def test_a_wall_of_base64_opens_with_enter(until: Until) -> None:
    wall = ["#[RUN THIS]", "# Writing etdump.bin [base64]", f'echo "{"QUJD" * 500}" | base64 -d >etdump.bin', "#[END]"]
    app = opened(fakes.log(["before", *wall, "after"]))
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("5")
        folded = ["before", "ETDump, 4 lines, folded - enter opens", "after"]
        assert [line for line in shown(app) if line] == folded
        assert "6 lines" in title(app)
        await pilot.press("enter")
        assert shown(app)[1:3] == wall[:2] and "ETDump, 4" not in seen(app)
        await pilot.press("enter")
        assert [line for line in shown(app) if line] == folded
        await pilot.press("slash", *"QUJD", "enter")
        await until(pilot, lambda: "match in line 4" in title(app))
        assert 'echo "QUJD' in seen(app)


async def test_a_long_log_is_at_its_end_at_once_and_is_read_once(until: Until) -> None:
    count = 60_000
    directory = opened(fakes.log([f"line {n} " + "x" * 60 for n in range(count)]))._attached
    assert directory is not None
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app._open(directory)
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.press("5")
        await until(pilot, lambda: f"line {count - 1} " in seen(app))
        await until(pilot, lambda: f"5 Log  {count:,} lines" in title(app) and "reading" not in title(app))
        await pilot.press("g")
        assert shown(app)[0].startswith("line 0 ")
        await pilot.press("G")
        assert f"line {count - 1} " in seen(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen) and app.readings)
        kept = app.readings[directory / journal.FILE]
        assert kept.follower.offset == (directory / journal.FILE).stat().st_size
        await app.push_screen(RunScreen(directory, app.readings))
        assert app.screen.query_one(LogPanel).view.rows.log is kept.log  # type: ignore[union-attr]
        await until(pilot, lambda: f"5 Log  {count:,} lines" in title(app))
