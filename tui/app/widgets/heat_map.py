"""A figure of each configuration as a filled cell: memory modes downwards, sizes of the NPU across."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.analysis.sweep import Point, Sweep
from tui.app import ascii
from tui.app.widgets.heat_cell import CellFace, cell_lines
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.sweep_plot import mode_mark
from tui.reports.sweep import marks
from tui.reports.sweep_metrics import LATENCY, METRICS, SRAM, Metric, scale
from tui.text import clean

LABEL, NARROW = 17, 12
"""Cells of the memory modes, and what is left of them on a narrow screen."""
LEAST, BROAD = 5, 11
"""Least cells of a figure, and those from which on it has its unit."""
TALL, TALLEST = 30, 44
"""Rows of the screen from which on a row of the map has four rows, and six."""
WAITS = "·"


class HeatMap(Lines, can_focus=True):
    """A row for each memory mode, a column for each accelerator, and a cursor."""

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
        self.metric: Metric = LATENCY
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

    @property
    def complete(self) -> bool:
        """True where all points are known."""
        return len(self._at) == len(self.modes) * len(self.accelerators)

    @property
    def words(self) -> str:
        """The map as text."""
        return "\n".join(strip.text for strip in self.drawn(self.size.width, self.paint()))

    def show(self, sweep: Sweep) -> None:
        """Draw what is known so far."""
        self._sweep = sweep
        self._at = {(point.memory_mode, point.target): point for point in sweep.points}
        self.draw()

    def go_to(self, mode: str, accelerator: str) -> None:
        """Put the cursor on a configuration, where it is one of the map's."""
        if mode in self.modes and accelerator in self.accelerators:
            self._row, self._column = self.modes.index(mode), self.accelerators.index(accelerator)
            self.action_move(0, 0)

    def switch(self) -> None:
        """Show the next metric."""
        self.metric = METRICS[(METRICS.index(self.metric) + 1) % len(METRICS)]
        self.draw()

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor, which stays on the map."""
        self._row = min(max(self._row + rows, 0), len(self.modes) - 1)
        self._column = min(max(self._column + columns, 0), len(self.accelerators) - 1)
        self.draw()
        self.post_message(self.Moved())

    def action_take(self) -> None:
        """Choose the configuration under the cursor."""
        self.post_message(self.Taken())

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the sizes above, and a block for each memory mode."""
        signs = paint.no_color or ascii.wanted()
        laid = _layout(len(self.accelerators), width, self.app.size.height, signs=signs)
        unit = " MACs" if laid.cell >= len("2048 MACs") else ""
        heads = [f"{name.rsplit('-', 1)[-1]}{unit}".center(laid.cell) for name in self.accelerators]
        muted = paint.ink("muted")
        strips = [Strip([Segment(" " * laid.label + " ".join(heads), muted)])]
        for row, mode in enumerate(self.modes):
            cells = [
                cell_lines(face, laid.cell, laid.rows, paint, signs=signs, cursor=at == (self._row, self._column))
                for at, face in self._faces(row, laid)
            ]
            for line in range(laid.rows):
                named = line == (laid.rows - 1) // 2
                glyph, role = mode_mark(mode, self.modes)
                label = f" {_name(mode, laid.label - 3)}" if named else ""
                segments = [
                    Segment(glyph if named else " ", paint.ink(role)),
                    Segment(label.ljust(laid.label - 1), muted),
                ]
                for cell in cells:
                    segments += [*cell[line], Segment(" ", paint.base)]
                strips.append(Strip(segments))
        return strips

    def _faces(self, row: int, laid: "_Layout") -> Iterator[tuple[tuple[int, int], CellFace]]:
        """Content of a row's cells, with their places."""
        points = self._sweep.points
        first = scale(self.metric, points)
        second = scale(SRAM if self.metric is LATENCY else LATENCY, points)
        named = "SRAM " if self.metric is LATENCY and laid.cell >= len("SRAM 1,024.0 KiB") else ""
        for column, accelerator in enumerate(self.accelerators):
            point = self._at.get((self.modes[row], accelerator))
            figure = WAITS if point is None else first.text(point, unit=laid.units)
            more = "" if point is None or point.total_cycles is None else f"{named}{second.text(point)}"
            yield (row, column), CellFace(figure, more, marks(self._sweep, point), first.step(point))


def _name(mode: str, width: int) -> str:
    """A memory mode in so many cells."""
    name = clean(mode, 40)
    return name if len(name) <= width else clean(name.removesuffix("_Sram"), width)


@dataclass(frozen=True)
class _Layout:
    """Sizes of the map's parts in cells, as far as they fit."""

    label: int
    cell: int
    rows: int

    @property
    def units(self) -> bool:
        """True where figures have their units."""
        return self.cell >= BROAD


def _layout(columns: int, width: int, height: int, *, signs: bool) -> _Layout:
    """Lay the map out in a width, on a screen of so many rows; `signs` stand in cells beside their colours."""
    label = LABEL if width >= LABEL + (BROAD + 1) * columns else NARROW
    rows = 6 if height >= TALLEST else 4 if height >= TALL else 2 if signs else 1
    return _Layout(label, max((width - label) // columns - 1, LEAST), rows)
