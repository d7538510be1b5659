"""The Run screen: compiling, at work, ended well and badly, and each of its panels; a replay; the dialogs of a run."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot

from tests.app import fakes
from tests.app.days import two_families
from tests.app.going_on import failing, further, lowering, several, yesterday
from tests.app.improvable import NAME, TRIAL, ended, improvable
from tests.app.memory_run import resnet8
from tests.app.networks import divided, mobilenet, network, partitions, transformer
from tests.gallery import setup
from tests.gallery.scene import Bench, Scene, read, text, until
from tui.app.screens.edit import EditScreen
from tui.app.screens.export import ExportScreen
from tui.app.screens.help import HelpScreen
from tui.app.screens.replay import ReplayScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.save_log import SaveScreen
from tui.app.widgets.advice import AdvicePanel
from tui.run import journal, trials
from tui.run.replay import Player

Come = Callable[[Pilot[None]], Awaitable[None]]
Start = Callable[[Bench], FvpApp]
AT_WORK = "20261123-061531-digits-u85-256-dddd"


def attached(make: Callable[[], Path]) -> Start:
    """The program with a run that `make` makes."""
    return lambda bench: FvpApp(attach=make())


def keys(*pressed: str) -> Come:
    """Wait until the run is read, then press keys."""

    async def come(pilot: Pilot[None]) -> None:
        await read(pilot)
        await pilot.press(*pressed)
        await pilot.pause()

    return come


def words(*awaited: str) -> Come:
    """Wait until the screen says this."""

    async def come(pilot: Pilot[None]) -> None:
        for each in awaited:
            await until(pilot, lambda each=each: each in text(pilot.app))
        await pilot.pause()

    return come


def booted(*more: fakes.Event) -> Callable[[], Path]:
    """A run whose platform is at work."""
    request = fakes.spec_of()
    what = [*fakes.begun(AT_WORK, request), *fakes.compiled(), *fakes.booted(), *more]
    return lambda: fakes.make(AT_WORK, request, what)


def lowering_again() -> Path:
    yesterday()
    yesterday("20261122-061531-digits-u85-256-dddd", lower=22.0)
    return lowering()


def failing_later() -> Path:
    further()
    return failing()


async def failed(pilot: Pilot[None]) -> None:
    await words("ValueError: no such luck", "  at 78-")(pilot)
    if pilot.app.size.width >= 110:
        await words("of the last run that got further")(pilot)


async def network_alone(pilot: Pilot[None]) -> None:
    await keys("2", "z")(pilot)
    await keys("right", "right", "right")(pilot)


async def memory(pilot: Pilot[None]) -> None:
    """The panel alone, its cursor on the last tensor."""
    await read(pilot)
    await pilot.press("4", *(() if pilot.app.screen.has_class("-single") else "z"), "up")
    await pilot.pause()


def tried() -> Path:
    """A run whose first advice was tried."""
    base, request = fakes.make(NAME, fakes.spec_of(), improvable()), fakes.spec_of(channels_last=True)
    trial = fakes.make(TRIAL, request, [*fakes.begun(TRIAL, request), *ended(3_932)])
    trials.keep(base, trial, {"channels_last": True})
    return base


async def advised(pilot: Pilot[None]) -> None:
    """Go to the advice, alone on the screen, and wait for what came of it and for what Vela has to say."""
    await keys("6", "z")(pilot)
    await until(pilot, lambda: "tried: -9.0 %" in text(pilot.app) and "asking Vela" not in text(pilot.app))
    assert pilot.app.screen.query_one(AdvicePanel).can_try


async def palette(pilot: Pilot[None]) -> None:
    await keys("ctrl+p")(pilot)
    await until(pilot, lambda: pilot.app.screen.query(CommandList) and "this screen" in text(pilot.app))


def held(bench: Bench) -> FvpApp:
    """A replay that stands at its begin."""
    directory = fakes.whole()
    player = Player(directory / journal.FILE, 1 / 16)
    player.pause()
    return FvpApp(replay=(directory, player))


async def replayed(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, ReplayScreen) and pilot.app.screen.state)
    await pilot.press("full_stop")
    await words("● RUNNING  export", "● export")(pilot)


async def edited(pilot: Pilot[None]) -> None:
    await keys("R")(pilot)
    await until(pilot, lambda: isinstance(pilot.app.screen, EditScreen))
    await setup.foreseen(pilot)


async def exported(pilot: Pilot[None]) -> None:
    await keys("x")(pilot)
    await until(pilot, lambda: isinstance(pilot.app.screen, ExportScreen) and "html" in text(pilot.app))


async def saved(pilot: Pilot[None]) -> None:
    await keys("5", "S")(pilot)
    await until(pilot, lambda: isinstance(pilot.app.screen, SaveScreen) and "Save log lines" in text(pilot.app))


def run(make: Callable[[], Path], come: Come) -> Scene:
    """A scene of the Run screen."""
    return Scene(RunScreen, attached(make), come)


SCENES = {
    "run compiling": run(lowering_again, words("21.0 s")),
    "run compiling for the first time": run(lowering, words("no earlier run of")),
    "run on another family": run(lambda: two_families()[0], read),
    "run under way": run(booted(), keys()),
    "run at an operator": run(booted(*fakes.traced({0: 540}, 1)), keys()),
    "run inferring": run(several, words("214 of 360 inferences")),
    "run finished": run(fakes.whole, keys()),
    "run divided": run(divided, keys("2")),
    "run failed": run(failing_later, failed),
    "run with a mismatch": run(fakes.mismatching, words("Lowering changed the result")),
    "panel 2": run(fakes.whole, keys("2")),
    "panel 3": run(fakes.whole, keys("3")),
    "panel 4": run(fakes.whole, keys("4")),
    "panel 5": run(fakes.whole, keys("5")),
    "panel 6": run(fakes.whole, keys("6")),
    "network in running order": run(fakes.whole, keys("2", "z")),
    "network alone": run(divided, network_alone),
    "network of mobilenet": run(lambda: network(mobilenet()), keys("2", "right", "right", "right")),
    "network of transformer": run(lambda: network(transformer()), keys("2", "right", "right", "right")),
    "network of partitions": run(lambda: network(*partitions(34)), keys("2", "right", "right", "right")),
    "memory": run(resnet8, memory),
    "memory at its first tensor": run(resnet8, keys("4", "z", "right")),
    "advice": run(tried, advised),
    "replay": Scene(ReplayScreen, held, replayed),
    "help": Scene(HelpScreen, attached(fakes.whole), keys("question_mark")),
    "palette": Scene(CommandPalette, attached(fakes.whole), palette),
    "edit": Scene(EditScreen, setup.lowered_and_open, edited),
    "export": Scene(ExportScreen, attached(fakes.whole), exported),
    "save log": Scene(SaveScreen, attached(fakes.whole), saved),
}
