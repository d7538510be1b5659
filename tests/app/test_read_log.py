"""A log is read from the Setup screen, and shown as what it is: with its label, and no stage that it did not have."""

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from tests.app.conftest import Until, paste, shown
from tests.platform import dialects
from tui.app.screens.history import HistoryScreen
from tui.app.screens.path import LogScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.header import RunHeader
from tui.app.widgets.rail import Rail
from tui.run import control, store
from tui.run.spec import Spec


def all_of(app: FvpApp, selector: str) -> str:
    """What all widgets of a kind show."""
    return "\n".join(shown(widget) for widget in app.screen.query(selector))


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have runs read their logs in this process: what is looked at here is the screen."""
    from tui.pipeline.process import RunProcess
    from tui.pipeline.record import Record

    def start(request: Spec) -> Path:
        directory = store.create(request)
        RunProcess(Record(directory, request)).run()
        return directory

    monkeypatch.setattr(control, "start", start)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_key_on_setup_reads_a_log(size: tuple[int, int], inside: None, tmp_path: Path, until: Until) -> None:
    log = tmp_path / "kit.log"
    log.write_bytes(dialects.KIT.text)
    app = FvpApp()
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: "setup.log" in {active.binding.id for active in app.screen.active_bindings.values()})
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await paste(pilot, f"{log} --from nobody")
        await pilot.press("enter")
        problem = app.screen.query_one(".problem", Static)
        await until(pilot, lambda: "neither fvp nor board" in str(problem.content))
        app.screen.query_one(Input).value = ""
        await paste(pilot, f"{log} --from board")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)

        assert {"OK", "kit.log", "BOARD"} <= set(shown(app.screen.query_one(RunHeader)).split())
        rail = shown(app.screen.query_one(Rail))
        assert ("boot" in rail, "infer" in rail) == (True, True)
        assert not any(stage in rail for stage in ("load", "quantize", "lower", "vela", "emit", "check"))
        assert "by its own clock" in all_of(app, "Tile")

        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await until(pilot, lambda: "kit.log" in all_of(app, "FigureTable"))
        await pilot.press("R")
        await until(pilot, lambda: any("no options" in notice.message for notice in app._notifications))
        assert isinstance(app.screen, HistoryScreen)


async def test_an_excerpt_is_not_known_on_every_screen(inside: None, tmp_path: Path, until: Until) -> None:
    from tui.pipeline.log_request import log_spec

    log = tmp_path / "part.log"
    log.write_bytes(dialects.EXCERPT.text)
    directory = control.start(log_spec(str(log)))
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await until(pilot, lambda: "NOT KNOWN" in shown(app.screen.query_one(RunHeader)))
        await until(pilot, lambda: "4,738 cycles" in all_of(app, ".figures"))
        assert "estimated" not in all_of(app, "Tile"), "nobody knows whose cycles they are"
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await until(pilot, lambda: "not known" in all_of(app, "FigureTable"))
