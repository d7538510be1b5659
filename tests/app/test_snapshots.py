"""Pictures of the main screens. After a wanted change: look at the report, then ``pytest --snapshot-update``."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.days import three_days
from tests.app.memory_run import resnet8
from tests.conftest import Ran, taken_over
from tui import config
from tui.app import remembered
from tui.app.screens.compare import CompareScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.sweep import SweepScreen
from tui.app.screens.welcome import WelcomeScreen
from tui.app.widgets.heat_map import HeatMap
from tui.app.widgets.log_view import LogView
from tui.app.widgets.model_card import ModelCard
from tui.app.widgets.run_preview import RunPreview
from tui.app.widgets.setup_head import SetupHead
from tui.app.widgets.spec_form import SpecForm
from tui.app.widgets.table import FigureTable
from tui.platform import discovery
from tui.toolchain import boards, qemu

Compare = Callable[..., bool]

SIZES = [pytest.param(size, id="x".join(map(str, size))) for size in ((60, 20), (80, 24), (120, 40), (200, 50))]


def _read(app: Any) -> bool:
    if not isinstance(app.screen, RunScreen) or app.screen.state is None:
        return False
    # The log is read beside the screen.
    rows = app.screen.query_one(LogView).rows
    return rows is not None and rows.seen == app.screen.state.log_lines


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with QEMU but no FVP."""
    monkeypatch.setattr(discovery, "find_fvp", lambda *arguments: None)
    monkeypatch.setattr(qemu, "find", lambda: Path("/usr/bin/qemu-system-arm"))
    monkeypatch.setattr(qemu, "version", lambda program: "7.2.22")


@pytest.fixture
def lowered(ran: Callable[..., Ran], home: Path) -> None:
    """A run of the first sample with its lowered graph."""
    whole = fakes.whole()
    shutil.copytree(ran("sample:digits").directory / "artifacts" / "vela", whole / "artifacts" / "vela")
    os.utime(whole, (fakes.T0, fakes.T0))
    os.utime(whole / "spec.json", (fakes.T0, fakes.T0))


async def _foreseen(pilot: Pilot[None], until: Until) -> None:
    """Everything that is read beside the Setup screen has been read."""
    screen = pilot.app.screen

    def rows() -> list[str]:
        return [row.key for table in screen.query(FigureTable) for row in table.rows]

    await until(pilot, lambda: "executorch:mv2" in rows())
    await until(pilot, lambda: len(screen.query_one(SpecForm).picker.prospect.ms) == len(boards.DEFAULT.npu.macs))
    await until(pilot, lambda: screen.query_one(ModelCard).sheet.parts)
    await until(pilot, lambda: screen.query_one(SetupHead).platforms is not None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("lowered")
def test_setup(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def listed(pilot: Pilot[None]) -> None:
        await _foreseen(pilot, until)
        await pilot.press("tab", "down", "right")

    assert snap_compare(FvpApp(), terminal_size=size, run_before=listed)


@pytest.mark.parametrize("size", SIZES[1:3])
@pytest.mark.usefixtures("lowered")
def test_setup_of_another_family(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def listed(pilot: Pilot[None]) -> None:
        await _foreseen(pilot, until)
        await pilot.press("tab", "right")
        await until(pilot, lambda: not pilot.app.screen.query_one(SpecForm).picker.prospect.ms)

    assert snap_compare(FvpApp(), terminal_size=size, run_before=listed)


@pytest.mark.parametrize("theme", ["light", "high-contrast", "terminal"])
@pytest.mark.usefixtures("lowered")
def test_setup_in_themes(theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def listed(pilot: Pilot[None]) -> None:
        await _foreseen(pilot, until)

    assert snap_compare(FvpApp(), terminal_size=(120, 40), run_before=listed)


@pytest.mark.parametrize("size", SIZES)
def test_setup_of_a_model_that_was_never_run(
    size: tuple[int, int], snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    fakes.make(name, request, [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()])
    monkeypatch.setattr(qemu, "find", lambda: None)

    async def listed(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: pilot.app.screen.query_one(SetupHead).run is not None)
        await until(pilot, lambda: pilot.app.screen.query_one(SetupHead).platforms is not None)
        await pilot.press("down")
        await pilot.pause()

    assert snap_compare(FvpApp(), terminal_size=size, run_before=listed)


@pytest.mark.parametrize("size", SIZES)
def test_run_that_went_well(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=size, run_before=read)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_panels_one_at_a_time(number: int, snap_compare: Compare, until: Until) -> None:
    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))
        await pilot.press(str(number))

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=(80, 24), run_before=read)


def test_run_under_way(snap_compare: Compare, until: Until) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    what = [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()]

    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))

    app = FvpApp(attach=fakes.make(name, request, what))
    assert snap_compare(app, terminal_size=(120, 40), run_before=read)


LOOKS = [
    *(pytest.param(*size.values, "dark", id=f"{size.id}") for size in SIZES),
    *(pytest.param((120, 40), theme, id=theme) for theme in ("light", "high-contrast", "terminal")),
]
"""Sizes in the dark theme, and the others at one size."""


def _listed(app: Any) -> bool:
    return isinstance(app.screen, HistoryScreen) and not app.screen.reading


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_history(
    size: tuple[int, int], theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)
    three_days()

    async def listed(pilot: Pilot[None]) -> None:
        await pilot.press("h")
        await until(pilot, lambda: _listed(pilot.app))
        await pilot.press("down")
        preview = pilot.app.screen.query_one(RunPreview)
        about = preview.query_one("#details", Static)
        await until(pilot, lambda: not preview.display or "MISMATCH" in str(about.content))

    assert snap_compare(FvpApp(), terminal_size=size, run_before=listed)


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_compare(
    size: tuple[int, int], theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)
    three_days()

    async def compared(pilot: Pilot[None]) -> None:
        await pilot.press("h")
        await until(pilot, lambda: _listed(pilot.app))
        await pilot.press("down", "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.found)

    assert snap_compare(FvpApp(), terminal_size=size, run_before=compared)


async def _swept(pilot: Pilot[None], until: Until) -> None:
    await pilot.press("w")
    await until(pilot, lambda: isinstance(pilot.app.screen, SweepScreen))
    await until(pilot, lambda: pilot.app.screen.query_one(HeatMap).complete, 60)


@pytest.mark.parametrize("size", SIZES)
def test_sweep(size: tuple[int, int], ran: Callable[..., Ran], home: Path, snap_compare: Compare, until: Until) -> None:
    taken_over(ran("sample:digits"), home)
    remembered.keep(limit_ms=0.004)

    async def swept(pilot: Pilot[None]) -> None:
        await _swept(pilot, until)

    assert snap_compare(FvpApp(), terminal_size=size, run_before=swept)


@pytest.mark.parametrize("theme", ["light", "high-contrast", "terminal"])
def test_sweep_in_other_colours(
    theme: str,
    ran: Callable[..., Ran],
    home: Path,
    snap_compare: Compare,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken_over(ran("sample:digits"), home)
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def other_metric(pilot: Pilot[None]) -> None:
        await _swept(pilot, until)
        await pilot.press("m", "a")
        await pilot.pause()

    assert snap_compare(FvpApp(), terminal_size=(120, 40), run_before=other_metric)


@pytest.mark.parametrize("size", SIZES)
def test_parameters(
    size: tuple[int, int], snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # no FVP of this machine's

    async def listed(pilot: Pilot[None]) -> None:
        await pilot.press("p")
        await until(pilot, lambda: len(pilot.app.screen.query_one(FigureTable).rows) > 5)
        # Where the simulator lies is this machine's business.
        pilot.app.screen.query_one("#command", Static).update("$ fvp-sim ...")
        await pilot.pause()

    assert snap_compare(FvpApp(), terminal_size=size, run_before=listed)


@pytest.mark.parametrize("size", SIZES)
def test_help(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))
        await pilot.press("question_mark")
        await pilot.pause()

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=size, run_before=opened)


@pytest.mark.parametrize("size", SIZES)
def test_welcome(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    (config.home() / remembered.FILE).unlink()

    async def greeted(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, WelcomeScreen))
        behind = pilot.app.screen_stack[0]
        await until(pilot, lambda: behind.query_one(SetupHead).platforms is not None)
        await until(pilot, lambda: "executorch:mv2" in [row.key for row in behind.query_one(FigureTable).rows])

    assert snap_compare(FvpApp(), terminal_size=size, run_before=greeted)


@pytest.mark.parametrize("size", SIZES)
def test_memory(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def shown(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))
        await pilot.press("4", *(() if pilot.app.screen.has_class("-single") else "z"), "up")
        await pilot.pause()

    assert snap_compare(FvpApp(attach=resnet8()), terminal_size=size, run_before=shown)


@pytest.mark.parametrize("theme", ["light", "high-contrast", "terminal"])
def test_memory_in_other_colours(
    theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def shown(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))
        await pilot.press("4", "z", "right")
        await pilot.pause()

    assert snap_compare(FvpApp(attach=resnet8()), terminal_size=(120, 40), run_before=shown)


@pytest.mark.parametrize("theme", ["light", "high-contrast", "terminal"])
def test_themes(theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=(120, 40), run_before=read)


@pytest.mark.parametrize("theme", ["dark", "light", "terminal"])
def test_network_in_running_order(
    theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def read(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: _read(pilot.app))
        await pilot.press("2", "z")
        await pilot.pause()

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=(120, 40), run_before=read)
