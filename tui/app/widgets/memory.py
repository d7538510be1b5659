"""Panel: the use of the NPU's memories over time."""

import itertools
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.app.widgets.drawing import show
from tui.app.widgets.panel import Panel, awaited
from tui.reports import memory
from tui.reports.format import kib, kib_words
from tui.reports.memory import area_words, peak_words, tensor_words
from tui.run.state import State
from tui.text import clean

LEAST_ROWS = 6
SHADES = 6
"""Shades of tensors: a letter tells two of the same shade apart."""
LEGEND = 8
"""Tensors that the legend names: those alive at the peak, the largest first."""


class MemoryPanel(Panel):
    """Panel of the peak, the tensors that make it, and a picture of addresses against time."""

    TITLE = "Memory"
    FIGURES: ClassVar = (
        (
            "memory map",
            "Where Vela places tensors: addresses upwards, time to the right, a letter for each tensor.",
        ),
        ("peak", "The step that needs the most memory, the operator that runs then, and the tensors in memory."),
        ("flash, DRAM", "Constants and what does not fit into SRAM, as Vela counts them."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "m", "next_area", "Next memory", show=False, tooltip="Show the next memory or partition", id="memory.next"
        ),
    ]

    def __init__(self, *, id: str, number: int) -> None:
        super().__init__(id=id, number=number)
        self._area = 0

    def compose(self) -> ComposeResult:
        """Text and picture."""
        with VerticalScroll(can_focus=True):
            yield Static("", markup=False, classes="text")

    def summary(self, state: State) -> str:
        """Peak of the SRAM."""
        known = state.estimate.sram_kib if state.estimate is not None else None
        return "" if known is None else f"SRAM {kib_words(known)}"

    def brief(self, state: State) -> str:
        """Peak of the SRAM, without its name."""
        return self.summary(state).removeprefix("SRAM ")

    def draw(self, state: State) -> None:
        """Show the state."""
        show(self.query_one(Static), self._content(state))

    def on_resize(self, event: Resize) -> None:
        """Draw the picture in the new size."""
        self.redraw()

    def action_next_area(self) -> None:
        """Show the next memory of this partition, or the first of the next."""
        self._area += 1
        self.redraw()

    def _content(self, state: State) -> Content:
        areas = memory.areas(state.tensors)
        if not areas:
            return Content(clean(awaited(state, "vela")))
        area = areas[self._area % len(areas)]
        peak = memory.peak(area, state.operators)
        several = f"  ({self._area % len(areas) + 1} of {len(areas)}: m)" if len(areas) > 1 else ""
        lines = [
            Content.assemble((area_words(area), "bold"), several),
            Content(peak_words(area, peak)),
        ]
        legend = [
            Content.assemble("  ", (mark := area.mark(tensor), _style(mark)), f" {tensor_words(tensor)}")
            for tensor in peak.tensors[:LEGEND]
        ]
        if hidden := peak.tensors[LEGEND:]:
            legend.append(Content(f"  and {len(hidden)} more: {kib(sum(t.bytes for t in hidden))}"))
        width = max(self.scrollable_content_region.width - 2, 10)
        rows = max(self.size.height - len(lines) - len(legend) - 1, LEAST_ROWS)
        drawn = [colored(row) for row in memory.picture(area, width, rows)]
        return Content("\n").join([*lines, *legend, *drawn])


def _style(mark: str) -> str:
    """Colours of a tensor's cells in the picture and of its letter in the legend."""
    if mark == memory.FREE:
        return "$faint"
    shade = memory.MARKS.index(mark) % SHADES + 1
    return f"$on-tensor-{shade} on $tensor-{shade}"


def colored(row: str) -> Content:
    """A row of the picture, each tensor's cells in its shade."""
    return Content.assemble(*(("".join(cells), _style(mark)) for mark, cells in itertools.groupby(row)))
