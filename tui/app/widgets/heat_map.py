"""A figure of each configuration as a filled cell, and a cursor on them."""

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
from tui.app.widgets.heat_grid import Family, Grid, Place
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.reports.sweep import marks
from tui.reports.sweep_metrics import LATENCY, METRICS, SRAM, Metric, scale

LABEL, NARROW = 17, 12
"""Cells of the memory modes, and what is left of them on a narrow screen."""
LEAST, BROAD = 5, 11
"""Least cells of a figure, and those from which on it has its unit."""
TALL, TALLEST = 30, 44
"""Rows of the screen from which on a row of the map has four rows, and six."""
WAITS = "·"


class HeatMap(Lines, can_focus=True):
    """A row for each memory mode and a column for each accelerator; of several families the other way round."""

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
        self.grid = Grid((Family(accelerators, modes),))
        self.metric: Metric = LATENCY
        self._sweep = Sweep(model="")
        self._at: dict[Place, Point] = {}
        self._row = self._column = 0

    @property
    def under_cursor(self) -> Place:
        """Memory mode and accelerator."""
        return self.grid.place(self._row, self._column) or (self.grid.modes[0], self.grid.accelerators[0])

    @property
    def point(self) -> Point | None:
        """Point under the cursor; None where it is not known yet."""
        return self._at.get(self.under_cursor)

    @property
    def complete(self) -> bool:
        """True where all points are known."""
        return self.grid.places <= self._at.keys()

    @property
    def words(self) -> str:
        """The map as text."""
        return "\n".join(strip.text for strip in self.drawn(self.size.width, self.paint()))

    def show(self, sweep: Sweep) -> None:
        """Draw what is known so far."""
        self._sweep = sweep
        self._at = {(point.memory_mode, point.target): point for point in sweep.points}
        self.draw()

    def lay(self, grid: Grid) -> None:
        """Show other families. The cursor stays on its configuration, where that is still one of the map's."""
        self._row, self._column = grid.find(self.under_cursor) or (0, 0)
        self.grid = grid
        self.draw()

    def go_to(self, mode: str, accelerator: str) -> None:
        """Put the cursor on a configuration, where it is one of the map's."""
        if (found := self.grid.find((mode, accelerator))) is not None:
            self._row, self._column = found
            self.action_move(0, 0)

    def switch(self) -> None:
        """Show the next metric."""
        self.metric = METRICS[(METRICS.index(self.metric) + 1) % len(METRICS)]
        self.draw()

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor, which stays on the map."""
        self._row = min(max(self._row + rows, 0), self.grid.rows - 1)
        self._column = min(max(self._column + columns, 0), self.grid.columns - 1)
        while self.grid.place(self._row, self._column) is None:
            self._column -= 1
        self.draw()
        self.post_message(self.Moved())

    def action_take(self) -> None:
        """Choose the configuration under the cursor."""
        self.post_message(self.Taken())

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the heads of the columns, and a block for each row."""
        signs = paint.no_color or ascii.wanted()
        laid = _layout(self.grid, width, self.app.size.height, signs=signs)
        muted = paint.ink("muted")
        heads = " ".join(head.center(laid.cell) for head in self.grid.heads(laid.cell))
        strips = [Strip([Segment(" " * laid.label + heads, muted)])]
        for row in range(self.grid.rows):
            cells = [
                [[Segment(" " * laid.cell, paint.base)]] * laid.rows
                if face is None
                else cell_lines(face, laid.cell, laid.rows, paint, signs=signs, cursor=at == (self._row, self._column))
                for at, face in self._faces(row, laid)
            ]
            glyph, role, words = self.grid.head(row, laid.label - 3)
            for line in range(laid.rows):
                named = line == (laid.rows - 1) // 2
                label = f" {words}" if named else ""
                segments = [
                    Segment(glyph if named else " ", paint.ink(role)),
                    Segment(label.ljust(laid.label - 1), muted),
                ]
                for cell in cells:
                    segments += [*cell[line], Segment(" ", paint.base)]
                strips.append(Strip(segments))
        return strips

    def _faces(self, row: int, laid: "_Layout") -> Iterator[tuple[tuple[int, int], CellFace | None]]:
        """Content of a row's cells, with their places; None where there is no such configuration."""
        points = self._sweep.points
        first = scale(self.metric, points)
        second = scale(SRAM if self.metric is LATENCY else LATENCY, points)
        named = "SRAM " if self.metric is LATENCY and laid.cell >= len("SRAM 1,024.0 KiB") else ""
        for column in range(self.grid.columns):
            place = self.grid.place(row, column)
            if place is None:
                yield (row, column), None
                continue
            point = self._at.get(place)
            figure = WAITS if point is None else first.text(point, unit=laid.units)
            more = "" if point is None or point.total_cycles is None else f"{named}{second.text(point)}"
            yield (row, column), CellFace(figure, more, marks(self._sweep, point), first.step(point))


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


def _layout(grid: Grid, width: int, height: int, *, signs: bool) -> _Layout:
    """Lay the map out in a width, on a screen of so many rows; `signs` stand in cells beside their colours."""
    label = LABEL if width >= LABEL + (BROAD + 1) * grid.columns else NARROW
    rows = 6 if height >= TALLEST else 4 if height >= TALL else 2 if signs else 1
    return _Layout(label, max((width - label) // grid.columns - 1, LEAST), 1 if grid.many else rows)
