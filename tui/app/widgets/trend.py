"""The latency of a model on a target over its runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.dots import Dots
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.run_columns import change_role
from tui.reports.format import change, time, time_unit
from tui.reports.when import clock, day
from tui.run.index import Row

LEAST_WIDTH, LEAST_HEIGHT = 30, 4
POINT, WRONG = "●", "✗"
STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Leading digits of the greatest figure of an axis."""


@dataclass(frozen=True)
class Trend:
    """Runs that have a latency each, oldest first, and which of them matter."""

    runs: Sequence[Row] = ()
    current: Row | None = None
    """The run under the cursor."""
    baseline: Row | None = None
    change_pct: float | None = None
    """Change of the run under the cursor."""


class TrendChart(Lines):
    """Points joined by steps above an axis that begins at 0; a rule shows the baseline."""

    def __init__(self) -> None:
        super().__init__(id="trend")
        self._trend = Trend()

    def show(self, trend: Trend) -> None:
        """Show another trend."""
        if trend != self._trend:
            self._trend = trend
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the points, the axis, and the last figure beside it."""
        trend, height = self._trend, self.size.height
        figures = [run.latency_ms or 0.0 for run in trend.runs]
        if not figures or width < LEAST_WIDTH or height < LEAST_HEIGHT:
            words = "No figure of this model on this target yet." if not figures else ""
            return [Strip([Segment(words, paint.ink("muted"))])]
        plot = Plot(trend, figures, width, height - 1, paint)
        return [*(plot.row(y) for y in range(plot.height)), plot.days()]


class Plot:
    """The chart under construction, at one size."""

    def __init__(self, trend: Trend, figures: Sequence[float], width: int, height: int, paint: Paint) -> None:
        self._trend, self._figures, self._paint = trend, figures, paint
        self.height = height
        rule = trend.baseline.latency_ms if trend.baseline is not None else None
        self._top = top_of(max(*figures, rule or 0.0))
        self._unit = time_unit([self._top / 1000])
        self._labels = self._axis()
        self._left = max(cell_len(text) for text in self._labels.values()) + 1
        self._notes = self._beside()
        self._right = max((cell_len(text) for text, _ in self._notes.values()), default=0)
        self._cells = max(width - self._left - 1 - self._right - 1, 8)
        self._rule = None if rule is None else self._row_of(rule)
        self._dots = self._joined()
        self._points = {self._cell(at): (self._row_of(figures[at]), at) for at in range(len(figures))}

    def _axis(self) -> dict[int, str]:
        """Figures of the axis by row: the greatest, the middle and 0."""
        rows = {0: self._top, self.height - 1: 0.0}
        if self.height >= 7:
            rows[self._row_of(self._top / 2)] = self._top / 2
        return {row: time(value / 1000, self._unit) if value else "0" for row, value in rows.items()}

    def _beside(self) -> dict[int, tuple[str, str]]:
        """Words on the right: the last figure, and how it has changed where the cursor is on its run."""
        at = self._row_of(self._figures[-1])
        at = min(at, self.height - 2)
        notes = {at: (f" {time(self._figures[-1] / 1000, self._unit)}", "strong")}
        run, percent = self._trend.current, self._trend.change_pct
        if run is not None and run.name == self._trend.runs[-1].name and percent is not None:
            notes[at + 1] = (f" {change(percent)}", change_role(run, percent))
        return notes

    def _cell(self, at: int) -> int:
        last = len(self._figures) - 1
        return round(at * (self._cells - 1) / last) if last else 0

    def _dot(self, figure: float) -> int:
        return round((1 - figure / self._top) * (self.height * 4 - 1)) if self._top else self.height * 4 - 1

    def _row_of(self, figure: float) -> int:
        return min(self._dot(figure) // 4, self.height - 1)

    def _joined(self) -> Dots:
        """Steps from point to point: a figure holds until the next run has another."""
        dots = Dots(self._cells, self.height)
        for at in range(len(self._figures) - 1):
            x, y = self._cell(at) * 2, self._dot(self._figures[at])
            to_x, to_y = self._cell(at + 1) * 2, self._dot(self._figures[at + 1])
            dots.line(x, y, to_x, y)
            dots.line(to_x, y, to_x, to_y)
        return dots

    def row(self, y: int) -> Strip:
        """One row of cells."""
        paint = self._paint
        axis = "┤" if y in self._labels else "│"
        row = [
            Segment(self._labels.get(y, "").rjust(self._left - 1) + " ", paint.ink("faint")),
            Segment(axis, paint.ink("line")),
        ]
        for x, dots in enumerate(self._dots.text(y)):
            row.append(self._at(x, y, dots))
        words, role = self._notes.get(y, ("", "faint"))
        return Strip([*row, Segment(words, paint.ink(role, bold=role == "strong"))])

    def _at(self, x: int, y: int, dots: str) -> Segment:
        """The cell at a place: a point, else a step, else the baseline."""
        place, at = self._points.get(x, (-1, 0))
        if place == y:
            run = self._trend.runs[at]
            wrong = run.outcome == "mismatch"
            here = self._trend.current is not None and run.name == self._trend.current.name
            role = "fail" if wrong else "accent" if here else "npu"
            return Segment(WRONG if wrong else POINT, self._paint.ink(role, bold=here or wrong))
        if dots != " ":
            return Segment(dots, self._paint.ink("npu"))
        return Segment("─" if y == self._rule else " ", self._paint.ink("accent"))

    def days(self) -> Strip:
        """The row below: days of the first and the last run, or their times on the same day."""
        ends = self._trend.runs[0], self._trend.runs[-1]
        first, last = (_day(run) for run in ends)
        if first == last:
            first, last = (clock(run.name, run.created) for run in ends)
        if self._rule is not None:
            last = f"─ baseline   {last}"
        gap = max(self._cells - cell_len(first) - cell_len(last), 1)
        words = " " * (self._left + 1) + first + (" " * gap + last if len(self._figures) > 1 else "")
        return Strip([Segment(words, self._paint.ink("faint"))])


def top_of(figure: float) -> float:
    """Return a round figure that is not less: ``180`` for 170."""
    if figure <= 0:
        return 1.0
    digits = f"{figure:e}"
    power = 10.0 ** int(digits.partition("e")[2])
    return next(step * power for step in STEPS if step * power >= figure or step == STEPS[-1])


def _day(run: Row) -> str:
    """``11-23``."""
    of = day(run.name, run.created)
    return f"{of[4:6]}-{of[6:]}" if of else ""
