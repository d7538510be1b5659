"""A scatter plot with logarithmic axes: marks, a line through some of them, and a limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.app.widgets.braille import ACROSS, DOWN, Dots
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit
from tui.reports.format import TIME_UNITS, TimeUnit

LEAST_WIDTH, LEAST_HEIGHT = 20, 4
ROOM = 1.12
"""Factor between the outermost marks and the edge of the plot."""
FAR = 4.0
"""Factor from the marks within which the limit is part of the plot."""
NICE, FINE = (1, 2, 5), (1, 2, 3, 4, 5, 6, 8)
"""Digits that labels begin with."""
FEW = 3
LEAST_APART = 2
"""Rows between two labels of the axis, at least."""


@dataclass(frozen=True)
class Mark:
    """A point of the plot."""

    x: float
    y: float
    glyph: str
    role: str
    bold: bool = False


@dataclass(frozen=True)
class Plot:
    """Content of a scatter plot; all values are above 0, times in seconds."""

    marks: Sequence[Mark] = ()
    """Later ones lie on earlier ones."""
    line: Sequence[tuple[float, float]] = ()
    """Ends of the pieces of the line."""
    ticks: Sequence[tuple[float, str]] = ()
    """Labels of the x axis."""
    unit: TimeUnit = TIME_UNITS[0]
    limit: float | None = None
    limit_words: str = ""
    empty: str = ""
    """Words in place of a plot without marks."""


class Scatter(Lines):
    """A plot as large as the widget; nothing where that is too small for one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot = Plot()

    def show(self, plot: Plot) -> None:
        """Show other points."""
        if plot != self._plot:
            self._plot = plot
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw grid, limit, line, marks, and the labels of both axes."""
        height = self.size.height
        if not self._plot.marks:
            return [Strip([Segment(fit(self._plot.empty, width), paint.ink("muted"))])]
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            return []
        return _Drawing(self._plot, width, height, paint).strips()


Cell = tuple[str, Style]


class _Drawing:
    """The cells of a plot."""

    def __init__(self, plot: Plot, width: int, height: int, paint: Paint) -> None:
        self._plot, self._paint, self._height = plot, paint, height - 2
        ys = [mark.y for mark in plot.marks]
        low, high = min(ys), max(ys)
        self._limit = plot.limit if plot.limit and low / FAR <= plot.limit <= high * FAR else None
        if self._limit:
            low, high = min(low, self._limit), max(high, self._limit)
        self._y = math.log(low / ROOM), math.log(high * ROOM)
        xs = [mark.x for mark in plot.marks] + [x for x, _ in plot.ticks]
        self._x = math.log(min(xs)), math.log(max(xs))
        self._labelled = self._labels()
        self._margin = max((len(text) for text in self._labelled.values()), default=0) + 1
        self._width = width - self._margin
        self._cells: list[list[Cell]] = [[(" ", paint.base)] * self._width for _ in range(self._height)]

    def _column(self, x: float) -> float:
        """Place of a value in cells; the outermost are half a label from the edge."""
        least, most = self._x
        edge = min(3, self._width // 8)
        share = (math.log(x) - least) / (most - least) if most > least else 0.5
        return edge + share * (self._width - 1 - 2 * edge)

    def _row(self, y: float) -> float:
        least, most = self._y
        share = (math.log(y) - least) / (most - least)
        return (1 - share) * (self._height - 1)

    def _labels(self) -> dict[int, str]:
        """Labels of round times by row; of finer ones where few of the round ones are in the plot."""
        coarse = self._labels_at(NICE)
        return coarse if len(coarse) >= FEW else self._labels_at(FINE)

    def _labels_at(self, digits: Sequence[int]) -> dict[int, str]:
        """Labels of times that begin with one of these digits."""
        name, size = self._plot.unit
        least, most = (math.exp(end) / size for end in self._y)
        found: dict[int, str] = {}
        last = self._height + LEAST_APART
        for exponent in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1):
            for value in (digit * 10.0**exponent for digit in digits):
                if least <= value <= most and last - (row := round(self._row(value * size))) >= LEAST_APART:
                    last = row
                    found[row] = f"{value:,g} {name}"
        return found

    def strips(self) -> list[Strip]:
        """Draw from back to front."""
        self._grid()
        self._rule()
        self._line()
        for mark in self._plot.marks:
            row, column = round(self._row(mark.y)), round(self._column(mark.x))
            self._cells[row][column] = mark.glyph, self._paint.ink(mark.role, bold=mark.bold)
        faint = self._paint.ink("faint")
        strips = []
        for at, cells in enumerate(self._cells):
            label = self._labelled.get(at, "").rjust(self._margin - 1) + " "
            strips.append(Strip([Segment(label, faint), *(Segment(text, style) for text, style in cells)]).simplify())
        return [*strips, self._axis(), self._ticks()]

    def _grid(self) -> None:
        style = self._paint.ink("line")
        for row in self._labelled:
            self._cells[row] = [("╌", style)] * self._width

    def _rule(self) -> None:
        if self._limit is None:
            return
        row, style = round(self._row(self._limit)), self._paint.ink("warn")
        self._cells[row] = [("─", style)] * self._width
        words = f" {self._plot.limit_words} "
        taken = {round(self._column(mark.x)) for mark in self._plot.marks if round(self._row(mark.y)) == row}
        for begin in (self._width - len(words), 1):
            place = range(begin, begin + len(words))
            if begin > 0 and place.stop <= self._width and taken.isdisjoint(place):
                self._cells[row][begin : place.stop] = [(character, style) for character in words]
                return

    def _line(self) -> None:
        dots = Dots(self._width, self._height)
        ends = [(self._column(x) * ACROSS + ACROSS / 2, self._row(y) * DOWN + DOWN / 2) for x, y in self._plot.line]
        for (x0, y0), (x1, y1) in pairwise(ends):
            dots.line(x0, y0, x1, y1)
        style = self._paint.ink("npu")
        for row, cells in enumerate(self._cells):
            for column in range(self._width):
                if character := dots.cell(column, row):
                    cells[column] = character, style

    def _axis(self) -> Strip:
        return Strip(
            [Segment(" " * self._margin, self._paint.base), Segment("─" * self._width, self._paint.ink("line"))]
        )

    def _ticks(self) -> Strip:
        """Labels below their places, as many as have room."""
        text, end = "", 0
        for x, label in self._plot.ticks:
            begin = self._margin + round(self._column(x)) - len(label) // 2
            begin = min(begin, self._margin + self._width - len(label))
            if begin >= end + bool(end):
                text = text.ljust(begin) + label
                end = len(text)
        return Strip([Segment(text, self._paint.ink("faint"))])
