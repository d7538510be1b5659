"""A cell of a table that shows a change: a bar from the middle to the left for less, to the right for more."""

from typing import NamedTuple

from rich.segment import Segment

from tui.app import ascii
from tui.app.widgets.cells import Ink
from tui.app.widgets.paint import BAR, HALF

TRACK, MIDDLE = "─", "│"
HALF_LEFT = "╺"
LEAST, MOST = 9, 61
"""Cells of a bar and its track on both sides of the middle."""


class Diverging(NamedTuple):
    """A share of the largest change, -1..1; 0 has no bar."""

    share: float
    role: str = "accent"

    @property
    def length(self) -> int:
        """Cells that it would like to have."""
        return MOST

    def drawn(self, width: int, ink: Ink, *, right: bool) -> list[Segment]:
        """Draw it; half a cell is the least of a change that there is."""
        side = (width - 1) // 2
        if side < 1:
            return [Segment(" " * width, ink("", False))]
        halves = round(min(abs(self.share), 1.0) * side * 2)
        if self.share and not halves:
            halves = 1
        full, half = divmod(halves, 2)
        bar, track = ink(self.role, False), ink("track", False)
        middle = Segment(MIDDLE, track)
        line = " " if ascii.wanted() else TRACK
        rest = Segment(line * (side - full - half), track)
        whole = Segment(line * side, track)
        spare = Segment(" " * (width - 2 * side - 1), track)
        if self.share < 0:
            return [rest, Segment(HALF_LEFT * half + BAR * full, bar), middle, whole, spare]
        return [whole, middle, Segment(BAR * full + HALF * half, bar), rest, spare]
