"""Panel: the NPU's memories: what lies where and when, their use over time, and the tensor under the cursor."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.app.widgets.card import Card
from tui.app.widgets.drawing import show
from tui.app.widgets.memory_map import Mapped, MemoryMap
from tui.app.widgets.memory_use import Held, MemoryTotals, TensorDetail, UseOverTime
from tui.app.widgets.panel import Panel, awaited
from tui.reports import memory
from tui.reports.format import kib, kib_words
from tui.reports.memory import Area, area_words
from tui.reports.memory_use import budget, limit_words, totals, use, used_words
from tui.run.state import State
from tui.text import clean

LINE, DETAIL, WHOLE = 10, 13, 26
"""Rows of the panel from which on the tensor under the cursor has a line, a description, and the rest is there, too."""
BROAD = 90
"""Columns from which on two parts stand side by side."""


class MemoryPanel(Panel):
    """Panel of the memory map; the larger it is, the more stands below the map."""

    TITLE = "Memory"
    FIGURES: ClassVar = (
        (
            "memory map",
            "Tensors where Vela places them: addresses upwards, running order to the right. The letter is the tensor's,"
            " A the largest; the arrows walk from step to step and from tensor to tensor.",
        ),
        ("peak", "The step that needs the most memory, and the operator that runs then."),
        ("in use", "Bytes needed at each step; the rule is the limit of --max-sram-kib."),
        ("last read by", "The operator at the end of the tensor's life; Vela tells nothing of readers before it."),
        ("flash, DRAM", "Constants and what does not fit into SRAM, as Vela counts them."),
        ("planned buffers, scratch", "What the program asks of the runner's memory pools."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "m", "next_area", "Next memory", show=False, tooltip="Show the next memory or partition", id="memory.next"
        ),
    ]

    def __init__(self, *, id: str, number: int) -> None:
        super().__init__(id=id, number=number)
        self._area = 0
        self._shown: Area | None = None

    def compose(self) -> ComposeResult:
        """The map, and cards below it."""
        yield Static("", markup=False, classes="text")
        map_ = MemoryMap()
        yield map_
        with Card(classes="part use"):
            yield UseOverTime()
        with Horizontal(classes="parts"):
            with Card(classes="part detail-part"):
                yield TensorDetail(map_)
            with Card(classes="part totals"):
                yield MemoryTotals()

    def summary(self, state: State) -> str:
        """Peak of the SRAM, and its limit."""
        known = state.estimate.sram_kib if state.estimate is not None else None
        limit = budget(state, "Sram")
        return "" if known is None else f"{kib_words(known)}{f' of {limit_words(limit)}' if limit else ''} SRAM"

    def brief(self, state: State) -> str:
        """Peak of the SRAM."""
        return self.summary(state).partition(" of ")[0].removesuffix(" SRAM")

    def legend(self, state: State) -> Content:
        """Axes of the map, where the frame has a foot."""
        framed = self.screen.has_class("-broad") and self.screen.has_class("-tall")
        return Content("addresses upwards, steps to the right" if state.tensors and framed else "")

    def draw(self, state: State) -> None:
        """Show the state."""
        areas = memory.areas(state.tensors)
        empty, map_ = self.query_one(".text", Static), self.query_one(MemoryMap)
        self._shown = areas[self._area % len(areas)] if areas else None
        self._arrange()
        if self._shown is None:
            show(empty, Content(clean(awaited(state, "vela"))))
            map_.show(None)
            return
        area = self._shown
        map_.show(Mapped(area, memory.peak(area, state.operators), state.operators))
        self._draw_use(state, area)
        self._draw_detail(state, area)
        self.query_one(MemoryTotals).show(totals(state))
        self.query_one(".totals", Card).caption(title="Memories", figure="by Vela's account")

    def _draw_use(self, state: State, area: Area) -> None:
        used, limit = use(area), budget(state, area.memory)
        self.query_one(UseOverTime).show(used, limit)
        areas = memory.areas(state.tensors)
        several = f"  {self._area % len(areas) + 1} of {len(areas)}: m" if len(areas) > 1 else ""
        title = f"In use  {area_words(area)}{several}"
        self.query_one(".use", Card).caption(title=title, figure=used_words(area, max(used), limit))

    def _draw_detail(self, state: State, area: Area) -> None:
        map_ = self.query_one(MemoryMap)
        self.query_one(TensorDetail).show(Held(area, map_.step, state.operators))
        needed = memory.needed(area.alive(map_.step))
        title = f"At step {map_.step}"
        self.query_one(".detail-part", Card).caption(title=title, figure=kib(needed))

    def on_memory_map_moved(self) -> None:
        """Describe the tensor under the cursor."""
        if self._state is not None and self._shown is not None:
            self._draw_detail(self._state, self._shown)

    def on_resize(self, event: Resize) -> None:
        """Show as much as the new size has room for."""
        super().on_resize(event)
        self._arrange()
        self.retitle()

    def _arrange(self) -> None:
        """Show the parts that the panel has room for."""
        rows, known = self.size.height, self._shown is not None
        whole = known and rows >= WHOLE
        self.query_one(".text").display = not known
        self.query_one(MemoryMap).display = known
        self.query_one(".parts").display = known and rows >= LINE
        self.query_one(".use").display = whole
        self.query_one(".totals").display = whole and self.size.width >= BROAD
        self.set_class(whole, "-whole")
        self.set_class(rows < DETAIL, "-low")

    def action_next_area(self) -> None:
        """Show the next memory of this partition, or the first of the next."""
        self._area += 1
        self.redraw()
