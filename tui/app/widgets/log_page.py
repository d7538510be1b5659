"""Layout of the log: a line of the screen for each row, or several where long lines are wrapped."""

from collections import OrderedDict
from dataclasses import dataclass

from rich.cells import chop_cells

from tui.app.widgets.log_rows import Rows
from tui.run.log import LogLine, LogLines
from tui.text import counted

KEPT = 2_000
"""Lines kept ready to draw."""


class Lines:
    """The lines of a log, read when they are asked for; the last ones are kept."""

    def __init__(self, log: LogLines) -> None:
        self._log = log
        self._kept: OrderedDict[int, LogLine] = OrderedDict()

    def __getitem__(self, number: int) -> LogLine:
        kept = self._kept.get(number)
        if kept is None:
            kept = self._kept[number] = self._log[number]
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return kept


@dataclass(frozen=True)
class Page:
    """A part of the screen with room for `height` lines of `width` cells of text. A place on it is a row of the log and
    how many of its lines are above."""

    rows: Rows
    lines: Lines
    width: int
    height: int
    wrap: bool

    def text(self, row: int) -> str:
        """Return the whole text of a row."""
        if wall := self.rows.wall(row):
            return f"ETDump, {counted(wall, 'line')}, folded - enter opens"
        return self.lines[self.rows[row]].text

    def parts(self, row: int) -> list[str]:
        """Return the text of a row as it is wrapped."""
        return chop_cells(self.text(row), self.width) or [""]

    def shown(self, row: int, skip: int) -> list[tuple[int, int]]:
        """Return what stands on the page that begins at a place, from the top: a row and which part of it."""
        if not self.wrap:
            return [(at, 0) for at in range(row, min(row + self.height, len(self.rows)))]
        found: list[tuple[int, int]] = []
        while row < len(self.rows) and len(found) < self.height:
            found += [(row, part) for part in range(skip, len(self.parts(row)))]
            row, skip = row + 1, 0
        return found[: self.height]

    def end(self, last: int) -> tuple[int, int]:
        """Return the place from which the page ends with the row `last`."""
        if not self.wrap:
            return max(last + 1 - self.height, 0), 0
        row, left = last, self.height
        while row >= 0:
            left -= len(self.parts(row))
            if left <= 0:
                return row, -left
            row -= 1
        return 0, 0

    def moved(self, row: int, skip: int, lines: int) -> tuple[int, int]:
        """Return the place so many lines of the screen below another; negative: above it."""
        skip += lines
        while skip < 0 and row > 0:
            row -= 1
            skip += len(self.parts(row))
        while row < len(self.rows) and skip >= len(self.parts(row)):
            skip -= len(self.parts(row))
            row += 1
        return min((row, max(skip, 0)), self.end(len(self.rows) - 1))
