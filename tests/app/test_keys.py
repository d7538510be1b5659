"""The user's own keys, help on what has the focus, and what a first start shows."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.command import CommandList
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until
from tui import config
from tui.app import keys, remembered
from tui.app.screens.actions import GROUPS, all_bindings, sentence
from tui.app.screens.help import HelpScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.palette import commands
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.sentences import SENTENCES
from tui.app.screens.setup import SetupScreen
from tui.app.screens.welcome import WelcomeScreen
from tui.app.widgets.help_text import HelpText
from tui.app.widgets.table import FigureTable
from tui.run import control
from tui.run.spec import Spec
from tui.toolchain import toolchains


def write(text: str) -> None:
    config.folder().mkdir(parents=True, exist_ok=True)
    (config.folder() / keys.NAME).write_text(text, encoding="utf-8")


def helped(app: FvpApp) -> dict[str, list[tuple[str, str]]]:
    """The entries of the help, by section."""
    return {section.title: list(section.entries) for section in app.screen.query_one(HelpText).sections}


def notices(app: FvpApp) -> list[str]:
    return [notice.message for notice in app._notifications]


async def test_an_action_takes_its_new_keys_everywhere(until: Until) -> None:
    write('setup.history = ["f2", "g"]\n[run]\nback = "backspace"\n')
    fakes.whole()
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).rows)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("q")
        assert isinstance(app.screen, RunScreen), "the old key is free"
        await pilot.press("backspace")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("q", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        (keys,) = [word for word, text in helped(app)["Go to"] if "runs" in text.lower() or text == "History"]
        assert keys == "f2 g"
        assert notices(app) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('run.nothing = "x"', "no action is called run.nothing"),
        ("run.stop = 3", "run.stop is not a key"),
        ("run.stop = []", "run.stop is not a key"),
        ("[run", "keys.toml"),
        ('setup.history = "w"', "setup.history and setup.sweep have the same key"),
    ],
)
async def test_what_is_wrong_with_the_file_is_said_and_the_program_starts(text: str, said: str, until: Until) -> None:
    write(text)
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: any(said in notice for notice in notices(app)))
        assert isinstance(app.screen, SetupScreen)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


VERBS = re.compile(
    r"(add|begin|apply|cancel|change|choose|compare|complete|confirm|copy|delete|draw|edit|end|erase|estimate|explain|go|"
    r"group|hide|infer|mark|measure|open|order|pause|pin|quit|read|replay|reset|restore|reverse|run|save|scroll|"
    r"search|set|show|skip|sort|start|stop|suspend|take|try|type|wrap|write|zoom)\b"
)


def test_every_key_is_explained_by_a_sentence_that_begins_with_a_verb() -> None:
    sentences = {str(b.id): sentence(b) for b in all_bindings() if b.description}
    assert {name: words for name, words in sentences.items() if not VERBS.match(words.lower())} == {}
    assert set(SENTENCES) <= set(sentences)
    assert max(map(len, sentences.values())) <= 110


def test_no_two_actions_have_one_name_and_none_takes_what_tmux_or_the_terminal_takes() -> None:
    taken = {"ctrl+b", "ctrl+a", "ctrl+s", "ctrl+c"}
    for binding in all_bindings():
        pressed = {key.strip() for key in binding.key.split(",")}
        assert not pressed & taken, binding.id
        assert not any(key.startswith(("alt+", "super+")) for key in pressed), binding.id


async def test_help_begins_with_the_panel_in_focus(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("5", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert next(iter(helped(app))) == "Log, the panel in focus"


async def test_help_is_of_this_screen_only(until: Until) -> None:
    fakes.whole()
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        # Setup shows no panel, no log, and no figure of a run.
        assert not {"Log", "Delegation", "Memory", "Keys in the log"} & helped(app).keys()
        assert {"Keys on this screen", "Keys in a field of the form", "Go to", "Program"} <= helped(app).keys()
        await pilot.press("q", "h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).rows)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "Keys in a table" in helped(app) and "Keys in a field of the form" not in helped(app)
        assert "change" in dict(helped(app)["Figures"])
    app = FvpApp(attach=fakes.whole("20261123-021531-digits-u85-256-7f3b"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert {"Memory", "Keys in the log", "Everywhere"} <= helped(app).keys()
        # What cannot be done now is not offered: the run is over.
        assert "s" not in {keys for keys, _ in helped(app)["Keys on this screen"]}


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_a_sentence_of_the_help_keeps_its_column(width: int, until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(width, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        text = app.screen.query_one(HelpText)
        lines = [strip.text for strip in text.drawn(width - 2, text.paint())]
        assert all(len(line) <= min(width - 2, 100) for line in lines)
        headings = {section.title for section in text.sections}
        starts = {len(line) - len(line.lstrip()) for line in lines if line.strip() and line not in headings}
        # Words on the left, and the columns of the sections.
        assert 2 in starts and all(start == 2 or 14 <= start <= 24 for start in starts)
        # Nothing is lost where lines are broken.
        words = " ".join(" ".join(lines).split())
        assert all(text in words for section in text.sections for _, text in section.entries)


async def test_the_palette_is_in_groups_with_a_line_for_each(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        found = commands(app, app.screen)
        order = [command.group for command in found]
        assert order == sorted(order, key=GROUPS.index) and set(order) == set(GROUPS)
        by_title = {command.title: command for command in found}
        assert by_title["History"].group == by_title["Setup"].group == by_title["Panel: Log"].group == "go to"
        assert by_title["Theme"].group == by_title["Help"].group == by_title["Quit"].group == "program"
        assert (by_title["Export"].group, by_title["Export"].key) == ("this screen", "x")
        assert "Stop" not in by_title and not {"Up", "Page down"} & by_title.keys()
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query(CommandList) and app.screen.query_one(CommandList).option_count)
        lines = [str(option.prompt) for option in app.screen.query_one(CommandList).options]
        headed = [line for line in lines if not line.startswith(" ")]
        assert all(line.startswith(group) for line, group in zip(headed, GROUPS, strict=True))
        assert len(lines) == len(found) and not any("\n" in line for line in lines)
        await pilot.press(*"histo", "enter")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))


async def test_a_first_start_explains_itself_once(until: Until) -> None:
    (config.home() / remembered.FILE).unlink()
    app = FvpApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        box = app.screen.query_one(".box")
        lines = str(box.query_one("#lines", Static).content).splitlines()
        # No line is broken, and all of them are there.
        assert box.query_one("#lines").size.height == len(lines)
        assert box.query_one(".keys").region.bottom <= 20
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
    again = FvpApp()
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert isinstance(again.screen, SetupScreen)


async def test_without_a_compiler_the_first_key_goes_on_to_the_models(
    until: Until, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (config.home() / remembered.FILE).unlink()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    monkeypatch.setenv(toolchains.VARIABLE, str(tmp_path / "bare"))
    toolchains.of(toolchains.default())
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        shown = str(app.screen.query_one("#lines", Static).content)
        assert shown.startswith("enter   goes on: run a .pte, or compile: --toolchain")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        assert list((config.home() / "runs").glob("*")) == []


async def test_a_first_run_is_led_from_the_first_key_to_its_report(
    until: Until, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (config.home() / remembered.FILE).unlink()
    asked: list[Spec] = []

    def start(request: Spec) -> Path:
        asked.append(request)
        return fakes.whole(f"2026122{len(asked)}-021531-digits-u85-256-7f3a", request)

    monkeypatch.setattr(control, "start", start)
    monkeypatch.setattr("tui.model.catalogue.resolve", lambda name, _: name)
    monkeypatch.chdir(tmp_path)
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        shown = str(app.screen.query_one("#lines", Static).content)
        assert shown.startswith("enter   runs the sample")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        assert [request.model for request in asked] == ["sample:digits"]
        await until(pilot, lambda: any("x writes a report" in notice for notice in notices(app)))
        await pilot.press("x", "enter")
        await until(pilot, lambda: list(tmp_path.glob("*.html")))
        # Said once.
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).rows)
        app.clear_notifications()
        await pilot.press("q", "r")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state and len(asked) == 2)
        assert not any("Next:" in notice for notice in notices(app))


DESTRUCTIVE = {
    "run.stop",
    "history.stop",
    "history.delete",
    "history.delete-many",
    "setup.reset",
    "parameters.reset",
    "campaign.stop",
}
"""Actions that throw something away. All but one, which a number typed again undoes, ask first."""


def test_a_key_that_throws_something_away_does_nothing_harmless_elsewhere() -> None:
    keys_of = {str(binding.id): set(binding.key.split(",")) for binding in all_bindings()}
    throwing = set().union(*(keys_of[name] for name in DESTRUCTIVE))
    assert throwing == {"s", "d", "D"}
    assert {name for name, own in keys_of.items() if own & throwing} == DESTRUCTIVE


def test_a_key_that_all_screens_have_means_the_same_on_each() -> None:
    meanings: dict[str, set[str]] = {}
    for binding in all_bindings():
        place, _, name = str(binding.id).partition(".")
        # The log, tables and fields have keys of their own, as less and vi have them.
        if place in ("setup", "run", "history", "compare", "sweep", "replay", "help"):
            for key in binding.key.split(","):
                meanings.setdefault(key, set()).add(name)
    same = {key: meanings[key] for key in ("h", "x", "y", "r", "R", "s", "d", "slash")}
    assert same == {
        "h": {"history"},
        "x": {"export"},
        "y": {"copy"},
        "r": {"run", "again"},
        "R": {"edit", "again"},  # of a replay: from the beginning
        "s": {"stop"},
        "d": {"reset", "delete"},
        "slash": {"filter", "search"},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('run.stp = "x"', "no action is called run.stp (did you mean run.stop?)"),
        ('run.zoom = "s"', "run.stop and run.zoom have the same key, s: give one of them another"),
        ("[run", "keys.toml: "),
        ("run.stop = 3", "run.stop is not a key or a list of keys"),
    ],
)
def test_a_file_that_is_wrong_is_told_on_the_command_line(
    text: str, said: str, home: Path, fvp_tui: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    folder = home / "config" / "fvp-tui"
    folder.mkdir(parents=True)
    (folder / keys.NAME).write_text(text, encoding="utf-8")
    done = fvp_tui("keys")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert said in done.stderr and str(folder / keys.NAME) in done.stderr
    assert "run.stop" in done.stdout
    (folder / keys.NAME).unlink()
    assert fvp_tui("keys").returncode == 0


async def test_the_palette_shows_its_cursor_without_colours(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TEXTUAL_THEME", "ansi-dark")
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query(CommandList) and app.screen.query_one(CommandList).highlighted == 0)
        first, second = (app.screen.query_one(CommandList).render_line(y) for y in (0, 1))
        assert any(segment.style is not None and segment.style.underline for segment in first)
        assert not any(segment.style is not None and segment.style.underline for segment in second)
