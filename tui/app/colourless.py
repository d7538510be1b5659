"""A screen without colours, as ``NO_COLOR`` asks for."""

from collections.abc import Callable

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor


class Colourless(LineFilter):
    """Takes out all colours; of a theme that has its own, it leaves shades of grey.

    Textual decides that once, before there is a theme of ours. The terminal's own colours have no shades: made grey,
    its default ones would be black on black.
    """

    def __init__(self, native: Callable[[], bool]) -> None:
        """Ask `native`, at each line, whether the theme has the terminal's own colours."""
        super().__init__()
        self._native = native
        self._none, self._grey = NoColor(), Monochrome()

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line without colours."""
        return (self._none if self._native() else self._grey).apply(segments, background)
