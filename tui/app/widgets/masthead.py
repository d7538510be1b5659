"""The first line of a screen: the program, the screen's name, what goes on, and what is installed."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit

Words = tuple[str, str, bool]
"""Text, the role of its colour, and whether it is bold."""

PILL = (" fvp-tui ", "bold $on-accent on $accent")
"""The program's name as other first lines have it."""

LEAST = 12
"""Cells from which on the words in the middle are worth showing."""


class Masthead(Lines):
    """One line: a pill, a title, words that may be cut, and words at the end that are not."""

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self._title = title
        self._middle: tuple[Words, ...] = ()
        self._end: tuple[Words, ...] = ()

    def show(self, *, middle: Sequence[Words] | None = None, end: Sequence[Words] | None = None) -> None:
        """Show other words; what is None stays."""
        self._middle = self._middle if middle is None else tuple(middle)
        self._end = self._end if end is None else tuple(end)
        self.draw()

    @property
    def text(self) -> str:
        """All words."""
        return "".join(text for text, _, _ in (*self._middle, *self._end))

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the line."""
        row = [
            Segment(" fvp-tui ", paint.pill("accent")),
            Segment(f" {self._title}  ", paint.ink("strong", bold=True)),
        ]
        end = [Segment(text, paint.ink(role, bold=bold)) for text, role, bold in self._end]
        left = width - sum(cell_len(s.text) for s in (*row, *end)) - 2
        for text, role, bold in self._middle if left >= LEAST else ():
            words = fit(text, min(cell_len(text), left))
            left -= cell_len(words)
            row.append(Segment(words, paint.ink(role, bold=bold)))
        row.append(Segment(" " * max(left + 1, 0), paint.base))
        return [Strip([*row, *end, Segment(" ", paint.base)])]
