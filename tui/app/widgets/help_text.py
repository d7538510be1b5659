"""A text in sections, words on the left and sentences beside them, which keep their column where they are broken."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint

WIDEST = 100
"""Cells of a line: longer ones are hard to read."""
COLUMN = (10, 20)
"""Fewest and most cells of the words on the left."""
INDENT = 2


class Section(NamedTuple):
    """A heading, and words with their meaning."""

    title: str
    entries: Sequence[tuple[str, str]]


class HelpText(Lines):
    """Sections below each other."""

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self.sections = tuple(section for section in sections if section.entries)

    def drawn(self, width: int, paint: Paint) -> Sequence[Strip]:
        """Draw all sections."""
        strips: list[Strip] = []
        for section in self.sections:
            if strips:
                strips.append(Strip([]))
            strips.append(Strip([Segment(section.title, paint.ink("accent", bold=True))]))
            for word, text in _lines(section, min(width, WIDEST)):
                strips.append(Strip([Segment(word, paint.ink("strong", bold=True)), Segment(text, paint.ink("text"))]))
        return strips


def _lines(section: Section, width: int) -> Iterator[tuple[str, str]]:
    """Words and sentence of each line: a sentence that is broken goes on below itself."""
    least, most = COLUMN
    column = INDENT + min(max(least, *(len(word) for word, _ in section.entries)), most) + 2
    for word, text in section.entries:
        lines = textwrap.wrap(text, max(width - column, 10), break_on_hyphens=False) or [""]
        if len(word) > most:
            yield f"{' ' * INDENT}{word}", ""
            word = ""
        for line in lines:
            yield f"{' ' * INDENT}{word}".ljust(column), line
            word = ""
