"""A data folder of its own for each test, a catalogue that is the same on every machine, and a stopped clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Static

from tests.app import fakes
from tests.app.pseudo_terminal import Terminal
from tui import config
from tui.app import remembered
from tui.app.screens.compare import CompareScreen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.model import catalogue
from tui.model.catalogue import ModelInfo

Until = Callable[..., Awaitable[None]]
"""``until(pilot, condition, seconds=20)``"""

SAMPLES = [
    ModelInfo("sample:digits", "8x8 digits, a small CNN", "samples", Path("digits.py")),
    ModelInfo("sample:split", "three partitions, two CPU operators", "samples", Path("split.py")),
]
SHIPPED = [
    ModelInfo("executorch:resnet8", "MLPerf Tiny: image classification, 32x32", "executorch", Path("r.py")),
    ModelInfo("executorch:lstm", "", "executorch", Path("l.py")),
    ModelInfo("executorch:mv2", "", "executorch", Path("m.py"), ("torchvision",)),
]


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FVP_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(catalogue, "samples", lambda: list(SAMPLES))
    monkeypatch.setattr(catalogue, "executorch_models", lambda: list(SHIPPED))
    for screen in (RunScreen, HistoryScreen, CompareScreen, SetupScreen):
        monkeypatch.setattr(screen, "clock", staticmethod(lambda: fakes.T0 + 12.0))
    monkeypatch.setattr(config, "folder", lambda: tmp_path / "config")
    remembered.keep(welcomed=True, guided=True)


@pytest.fixture
def until() -> Until:
    """Wait for a condition, not for a time."""

    async def wait(pilot: Pilot[Any], condition: Callable[[], object], seconds: float = 20) -> None:
        limit = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < limit, "what was waited for did not come"
            await pilot.pause()
            await asyncio.sleep(0.01)
        await pilot.pause()

    return wait


def shown(widget: Widget) -> str:
    """What a widget shows, as text."""
    if isinstance(widget, Static):
        return str(widget.content)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def paste(pilot: Pilot[Any], text: object) -> None:
    """Into the field in focus, as a terminal does it: a path of a hundred letters is a hundred times sooner there."""
    assert isinstance(pilot.app.focused, Input)
    pilot.app.focused.post_message(Paste(str(text)))
    await pilot.pause()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """``terminal(ARGUMENT...)`` starts ``fvp-tui`` in a terminal of 24 rows and 80 columns, on the test's own runs."""
    opened: list[Terminal] = []

    def start(*arguments: str | Path, **options: object) -> Terminal:
        words = [word.name if isinstance(word, Path) else word for word in arguments]
        opened.append(Terminal(words, tmp_path / "home", **options))  # type: ignore[arg-type]
        return opened[-1]

    yield start
    for each in opened:
        each.child.close(force=True)
