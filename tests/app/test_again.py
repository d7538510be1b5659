"""Running again, as it was or with other options, from every screen that shows a run."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.app import fakes
from tests.app.conftest import Until
from tui.app.screens.compare import CompareScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.app.widgets.command_line import CommandLine
from tui.app.widgets.table import FigureTable
from tui.run import control, store
from tui.run.spec import Spec
from tui.toolchain.target import Target

REQUEST = Spec(
    "executorch:lstm",
    target=Target("ethos-u85-512", memory_mode="Dedicated_Sram"),
    quantize="a16w8",
    channels_last=True,
    inferences=7,
    platform="simulator",
    parameters=(("x.y", "3"),),
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Spec]:
    found: list[Spec] = []

    def start(request: Spec) -> Path:
        found.append(request)
        return fakes.faster(f"2026122{len(found)}-010101-lstm-u85-512-0001", 4_000)

    monkeypatch.setattr(control, "start", start)
    monkeypatch.setattr("tui.model.catalogue.resolve", lambda name, _: name)
    return found


async def shown(where: str, pilot: Pilot[None], until: Until) -> None:
    """Open a screen that shows the newer of two runs."""
    app = pilot.app
    await pilot.press("h")
    await until(
        pilot,
        lambda: isinstance(app.screen, HistoryScreen) and len(app.screen.query_one(FigureTable).rows) > 1,
    )
    app.screen.query_one(FigureTable).select("20261123-021531-lstm-u85-512-7f3a")
    if where == "run":
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
    if where == "compare":
        await pilot.press("space", "down", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


@pytest.mark.parametrize("where", ["history", "run", "compare"])
async def test_the_run_that_is_shown_is_run_again(where: str, until: Until, started: list[Spec]) -> None:
    fakes.faster("20261120-010101-digits-u85-256-0001", 4_000)
    fakes.whole("20261123-021531-lstm-u85-512-7f3a", REQUEST)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(where, pilot, until)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "20261221" in app.screen.directory.name)
        assert started == [REQUEST]


@pytest.mark.parametrize("where", ["history", "run", "compare"])
async def test_its_options_are_edited_in_setup(where: str, until: Until, started: list[Spec]) -> None:
    fakes.faster("20261120-010101-digits-u85-256-0001", 4_000)
    fakes.whole("20261123-021531-lstm-u85-512-7f3a", REQUEST)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(where, pilot, until)
        before = app.screen
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen) and app.screen.request() == REQUEST)
        # What is changed is changed, the rest is as it was.
        await pilot.press("right", "r")
        await until(pilot, lambda: started)
        assert started[0].target.accelerator == "ethos-u85-1024"
        assert started[0].parameters == REQUEST.parameters and started[0].quantize == "a16w8"
        # The new run stands in the place of its options, above what was shown before.
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "20261221" in app.screen.directory.name)
        await pilot.press("q")
        await until(pilot, lambda: app.screen is before)


@pytest.mark.parametrize("key", ["q", "escape"])
@pytest.mark.parametrize("where", ["history", "run", "compare"])
async def test_from_its_options_one_goes_back_to_where_it_was_shown(
    where: str, key: str, until: Until, started: list[Spec]
) -> None:
    fakes.faster("20261120-010101-digits-u85-256-0001", 4_000)
    fakes.whole("20261123-021531-lstm-u85-512-7f3a", REQUEST)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        own = app.screen
        await shown(where, pilot, until)
        before, depth = app.screen, len(app.screen_stack)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen) and app.screen is not own)
        assert [b.binding.description for k, b in app.screen.active_bindings.items() if k == "q"] == ["Back"]
        await pilot.press(key)
        await until(pilot, lambda: app.screen is before)
        assert len(app.screen_stack) == depth and not app._exit and started == []
        # What Setup itself held is as it was.
        assert isinstance(own, SetupScreen)
        request = own.request()
        assert request is not None and request.model != REQUEST.model


async def test_a_run_without_a_readable_spec_says_so(until: Until, started: list[Spec]) -> None:
    fakes.whole()
    directory = fakes.whole("20261123-021531-lstm-u85-512-7f3a", REQUEST)
    (directory / store.SPEC).write_text("{")
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shown("history", pilot, until)
        await pilot.press("R", "r")
        await until(pilot, lambda: len(app._notifications) == 2)
        assert all("cannot be read" in note.message for note in app._notifications)
        assert started == [] and isinstance(app.screen, HistoryScreen)


async def test_a_model_that_is_gone_is_named_in_setup(until: Until, tmp_path: Path) -> None:
    fakes.whole()
    fakes.whole("20261123-021531-lstm-u85-512-7f3a", Spec(f"{tmp_path}/gone.py"))
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown("run", pilot, until)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        await until(pilot, lambda: "gone.py" in app.screen.query_one(CommandLine).problem)
