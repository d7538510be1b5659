"""What a picture is of: a screen, how one comes to it, and the world in which it looks the same on every machine."""

import asyncio
import re
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pytest
import rich.console
from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from tests.app import fakes
from tests.conftest import Ran
from tests.screen import seen
from tui import config
from tui.app import ascii, remembered
from tui.app.screens.campaign import CampaignScreen
from tui.app.screens.compare import CompareScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.app.widgets.log_view import LogView
from tui.model import catalogue
from tui.model.catalogue import ModelInfo
from tui.platform import discovery
from tui.toolchain import ports, qemu

SIZES = ((60, 20), (80, 24), (120, 40), (200, 50))
"""Columns and lines."""
PLAIN = "plain"
"""The look without colours and without Unicode."""
LOOKS = ("dark", "light", "high-contrast", "terminal", PLAIN)
"""Our themes, and none."""

MESSAGES = 4
"""Times that a program gets to its end of messages from a widget's wish for another height to the picture of it."""

TERMINAL = TerminalTheme(
    (30, 30, 30),
    (204, 204, 204),
    [(0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16),
     (36, 114, 200), (188, 63, 188), (17, 168, 205), (229, 229, 229)],
    [(102, 102, 102), (241, 76, 76), (35, 209, 139), (245, 245, 67),
     (59, 142, 234), (214, 112, 214), (41, 184, 219), (255, 255, 255)],
)  # fmt: skip
"""Ground, letters and sixteen colours of a terminal, for the looks that leave them to it: those of VS Code's."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

SAMPLES = [
    ModelInfo("sample:digits", "8x8 digits, a small CNN", "samples", Path("digits.py")),
    ModelInfo("sample:split", "three partitions, two CPU operators", "samples", Path("split.py")),
]
SHIPPED = [
    ModelInfo("executorch:resnet8", "MLPerf Tiny: image classification, 32x32", "executorch", Path("r.py")),
    ModelInfo("executorch:lstm", "", "executorch", Path("l.py")),
    ModelInfo("executorch:mv2", "", "executorch", Path("m.py"), ("torchvision",)),
]


@dataclass(frozen=True)
class Bench:
    """What a scene is set up with: a way to patch for as long as it lasts, and runs of real models."""

    patch: pytest.MonkeyPatch
    ran: Callable[..., Ran]
    home: Path


@dataclass(frozen=True)
class Scene:
    """A screen in one of its states."""

    screen: type[Screen[Any]]
    start: Callable[[Bench], FvpApp]
    """Makes the runs that are shown, and the program."""
    come: Callable[[Pilot[None]], Awaitable[None]]
    """Presses keys, and waits until all is there that is read beside the screen."""

    async def shown(self, pilot: Pilot[None]) -> None:
        """Come to the screen."""
        await self.come(pilot)
        assert type(pilot.app.screen) is self.screen
        # A widget that has another height asks its screen for a layout by messages: a picture of now has the old one.
        steady = ""
        while steady != (picture := seen(pilot.app)):
            steady = picture
            for _ in range(MESSAGES):
                await pilot.pause()


def _present(app: App[Any]) -> str:
    """What the screen shows and what each thread is at, for whoever has to find out why something did not come."""
    shown = seen(app)
    frames = sys._current_frames()
    at = [
        "".join([f"{thread.name}:\n", *traceback.format_stack(frames[thread.ident])[-8:]])
        for thread in threading.enumerate()
        if thread.ident in frames
    ]
    return "\n".join([f"the screen, {type(app.screen).__name__}:", shown, *at])


async def until(pilot: Pilot[Any], condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition, not for a time."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"what was waited for did not come; {_present(pilot.app)}"
        await pilot.pause()
        await asyncio.sleep(0.01)
    await pilot.pause()


def enter_world(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have a data folder of one's own, a catalogue that is the same everywhere, no boards, and a stopped clock."""
    patch.setenv("FVP_TUI_HOME", str(folder / "home"))
    patch.delenv("TEXTUAL_THEME", raising=False)
    patch.delenv("NO_COLOR", raising=False)
    patch.setattr(catalogue, "samples", lambda _: list(SAMPLES))
    patch.setattr(catalogue, "executorch_models", lambda _: list(SHIPPED))
    for screen in (RunScreen, HistoryScreen, CompareScreen, SetupScreen, CampaignScreen):
        patch.setattr(screen, "clock", staticmethod(lambda: fakes.T0 + 12.0))
    patch.setattr(config, "folder", lambda: folder / "config")
    patch.setattr(ports, "plugged", list)
    remembered.keep(welcomed=True, guided=True)


def have_qemu_alone(patch: pytest.MonkeyPatch) -> None:
    """Be a machine with QEMU but no FVP."""
    patch.setattr(discovery, "find_fvp", lambda *arguments: None)
    patch.setattr(qemu, "find", lambda: Path("/usr/bin/qemu-system-arm"))
    patch.setattr(qemu, "version", lambda program: "7.2.22")


def put_on(look: str, patch: pytest.MonkeyPatch) -> None:
    """Choose one of LOOKS for the programs that are made from here on."""
    patch.setenv("TEXTUAL_THEME", "ansi-dark" if look == PLAIN else look)
    if look in ("terminal", PLAIN):
        patch.setattr(rich.console, "SVG_EXPORT_THEME", TERMINAL)
    if look == PLAIN:
        patch.setenv("NO_COLOR", "1")
        patch.setenv("LC_ALL", "C")


def play(scene: Scene, look: str, bench: Bench) -> FvpApp:
    """Set up a scene; what is photographed of the program is what its terminal shows."""
    put_on(look, bench.patch)
    app = scene.start(bench)
    if look == PLAIN:
        photograph = app.export_screenshot
        app.export_screenshot = lambda **how: _NOT_ASCII.sub(
            lambda found: escape(ascii.only(found[0])), photograph(**how)
        )
    return app


def text(app: Any) -> str:
    """All that a screen shows."""
    return seen(app)


async def read(pilot: Pilot[Any]) -> None:
    """Wait until a run is read, its log too, which is read beside the screen."""

    def whole() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, RunScreen) or screen.state is None:
            return False
        rows = screen.query_one(LogView).rows
        return rows is not None and rows.seen == screen.state.log_lines

    await until(pilot, whole)
