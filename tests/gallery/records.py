"""What is kept of runs: History, Compare and Sweep, and their dialogs."""

from textual.pilot import Pilot
from textual.widgets import Static

from tests.app import campaigns
from tests.app.days import three_days, two_families
from tests.conftest import taken_over
from tests.gallery.scene import Bench, Scene, text, until
from tui.app import remembered
from tui.app.screens.campaign import CampaignScreen
from tui.app.screens.cleanup import CleanupScreen
from tui.app.screens.compare import CompareScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.save_points import SavePointsScreen
from tui.app.screens.sweep import SweepScreen
from tui.app.widgets.command_line import CommandLine
from tui.app.widgets.heat_map import HeatMap
from tui.app.widgets.run_preview import RunPreview
from tui.run import store


def with_history(bench: Bench) -> FvpApp:
    three_days()
    return FvpApp()


async def listed(pilot: Pilot[None]) -> None:
    await pilot.press("h")
    await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and not pilot.app.screen.reading)
    await pilot.press("down")


async def history(pilot: Pilot[None]) -> None:
    await listed(pilot)
    preview = pilot.app.screen.query_one(RunPreview)
    about = preview.query_one("#details", Static)
    await until(pilot, lambda: not preview.display or "MISMATCH" in str(about.content))


async def compared(pilot: Pilot[None]) -> None:
    await listed(pilot)
    await pilot.press("c")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.found)


def with_two_families(bench: Bench) -> FvpApp:
    two_families()
    return FvpApp()


async def compared_across_families(pilot: Pilot[None]) -> None:
    names = sorted(store.ids())
    screen = CompareScreen(*(store.folder() / name for name in names))
    pilot.app.push_screen(screen)
    await until(pilot, lambda: screen.found)


async def cleanup(pilot: Pilot[None]) -> None:
    await history(pilot)
    await pilot.press("D")
    await until(pilot, lambda: isinstance(pilot.app.screen, CleanupScreen) and "They cannot" in text(pilot.app))


def sweeping(bench: Bench, limit_ms: float | None = None) -> FvpApp:
    taken_over(bench.ran("sample:digits"), bench.home)
    if limit_ms is not None:
        remembered.keep(limit_ms=limit_ms)
    return FvpApp()


async def swept(pilot: Pilot[None]) -> None:
    await pilot.press("w")
    await until(pilot, lambda: isinstance(pilot.app.screen, SweepScreen))
    await until(pilot, lambda: pilot.app.screen.query_one(HeatMap).complete, 60)


async def other_metric(pilot: Pilot[None]) -> None:
    await swept(pilot)
    await pilot.press("m", "a")
    await pilot.pause()


def sweeping_families(bench: Bench) -> FvpApp:
    taken_over(bench.ran("sample:digits", "--target", "ethos-u55-128"), bench.home)
    return sweeping(bench, 0.02)


async def swept_over_families(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: "sample:digits" in pilot.app.screen.query_one(CommandLine).command)
    await swept(pilot)
    await pilot.press("5", "6")
    await until(pilot, lambda: pilot.app.screen.query_one(HeatMap).complete, 60)


async def saved(pilot: Pilot[None]) -> None:
    await swept(pilot)
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, SavePointsScreen) and "CSV" in text(pilot.app))


def with_campaign(bench: Bench) -> FvpApp:
    return FvpApp(attach=campaigns.make(campaigns.cells(), campaigns.mixed()))


async def filled(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, CampaignScreen) and "18 of 24" in text(pilot.app))


async def one_by_one(pilot: Pilot[None]) -> None:
    await filled(pilot)
    await pilot.press("v")
    await until(pilot, lambda: "aten.topk" in text(pilot.app) or pilot.app.size.width < 120)


SCENES = {
    "campaign": Scene(CampaignScreen, with_campaign, filled),
    "campaign cell by cell": Scene(CampaignScreen, with_campaign, one_by_one),
    "history": Scene(HistoryScreen, with_history, history),
    "compare": Scene(CompareScreen, with_history, compared),
    "compare across families": Scene(CompareScreen, with_two_families, compared_across_families),
    "delete many": Scene(CleanupScreen, with_history, cleanup),
    "sweep": Scene(SweepScreen, lambda bench: sweeping(bench, 0.004), swept),
    "sweep of cycles": Scene(SweepScreen, sweeping, other_metric),
    "sweep over families": Scene(SweepScreen, sweeping_families, swept_over_families),
    "save points": Scene(SavePointsScreen, lambda bench: sweeping(bench, 0.004), saved),
}
