"""Cells of a table that are more than text in the colour of their row."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.app import ascii
from tui.app.widgets.paint import bar_texts
from tui.app.widgets.words import ending, fit

Ink = Callable[[str, bool], Style]
"""Style of letters in the colour of a role, plain or bold, on the ground of the row."""

SPARKS, SPARKS_ASCII = "▁▂▃▄▅▆▇█", "_.-=+*%#"


class Drawn(Protocol):
    """A cell that draws itself."""

    @property
    def length(self) -> int:
        """Cells that it needs."""

    def drawn(self, width: int, ink: Ink, *, right: bool) -> list[Segment]:
        """Draw it in exactly `width` cells."""


class Inked(NamedTuple):
    """Clean text in a colour of its own."""

    text: str
    role: str = ""
    """Empty for the row's own colour."""
    bold: bool = False

    @property
    def length(self) -> int:
        """Cells of the text."""
        return cell_len(self.text)

    def drawn(self, width: int, ink: Ink, *, right: bool) -> list[Segment]:
        """Draw the text."""
        return [Segment(fit(self.text, width, right=right), ink(self.role, self.bold))]


class Ending(NamedTuple):
    """Clean text that is told apart by its end, such as a dotted name: cut at its begin."""

    text: str

    @property
    def length(self) -> int:
        """Cells of the text."""
        return cell_len(self.text)

    def drawn(self, width: int, ink: Ink, *, right: bool) -> list[Segment]:
        """Draw the text."""
        return [Segment(fit(ending(self.text, width), width), ink("", False))]


class Sparks(NamedTuple):
    """Figures one after the other, as columns from the least to the greatest of them."""

    figures: Sequence[float]
    role: str = "npu"
    most: int = 8

    @property
    def length(self) -> int:
        """Cells of the newest `most` figures."""
        return min(len(self.figures), self.most)

    def drawn(self, width: int, ink: Ink, *, right: bool) -> list[Segment]:
        """Draw the newest figures."""
        # One figure has no trend.
        shown = sparks(self.figures[-min(self.most, width) :]) if width and len(self.figures) > 1 else ""
        return [Segment(fit(shown, width, right=right), ink(self.role, False))]


class Share(NamedTuple):
    """A share of 0..1 as a bar on its track."""

    share: float
    role: str = "accent"
    cells: int = 7

    @property
    def length(self) -> int:
        """Cells of the bar."""
        return self.cells

    def drawn(self, width: int, ink: Ink, *, right: bool) -> list[Segment]:
        """Draw the bar; one that is not full leaves a cell of its track."""
        shown = min(self.share, 1.0 if self.share >= 1 else 1 - 1 / max(width, 1))
        done, rest = bar_texts(shown, width, tracked=not ascii.wanted())
        return [Segment(done, ink(self.role, False)), Segment(rest, ink("track", False))]


def sparks(figures: Sequence[float]) -> str:
    """Draw figures as columns, the greatest as a full one; of figures that are all the same each is half of one."""
    if not figures:
        return ""
    columns = SPARKS_ASCII if ascii.wanted() else SPARKS
    least, most = min(figures), max(figures)
    if least == most:
        return columns[3] * len(figures)
    return "".join(columns[round((figure - least) / (most - least) * (len(columns) - 1))] for figure in figures)


def heading(title: str, end: str, width: int, style: Style, ink: Ink) -> list[Segment]:
    """Draw a title, and a rule to what stands at its end; without that only the title."""
    rule = width - cell_len(title) - cell_len(end) - 3
    if not end or rule < 2:
        return [Segment(fit(title, width), style)]
    return [
        Segment(f"{title} ", style),
        Segment("─" * rule, ink("line", False)),
        Segment(f" {end} ", ink("faint", False)),
    ]
