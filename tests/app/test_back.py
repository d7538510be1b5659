"""q goes back to where one came from, which may be the shell; no second one leaves the program by surprise."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.pseudo_terminal import Terminal, restored
from tui.app.screens.compare import CompareScreen
from tui.app.screens.confirm import Confirm
from tui.app.screens.help import HelpScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.parameters import ParametersScreen
from tui.app.screens.replay import ReplayScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.app.screens.sweep import SweepScreen
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.model_browser import ModelBrowser
from tui.app.widgets.table import FigureTable
from tui.run import control, store
from tui.run.replay import Player
from tui.run.spec import Spec

Press = Callable[..., "object"]


def listed(app: FvpApp, count: int) -> object:
    if not isinstance(app.screen, HistoryScreen):
        return False
    return len([row for row in app.screen.query_one(FigureTable).rows if row.tone != "heading"]) == count


async def test_every_screen_goes_back_to_the_one_it_was_opened_from(
    until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, first = fakes.faster("20261120-010101-digits-u85-256-0001", 4_000), fakes.whole()
    monkeypatch.setattr(control, "start", lambda _: first)
    monkeypatch.setattr("tui.model.catalogue.resolve", lambda name, _: name)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for key, kind in (("p", ParametersScreen), ("w", SweepScreen), ("question_mark", HelpScreen)):
            await pilot.press(key)
            await until(pilot, lambda kind=kind: isinstance(app.screen, kind))
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        own = app.screen
        await pilot.press("h")
        await until(pilot, lambda: listed(app, 2))
        await pilot.press("space", "down", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        # Another run and back; the run itself, which is open already.
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.directory == other)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("home", "enter")
        await until(pilot, lambda: app.screen is own)
        await pilot.press("h")
        await until(pilot, lambda: listed(app, 2))
        await pilot.press("q")
        await until(pilot, lambda: app.screen is own)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))


async def test_one_q_too_many_asks(until: Until) -> None:
    fakes.whole()
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: listed(app, 1))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        for _ in range(3):
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        assert not app._exit
        await pilot.press("down", "q")
        await until(pilot, lambda: app._exit)


@pytest.mark.parametrize("opened", ["attach", "replay"])
async def test_what_the_command_line_opened_goes_back_to_the_shell(opened: str, until: Until) -> None:
    directory = fakes.whole()
    replay = (directory, Player(directory / "events.jsonl", 1024))
    app = FvpApp(attach=directory) if opened == "attach" else FvpApp(replay=replay)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        first = app.screen
        await pilot.press("escape")
        await until(pilot, lambda: [n.message for n in app._notifications] == ["Press q to return to the shell."])
        await pilot.press("h")
        await until(pilot, lambda: listed(app, 1))
        await pilot.press("q")
        await until(pilot, lambda: app.screen is first)
        await pilot.press("q")  # the second of two
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n", "q")
        await until(pilot, lambda: app._exit)


async def test_a_replay_once_more_still_goes_back_to_the_shell(until: Until) -> None:
    directory = fakes.whole()
    app = FvpApp(replay=(directory, Player(directory / "events.jsonl", 1024)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and app.screen.state)
        first = app.screen
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and app.screen is not first)
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


async def test_setup_is_reached_from_an_attached_run_by_name(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        setup = next(c for c in app.get_system_commands(app.screen) if c.title == "Setup")
        setup.callback()
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        await pilot.press("h")
        await until(pilot, lambda: listed(app, 1))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))


async def test_a_run_is_run_again_in_its_place(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Spec] = []

    def start(request: Spec) -> object:
        started.append(request)
        return fakes.faster("20261225-010101-digits-u85-256-0001", 4_000)

    monkeypatch.setattr(control, "start", start)
    monkeypatch.setattr("tui.model.catalogue.resolve", lambda name, _: name)
    directory = fakes.failed()
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: listed(app, 1))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.directory != directory)
        assert started == [store.load(directory).spec]
        await pilot.press("q")
        await until(pilot, lambda: listed(app, 2))


@pytest.mark.parametrize("number", [0, signal.SIGTERM])
def test_an_attached_run_that_goes_on_is_named_when_one_leaves(number: int, terminal: Callable[..., Terminal]) -> None:
    name, request = "20261123-081531-digits-u85-256-eeee", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    tui = terminal("attach", directory)
    tui.wait(lambda: "RUNNING" in tui.text)
    if number:
        os.kill(tui.child.pid, number)
    else:
        tui.child.send("q")
    assert tui.end() == (128 + number if number else 0)
    restored(tui)
    assert f"{name} is still running: fvp-tui attach {name}".encode() in tui.raw


async def test_setup_reads_what_there_is_once_it_is_seen(until: Until) -> None:
    directory = fakes.whole()
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        setup = app.screen_stack[0]
        assert isinstance(setup, SetupScreen)
        assert not setup.query(FilterField)  # it comes with the rest
        app.action_setup()
        await until(pilot, lambda: app.screen is setup and setup.query(FilterField))
        await until(pilot, lambda: setup.query_one(ModelBrowser).runs)
