"""Every panel of the Run screen: what it shows is up to date, whatever part of the state has changed."""

from collections.abc import Iterator

import msgspec
import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from tests.app import fakes
from tui.app.widgets.panel import Panel
from tui.app.widgets.panels import PANELS, PanelInfo
from tui.app.widgets.table import FigureTable
from tui.run import journal, state
from tui.run.figures import Cpu, Earlier, MemoryPool, PlanStep, PoolNeed, Profiled, Statistics
from tui.run.folding import fold_journal
from tui.run.state import State


class Alone(App[None]):
    """One panel and nothing else."""

    def __init__(self, info: PanelInfo) -> None:
        super().__init__()
        self.panel: Panel = info.make(id=info.id, number=1)
        self.panel.clock = lambda: fakes.T0 + 12.0

    def compose(self) -> ComposeResult:
        yield self.panel


def looks(panel: Panel) -> list[object]:
    """All that is to be seen in a panel but the line on the row under the cursor, which a table tells by message."""
    found: list[object] = [panel.words]
    for widget in panel.query("*").exclude(".detail"):
        found.append((str(widget), widget.display))
        if isinstance(widget, Static) and isinstance(widget.content, Content):
            found.append((widget.content.plain, widget.content.spans))
        if isinstance(widget, FigureTable):
            found.append(widget.rows)
    return found


def states() -> Iterator[State]:
    """The states that runs go through, event by event; then each part of an eventful run by itself."""
    for directory in (fakes.whole(), fakes.mismatching(), fakes.failed(line="net.py:3")):
        known = state.EMPTY
        for event in journal.read(directory / journal.FILE):
            known = state.fold(known, event)
            yield known
    eventful = msgspec.structs.replace(
        fold_journal(fakes.mismatching("20261123-031531-cat-u85-256-00de") / journal.FILE),
        cpu=Cpu(operators=(PlanStep(name="quantize", op="cortex_m::quantize", instructions=7),)),
        earlier=Earlier(inference_s=2.0, runs=3),
        memory=(MemoryPool(name="method", used=10, size=20),),
        pools=(PoolNeed(name="method", needed=10),),
        profile=(Profiled(name="aten::add", block="Execute", cycles=12, calls=1),),
        statistics=Statistics(instructions=3),
        notes=("one",),
    )
    for name in State.__struct_fields__:
        yield state.EMPTY
        yield msgspec.structs.replace(state.EMPTY, **{name: getattr(eventful, name)})
        yield eventful
        yield msgspec.structs.replace(eventful, **{name: getattr(state.EMPTY, name)})


@pytest.mark.parametrize("info", PANELS, ids=lambda info: info.id)
async def test_a_panel_is_drawn_again_whatever_part_it_shows_has_changed(info: PanelInfo) -> None:
    app = Alone(info)
    async with app.run_test(size=(120, 60)):
        for known in states():
            app.panel.take(known)
            shown = looks(app.panel)
            app.panel.redraw()
            app.panel.retitle()
            assert looks(app.panel) == shown


class Counting(Panel):
    """A panel that shows one part of the state and in its title another."""

    TITLE = "Counting"
    drawn = titled = 0

    def draw(self, state: State) -> None:
        self.drawn += bool(state.notes) + 1

    def summary(self, state: State) -> str:
        self.titled += 1
        return str(state.log_errors)


async def test_a_panel_is_not_drawn_again_when_another_part_has_changed() -> None:
    app = Alone(PanelInfo("counting", Counting, "left"))
    async with app.run_test():
        panel = app.panel
        assert isinstance(panel, Counting)
        for changes, drawn, titled in (
            ({}, 1, 1),
            ({"log_lines": 7, "last_event": 3.0}, 1, 1),
            ({"log_errors": 1}, 1, 2),
            ({"log_errors": 1, "notes": ("one",)}, 3, 2),
        ):
            panel.take(msgspec.structs.replace(state.EMPTY, **changes))
            assert (panel.drawn, panel.titled) == (drawn, titled)
