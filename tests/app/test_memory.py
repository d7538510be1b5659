"""The Memory panel: a map with names and a cursor, the use over time, and the tensor under the cursor."""

import msgspec
import pytest
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until
from tests.reports.test_memory_use import OPERATORS, TENSORS
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.lines import Lines
from tui.app.widgets.memory import MemoryPanel
from tui.app.widgets.memory_map import MemoryMap
from tui.app.widgets.memory_use import MemoryTotals, TensorDetail, UseOverTime
from tui.run import state as states
from tui.run.figures import Estimate
from tui.run.spec import Limits
from tui.run.state import State

KNOWN = State(
    spec=fakes.spec_of(limits=Limits(sram_kib=1)),
    estimate=Estimate(sram_kib=0.5, flash_kib=3.0, dram_kib=0.0),
    operators=OPERATORS,
    tensors=TENSORS,
)


class Bare(Screen[None]):
    """The panel alone."""

    def compose(self) -> ComposeResult:
        yield MemoryPanel(id="memory", number=4)


class Shown(FvpApp):
    """The panel alone, in the program's style."""

    def get_default_screen(self) -> Bare:  # type: ignore[override]
        return Bare()

    @property
    def panel(self) -> MemoryPanel:
        """The panel, with a state."""
        panel = self.screen.query_one(MemoryPanel)
        if panel._state is None:
            panel.take(KNOWN)
        return panel

    def lines(self, kind: type[Lines]) -> list[str]:
        """The lines of a widget of the panel."""
        widget = self.panel.query_one(kind)
        return [strip.text.rstrip() for strip in widget.drawn(widget.size.width, widget.paint())]


async def test_the_cursor_walks_steps_and_tensors() -> None:
    app = Shown()
    async with app.run_test(size=(120, 40)) as pilot:
        app.panel.focus_inside()
        await pilot.pause()
        await pilot.pause()
        # It begins at the largest tensor at the peak.
        assert str(app.panel.query_one(".detail-part").border_title).startswith(" At step 6 ")  # type: ignore[attr-defined]
        assert app.lines(TensorDetail)[0].startswith("▌ A  body.0")
        facts = " ".join(app.lines(TensorDetail))
        assert "written by   body.0 (Conv2D), step 2" in facts and "last read by body.2 (Conv2D), step 6" in facts
        await pilot.press("up")
        assert any(line.startswith("▌ D  body.act") for line in app.lines(TensorDetail))
        await pilot.press("up", "down", "down", "down")
        assert any(line.startswith("▌ C  body") for line in app.lines(TensorDetail))
        await pilot.press("right")
        # What is not needed any more cannot be under the cursor.
        assert app.lines(TensorDetail)[0].startswith("▌ D  body.act")
        await pilot.press("right", "right", *["left"] * 9, "down")
        assert any(line.startswith("▌ E  quantize") for line in app.lines(TensorDetail))
        assert "written by   nobody on the NPU: an input" in app.lines(TensorDetail)


async def test_blocks_have_names_the_peak_is_named_and_the_limit_is_drawn() -> None:
    app = Shown()
    async with app.run_test(size=(120, 40)) as pilot:
        assert app.panel
        await pilot.pause()
        await pilot.pause()
        drawn = app.lines(MemoryMap)
        assert any("A body.0" in line for line in drawn) and any("input" in line for line in drawn)
        assert drawn[0].startswith("576 B") and "▲ peak 512 B, step 6: body.2" in drawn[-2]
        assert drawn[-1].endswith("step →")
        used = app.lines(UseOverTime)
        assert "limit 1 KiB" in used[0] and "█" in used[-1]
        assert [line.split()[0] for line in app.lines(MemoryTotals)] == ["SRAM", "flash", "DRAM"]


@pytest.mark.parametrize(("size", "parts"), [((48, 8), ""), ((60, 18), "detail"), ((120, 36), "detail use totals")])
async def test_a_smaller_panel_shows_less(size: tuple[int, int], parts: str) -> None:
    app = Shown()
    async with app.run_test(size=size) as pilot:
        assert app.panel
        await pilot.pause()
        await pilot.pause()
        shown = {
            name
            for name, kind in (("detail", TensorDetail), ("use", UseOverTime), ("totals", MemoryTotals))
            if all(node.display for node in app.panel.query_one(kind).ancestors_with_self if isinstance(node, Widget))
        }
        assert shown == set(parts.split())
        assert "▲" in " ".join(app.lines(MemoryMap)) and "body.2" in " ".join(app.lines(MemoryMap))


async def test_without_colours_letters_fill_the_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("NO_COLOR", "1")
    app = Shown()
    async with app.run_test(size=(80, 22)) as pilot:
        assert app.panel
        await pilot.pause()
        drawn = "".join(line[6:] for line in app.lines(MemoryMap)[:-1])
        assert drawn.count("A") > 40 and drawn.count(".") > 40 and not {"▀", "▄"} & set(drawn)
        # The names among the letters are their legend.
        assert "D body.act D" in drawn and " input E" in drawn


async def test_an_empty_panel_says_why(until: Until) -> None:
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.take(states.EMPTY)
        await pilot.pause()
        assert not app.panel.query_one(MemoryMap).display
        assert str(app.panel.query_one(".text", Static).content) == "Available after the Vela stage."
        app.panel.take(KNOWN)
        await pilot.pause()
        assert app.panel.query_one(MemoryMap).display and not app.panel.query_one(".text").display


async def test_the_next_memory_is_a_key_away() -> None:
    app = Shown()
    far = tuple(msgspec.structs.replace(tensor, memory="Dram", bytes=4 * tensor.bytes) for tensor in TENSORS[1:3])
    async with app.run_test(size=(120, 40)) as pilot:
        app.panel.take(msgspec.structs.replace(KNOWN, tensors=(*TENSORS, *far)))
        app.panel.focus_inside()
        await pilot.pause()
        await pilot.pause()
        assert "Dram" in str(app.panel.query_one(".use").border_title)  # type: ignore[attr-defined]
        await pilot.press("m")
        await pilot.pause()
        assert "Sram" in str(app.panel.query_one(".use").border_title)  # type: ignore[attr-defined]


async def test_the_arrows_belong_to_the_map_on_the_run_screen(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("4")
        map_ = app.screen.query_one(MemoryMap)
        await until(pilot, lambda: map_.has_focus)
        before = map_.step
        await pilot.press("right")
        assert map_.step > before
