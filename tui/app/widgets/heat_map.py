"""Time of an inference by memory mode and size of the NPU, to be walked through."""

import math
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.analysis.sweep import Point, Sweep
from tui.reports.sweep import marks
from tui.reports.sweep_metrics import LATENCY, scale
from tui.text import clean

LABEL, CELL, NARROW = 15, 11, 9
STYLES = tuple(f"$on-heat-{step} on $heat-{step}" for step in range(1, 6))
"""From the fastest fifth of the range to the slowest; the figures and marks say the same without colour."""


class HeatMap(Widget, can_focus=True):
    """A row for each memory mode, a column for each accelerator."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(0, -1)", "Smaller", show=False, id="heat.left"),
        Binding("right,l", "move(0, 1)", "Larger", show=False, id="heat.right"),
        Binding("up,k", "move(-1, 0)", "Memory mode above", show=False, id="heat.up"),
        Binding("down,j", "move(1, 0)", "Memory mode below", show=False, id="heat.down"),
        Binding("enter", "take", "Use it", key_display="enter", id="heat.take"),
    ]

    class Moved(Message):
        """The cursor is on another configuration."""

    class Taken(Message):
        """The user wants this configuration."""

    def __init__(self, accelerators: tuple[str, ...], modes: tuple[str, ...]) -> None:
        super().__init__()
        self.accelerators, self.modes = accelerators, modes
        self._sweep = Sweep(model="")
        self._at: dict[tuple[str, str], Point] = {}
        self._row = self._column = 0

    @property
    def under_cursor(self) -> tuple[str, str]:
        """Memory mode and accelerator."""
        return self.modes[self._row], self.accelerators[self._column]

    @property
    def point(self) -> Point | None:
        """Point under the cursor; None where it is not known yet."""
        return self._at.get(self.under_cursor)

    def show(self, sweep: Sweep) -> None:
        """Draw what is known so far."""
        self._sweep = sweep
        self._at = {(point.memory_mode, point.target): point for point in sweep.points}
        self.refresh()

    def go_to(self, mode: str, accelerator: str) -> None:
        """Put the cursor on a configuration, where it is one of the map's."""
        if mode in self.modes and accelerator in self.accelerators:
            self._row, self._column = self.modes.index(mode), self.accelerators.index(accelerator)
            self.action_move(0, 0)

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor, which stays on the map."""
        self._row = min(max(self._row + rows, 0), len(self.modes) - 1)
        self._column = min(max(self._column + columns, 0), len(self.accelerators) - 1)
        self.refresh()
        self.post_message(self.Moved())

    def action_take(self) -> None:
        """Choose the configuration under the cursor."""
        self.post_message(self.Taken())

    def render(self) -> Content:
        """Draw the map."""
        wide = self.size.width >= LABEL + CELL * len(self.accelerators)
        across, unit = (CELL, " MACs") if wide else (NARROW, "")
        label = min(LABEL, max(self.size.width - across * len(self.accelerators), 5))
        laid = scale(LATENCY, self._sweep.points)
        heads = [f"{name.rsplit('-', 1)[-1]}{unit}  ".rjust(across) for name in self.accelerators]
        lines = [Content.assemble(((laid.unit[0] if laid.unit else "").ljust(label) + "".join(heads), "$muted"))]
        for row, mode in enumerate(self.modes):
            parts: list[Content | tuple[str, str] | str] = [(clean(mode, label - 1).ljust(label), "$muted")]
            for column, accelerator in enumerate(self.accelerators):
                point = self._at.get((mode, accelerator))
                style = self._style(point)
                if (row, column) == (self._row, self._column):
                    style = f"bold {style} reverse"
                text = laid.text(point, unit=False) + marks(self._sweep, point).ljust(2) if point else "...  "
                parts.append((f"{text.rjust(across - 1)} ", style))
            lines.append(Content.assemble(*parts))
        return Content("\n").join(lines)

    def _style(self, point: Point | None) -> str:
        known = [p.inference_ms for p in self._sweep.points if p.inference_ms]
        if point is None or not point.inference_ms:
            return "$muted"
        least, most = min(known), max(known)
        share = math.log(point.inference_ms / least) / math.log(most / least) if most > least else 0.0
        return STYLES[min(int(share * len(STYLES)), len(STYLES) - 1)]
