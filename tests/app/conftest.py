"""A data folder of its own for each test, a catalogue that is the same on every machine, and a stopped clock."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Static

from tests.app.pseudo_terminal import Terminal
from tests.conftest import Ran
from tests.gallery import scene
from tests.gallery.scene import Bench
from tests.gallery.table import SCENES

Until = Callable[..., Awaitable[None]]
"""``until(pilot, condition, seconds=20)``"""

Draw = Callable[..., bool]
"""``draw(SCENE, SIZE, LOOK="dark")``"""


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.enter_world(tmp_path, monkeypatch)


@pytest.fixture
def until() -> Until:
    """Wait for a condition, not for a time."""
    return scene.until


@pytest.fixture
def draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: Callable[..., Ran], snap_compare: Callable[..., bool]
) -> Draw:
    """Compare the picture of a scene with the one that was looked at."""

    def compare(name: str, size: tuple[int, int], look: str = "dark") -> bool:
        scene.have_qemu_alone(monkeypatch)
        wanted = SCENES[name]
        app = scene.play(wanted, look, Bench(monkeypatch, ran, tmp_path / "home"))
        return snap_compare(app, terminal_size=size, run_before=wanted.shown)

    return compare


def shown(widget: Widget) -> str:
    """What a widget shows, as text."""
    if isinstance(widget, Static):
        return str(widget.content)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def paste(pilot: Pilot[None], text: object) -> None:
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
