"""Drawing one line of the log's view: level, source, and the text with what is marked in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.app.widgets.words import fit
from tui.run.log import LogLine

SOURCE_WIDTH = 8
HEAD_WIDTH = 2 + SOURCE_WIDTH + 1
LETTERS = {"debug": "D", "info": "I", "warning": "W", "error": "E"}
SOURCES = ("uart", "compile", "platform", "run")
"""Sources that have a colour of their own."""

CLASSES = frozenset(
    f"log--{name}" for name in ("debug", "warning", "error", "source", "match", "selected", "folded", *SOURCES)
)
"""Component classes that the styles come from."""

Places = Sequence[tuple[int, int]]
"""Parts of a text that are marked: first character, and the one after the last."""


@dataclass(frozen=True)
class Drawn:
    """A row of the log as it is drawn."""

    line: LogLine
    text: str
    places: Places = ()
    pointer: str = " "
    selected: bool = False
    folded: bool = False


class Pen:
    """Draws with the styles of a view. They are looked up once for all visible lines: it takes longer than drawing."""

    def __init__(self, view: Widget) -> None:
        self._view = view
        self._base, self._width = Style(), 0
        self._styles: dict[tuple[Style, str], Style] = {}

    def begin(self, base: Style, width: int) -> None:
        """Draw lines of `width` cells from now on."""
        self._base, self._width = base, width
        self._styles.clear()

    def blank(self) -> Strip:
        """Draw an empty line."""
        return Strip.blank(self._width, self._base)

    def cut(self, row: Drawn, side: int) -> Strip:
        """Draw what fits of a row, from the cell `side` of its text on, and a mark where more follows."""
        base, style = self._row_styles(row)
        body, room = Strip(self._marked(row, 0, len(row.text), style)), max(self._width - HEAD_WIDTH, 0)
        length = body.cell_length
        body = body.crop(side, side + room)
        if length > side + room > 0:
            more = self._styled(base, "source")
            body = Strip.join([body.crop(0, room - 1), Strip([Segment("…", more)])])
        return Strip.join([Strip(self._head(row, base)), body]).adjust_cell_length(self._width, base).simplify()

    def part(self, row: Drawn, parts: Sequence[str], at: int) -> Strip:
        """Draw one of the parts that a row is wrapped into."""
        base, style = self._row_styles(row)
        head = [Segment(f" {row.pointer}{'':{SOURCE_WIDTH}} ", base)] if at else self._head(row, base)
        begin = sum(len(before) for before in parts[:at])
        text = self._marked(row, begin, begin + len(parts[at]), style)
        return Strip([*head, *text]).adjust_cell_length(self._width, base).simplify()

    def _row_styles(self, row: Drawn) -> tuple[Style, Style]:
        """Return the styles of a row's background and of its text."""
        base = self._base
        style = self._styled(base, "folded") if row.folded else self._level_style(row.line, base)
        if row.selected:
            return self._styled(base, "selected"), self._styled(style, "selected")
        return base, style

    def _level_style(self, line: LogLine, base: Style) -> Style:
        return base if line.level == "info" else self._styled(base, line.level)

    def _styled(self, base: Style, name: str) -> Style:
        known = self._styles.get((base, name))
        if known is None:
            known = base + self._view.get_component_rich_style(f"log--{name}", partial=True)
            self._styles[base, name] = known
        return known

    def _head(self, row: Drawn, base: Style) -> list[Segment]:
        line = row.line
        source = self._styled(base, line.source if line.source in SOURCES else "source")
        return [
            Segment(f"{LETTERS[line.level]}{row.pointer}", self._level_style(line, base)),
            Segment(f"{fit(line.source, SOURCE_WIDTH)} ", source),
        ]

    def _marked(self, row: Drawn, begin: int, end: int, style: Style) -> list[Segment]:
        """Return a part of a row's text, with the places in it that are marked."""
        text, mark = row.text, self._styled(style, "match")
        segments, at = [], begin
        for first, last in row.places:
            if last > at and first < end:
                segments += [
                    Segment(text[at : max(first, at)], style),
                    Segment(text[max(first, at) : min(last, end)], mark),
                ]
                at = min(last, end)
        return [*segments, Segment(text[at:end], style)]
