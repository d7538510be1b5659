"""The Run screen of a replay."""

from textual.widget import Widget

from tests.app import fakes
from tests.app.conftest import Until, shown
from tui.app.screens.replay import ReplayScreen
from tui.app.screens.root import FvpApp
from tui.app.widgets.header import RunHeader
from tui.run import journal, store
from tui.run.replay import Player


def text(app: FvpApp, widget: type[Widget] | str) -> str:
    return shown(app.screen.query_one(widget, Widget))


def screen(app: FvpApp) -> ReplayScreen:
    assert isinstance(app.screen, ReplayScreen)
    return app.screen


async def test_a_replay_says_so_can_be_held_and_ends_as_the_run(until: Until) -> None:
    directory = fakes.whole()
    before = (directory / journal.FILE).read_bytes()
    player = Player(directory / journal.FILE, 1 / 16)
    player.pause()
    app = FvpApp(replay=(directory, player))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and app.screen.state)
        assert "REPLAY  0.0625 times as fast  PAUSED" in text(app, "#replay")
        await until(pilot, lambda: "● RUNNING  load" in text(app, RunHeader))
        # What the run is asked for is over; nothing of it is offered.
        assert app.screen.check_action("stop", ()) is False and app.screen.check_action("infer", ()) is False
        await pilot.press("full_stop")
        await until(pilot, lambda: "● RUNNING  export" in text(app, RunHeader))
        assert player.now() == fakes.T0 + 0.4
        await pilot.press("space", *["right_square_bracket"] * 14)
        await until(pilot, lambda: "✓ OK" in text(app, RunHeader))
        await until(pilot, lambda: "finished (R replays it)" in text(app, "#replay"))
        assert "4,333" in text(app, ".figures") and screen(app).state == store.load(directory)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and screen(app)._player is not player)
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and "✓ OK" in text(app, RunHeader))
        await pilot.press("q")
        await until(pilot, lambda: app._exit)
    assert (directory / journal.FILE).read_bytes() == before


async def test_a_lost_run_is_lost_again_at_its_end(until: Until) -> None:
    directory = fakes.gone()
    app = FvpApp(replay=(directory, Player(directory / journal.FILE, 1024)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and "LOST" in text(app, RunHeader))


async def test_widgets_take_the_time_of_the_run_while_it_is_shown(until: Until) -> None:
    directory = fakes.whole()
    player = Player(directory / journal.FILE, 1 / 16)
    player.pause()
    app = FvpApp(replay=(directory, player))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and app.screen.state)
        panels = app.screen.panels
        assert panels and all(panel.clock == player.now for panel in panels)
