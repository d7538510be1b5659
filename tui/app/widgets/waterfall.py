"""The stages of a run as a waterfall: each from its begin to its end, and dotted where it usually lies."""

from collections.abc import Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit
from tui.reports import waterfall
from tui.reports.waterfall import Bar, Waterfall
from tui.text import clean

GLYPHS = {"pending": "○", "running": "●", "ok": "✓", "failed": "✗", "stopped": "!", "skipped": "–"}
ROLES = {"pending": "faint", "running": "accent", "ok": "ok", "failed": "fail", "stopped": "warn", "skipped": "faint"}
"""Sign and colour of a stage by its status."""

LABEL, COLUMN = 12, 9
"""Cells of a stage's sign and name, and of each column of times."""
LEAST_CHART = 16
"""Cells below which the chart gives way, or else the column of usual times."""
APART = 8
"""Fewest cells from tick to tick."""

LEAST_WORDS = 8
"""Cells from which on progress that must be cut is worth showing."""

BLOCK, DOT, TICK = "█", "┄", "┊"

Cell = tuple[str, Style]


class WaterfallView(Lines):
    """An axis of time and a row for each stage. Once a second only the row of the stage at work changes."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="waterfall")
        self._shown: Waterfall | None = None

    def show(self, found: Waterfall) -> None:
        """Show stages; rows that stay as they are, are not drawn again."""
        if found != self._shown:
            self._shown = found
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the axis and the stages."""
        found = self._shown
        if found is None:
            return []
        columns = ["now", "usual"] if width >= LABEL + LEAST_CHART + 2 * COLUMN else ["now"]
        chart = Chart(found, max(width - LABEL - COLUMN * len(columns), 0), paint)
        head = "".join(f"{column:>{COLUMN}}" for column in columns)
        rows = [[Segment(" " * LABEL, paint.base), *chart.axis(), Segment(head, paint.ink("faint"))]]
        rows += [[*_label(bar, paint), *chart.row(bar), *_times(bar, columns, paint)] for bar in found.bars]
        return [Strip(row) for row in rows]


def _label(bar: Bar, paint: Paint) -> list[Segment]:
    at_work = bar.status == "running"
    role = "strong" if at_work else "faint" if bar.status in ("pending", "skipped") else "text"
    return [
        Segment(f"{GLYPHS[bar.status]} ", paint.ink(ROLES[bar.status], bold=at_work)),
        Segment(fit(bar.stage, LABEL - 2), paint.ink(role, bold=at_work)),
    ]


def _times(bar: Bar, columns: Sequence[str], paint: Paint) -> list[Segment]:
    at_work = bar.status == "running"
    cells = {
        "now": Segment(fit(bar.now, COLUMN, right=True), paint.ink("strong" if at_work else "text", bold=at_work)),
        "usual": Segment(fit(bar.usual, COLUMN, right=True), paint.ink("faint")),
    }
    return [cells[column] for column in columns]


class Chart:
    """The part of the rows that is to scale."""

    def __init__(self, found: Waterfall, cells: int, paint: Paint) -> None:
        self._cells = cells
        self._paint = paint
        self._length = waterfall.axis(found)
        self._ticks = {
            self._at(seconds): label for seconds, label in waterfall.ticks(self._length, max(cells, 1), APART)
        }

    def _at(self, seconds: float) -> int:
        return min(int(seconds / self._length * self._cells), max(self._cells - 1, 0))

    def axis(self) -> list[Segment]:
        """Labels of the ticks, each from its tick on; the last one only where it fits."""
        row = ""
        for at, label in self._ticks.items():
            if len(row) <= at and at + len(label) <= self._cells:
                row = f"{row:<{at}}{label}"
        return [Segment(f"{row:<{self._cells}}", self._paint.ink("faint"))]

    def row(self, bar: Bar) -> list[Segment]:
        """Draw the past as a block, the usual rest as dots, and progress in words."""
        paint = self._paint
        cells = [(TICK if x in self._ticks else " ", paint.ink("line")) for x in range(self._cells)]
        if bar.usual_begin is not None and bar.usual_end is not None:
            begin, end = self._stretch(bar.usual_begin, bar.usual_end)
            cells[begin:end] = [(DOT, paint.ink("faint"))] * (end - begin)
        begin = end = 0
        if bar.begin is not None and bar.end is not None:
            begin, end = self._stretch(bar.begin, bar.end)
            role = ROLES[bar.status]
            cells[begin:end] = [(BLOCK, paint.ink(role, on=role))] * (end - begin)
        if bar.progress:
            self._write(cells, _single(bar.progress), bar.brief, begin, end)
        return _segments(cells)

    def _write(self, cells: list[Cell], words: str, brief: str, begin: int, end: int) -> None:
        """Write progress behind the block, or on it where there is more room; in brief where it has no room at all."""
        behind, on = self._cells - end - 2, end - begin - 2
        words = words if cell_len(words) <= max(behind, on) or not brief else brief
        length = cell_len(words)
        if behind >= length or behind >= on:
            at, room, style = end, behind, self._paint.ink("text")
        else:
            at, room, style = begin, on, self._paint.pill("accent")
        if room < min(length, LEAST_WORDS):
            return
        for character in f" {fit(words, min(length, room))} ":
            wide = cell_len(character)
            if wide:
                cells[at : at + wide] = [(character, style), ("", style)][:wide]
                at += wide

    def _stretch(self, begin: float, end: float) -> tuple[int, int]:
        """A stretch of time in cells, one at the least."""
        if not self._cells:
            return 0, 0
        first = self._at(begin)
        return first, max(min(round(end / self._length * self._cells), self._cells), first + 1)


def _single(words: str) -> str:
    """Foreign text of which each character stands for itself: those that join others would count for none or two."""
    return "".join(character for character in clean(words, 200) if cell_len(character))


def _segments(cells: Sequence[Cell]) -> list[Segment]:
    return [
        Segment("".join(character for character, _ in run), style)
        for style, run in groupby(cells, key=lambda cell: cell[1])
    ]
