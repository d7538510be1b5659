"""A table of figures drawn line by line: as long as it likes, redrawing only what changed.

Columns that do not fit are left out in a stated order, and the table says which.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.app import ascii
from tui.app.widgets.cells import Drawn, heading
from tui.app.widgets.paint import Paint, bar_texts
from tui.app.widgets.words import fit
from tui.themes import contrast

GAP = "  "
CURSOR = "▌ "
DECORATION = ("line", "track")
"""Roles of what is not read."""
LEAST_CONTRAST = 3.0
"""Contrast from which on a role keeps its colour in the row under the cursor."""


@dataclass(frozen=True)
class Column:
    """Column of a table; those with the largest `drop` give way first where the width is short (0: never)."""

    title: str
    right: bool = False
    drop: int = 0
    flex: bool = False
    """Takes of the width that the others leave what it needs; at least `width` cells."""
    width: int = 0
    """Fewest cells; 0 takes what the content needs."""
    most: int = 40
    """Most cells of a column that is not flexible."""
    bar: bool = False
    """Cells are shares of 0..1, drawn as bars."""
    optional: bool = False
    """There only where a row has something in it."""
    role: str = ""
    """Colour of its text in rows without a tone; empty for that of the table."""
    bold: bool = False


@dataclass(frozen=True)
class Row:
    """Row of a table. `cells` are clean text, cells that draw themselves, or shares for a column of bars."""

    key: str
    cells: tuple[str | float | Drawn, ...]
    tone: str = ""
    """``heading``, ``dim``, ``good``, ``bad``, ``warn`` or ``cpu``.

    A heading is no choice. Its first cell is shown; a second one stands at the end of a rule.
    """
    enabled: bool = True


class FigureTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of figures with a cursor. A table whose rows can be taken binds a key to `choose`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--heading",
        "table--dim",
        "table--good",
        "table--bad",
        "table--warn",
        "table--cpu",
        "table--bar",
        "table--track",
        "table--mark",
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down"),
        Binding("home,g", "edge(-1)", "First", show=False, id="table.first"),
        Binding("end,G", "edge(1)", "Last", show=False, id="table.last"),
    ]

    class Highlighted(Message):
        """The cursor is on another row, or the row under it changed."""

        def __init__(self, table: "FigureTable", row: Row | None) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> "FigureTable":
            """The table, for ``@on`` selectors."""
            return self.table

    class Chosen(Highlighted):
        """A row was chosen."""

    class Hidden(Message):
        """The columns that do not fit have changed."""

        def __init__(self, titles: tuple[str, ...]) -> None:
            super().__init__()
            self.titles = titles

    def __init__(self, columns: Sequence[Column], *, header: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._header = header
        self._rows: tuple[Row, ...] = ()
        self._widest = [0] * len(columns)
        self._natural = [cell_len(c.title) for c in columns]
        self._widths = [0] * len(columns)
        """Width of each column; 0 for one that is left out."""
        self._empty: set[int] = set()
        """Optional columns without content."""
        self._laid_out_for = 0
        self._cursor = 0
        self._paint: Paint | None = None
        self.hidden: tuple[str, ...] = ()

    # -- content

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows."""
        return self._rows

    @property
    def current(self) -> Row | None:
        """The row under the cursor; None where there is none to choose."""
        if 0 <= self._cursor < len(self._rows) and self._rows[self._cursor].tone != "heading":
            return self._rows[self._cursor]
        return None

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Change what the columns are called and which of them give way; of another number, they have no rows yet."""
        if tuple(columns) != self._columns:
            same, self._columns = len(columns) == len(self._columns), tuple(columns)
            if same:
                self._lay_out()
            else:
                self.set_rows(())
            self.refresh()

    def set_row(self, row: Row) -> None:
        """Draw the row of this key anew; no column gets wider for it."""
        at = next((at for at, known in enumerate(self._rows) if known.key == row.key), None)
        if at is not None and self._rows[at] != row:
            self._rows = (*self._rows[:at], row, *self._rows[at + 1 :])
            self._refresh_row(at)

    def set_rows(self, rows: Sequence[Row], *, select: str | None = None) -> None:
        """Show these rows; the cursor stays on the row it was on, or goes to the one whose key is `select`."""
        before, old_widths, previous, stood = self._rows, self._widths, self.current, self._cursor
        self._rows = tuple(rows)
        self._measure()
        wanted = select if select is not None else (previous.key if previous else None)
        at = next((i for i, row in enumerate(self._rows) if row.key == wanted and row.tone != "heading"), None)
        cursor = self._cursor if at is None else at
        self._cursor = self._nearest(min(cursor, len(self._rows) - 1), 1)
        self.virtual_size = Size(0, len(self._rows) + self._header)
        if len(before) == len(self._rows) and old_widths == self._widths:
            for index, (old, new) in enumerate(zip(before, self._rows, strict=True)):
                if old != new or (self._cursor != stood and index in (self._cursor, stood)):
                    self._refresh_row(index)
        else:
            self.refresh()
        if self._cursor != stood or self.current != previous or select is not None:
            self._show_cursor()  # also where rows before it have come or gone
        if self.current != previous or select is not None:
            self.post_message(self.Highlighted(self, self.current))

    def _measure(self) -> None:
        """Find the width that each column's cells need."""
        lines = [row.cells for row in self._rows if row.tone != "heading"]
        # As sets: most columns of a long table say a few things over and over.
        cells = [set(column) for column in zip(*lines, strict=True)] or [set() for _ in self._columns]
        self._widest = [
            max((_length(cell) for cell in column if not isinstance(cell, float)), default=0) for column in cells
        ]
        self._empty = {
            index for index, column in enumerate(self._columns) if column.optional and not cells[index] - {""}
        }
        self._lay_out()

    def _lay_out(self) -> None:
        """Give each column its width, leaving out what does not fit."""
        columns = self._columns
        self._natural = [max(cell_len(c.title), width) for c, width in zip(columns, self._widest, strict=True)]
        least = [
            c.width if c.flex or c.width else min(natural, c.most)
            for c, natural in zip(columns, self._natural, strict=True)
        ]
        shown = set(range(len(columns))) - self._empty
        self._laid_out_for = self.scrollable_content_region.width
        available = self._laid_out_for - len(CURSOR)

        def needed() -> int:
            return sum(least[i] for i in shown) + len(GAP) * (len(shown) - 1)

        for index in sorted((i for i in shown if columns[i].drop), key=lambda i: -columns[i].drop):
            if needed() <= available:
                break
            shown.discard(index)
        widths = [least[i] if i in shown else 0 for i in range(len(columns))]
        spare = max(available - needed(), 0)
        flexible = [i for i, c in enumerate(columns) if c.flex and i in shown]
        # In their order: the first one is the name, and two names cut to the same beginning say nothing.
        for index in flexible:
            share = min(spare, max(self._want(index) - widths[index], 0))
            widths[index] += share
            spare -= share
        self._widths = widths
        # A bar says again what a figure says: nothing is missing without it.
        hidden = tuple(c.title for i, c in enumerate(columns) if c.title and i not in shown | self._empty)
        if hidden != self.hidden and self._laid_out_for:
            self.hidden = hidden
            self.post_message(self.Hidden(hidden))

    def _want(self, index: int) -> int:
        return 40 if self._columns[index].bar else self._natural[index]

    def on_resize(self, event: Resize) -> None:
        """Lay out the columns for the new width."""
        self._lay_out()
        self._show_cursor()
        self.refresh()

    # -- cursor

    def _nearest(self, index: int, step: int) -> int:
        """Find the first row from `index` in the direction of `step` that may hold the cursor, else the other way."""
        for direction in (step, -step):
            at = index
            while 0 <= at < len(self._rows):
                if self._rows[at].tone != "heading":
                    return at
                at += direction
        return max(index, 0)

    def _move_to(self, index: int, step: int) -> None:
        target = self._nearest(min(max(index, 0), len(self._rows) - 1), step)
        if target != self._cursor:
            old, self._cursor = self._cursor, target
            self._refresh_row(old)
            self._refresh_row(target)
            self._show_cursor()
            self.post_message(self.Highlighted(self, self.current))
        elif index < 0:
            self.scroll_to(y=0, animate=False)  # headings above the first row

    def select(self, key: str) -> None:
        """Put the cursor on the row of this key, if there is one."""
        self.set_rows(self._rows, select=key)

    def action_move(self, step: int) -> None:
        """Move the cursor by a row."""
        self._move_to(self._cursor + step, step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a screenful."""
        self._move_to(self._cursor + step * max(self._page(), 1), step)

    def action_edge(self, step: int) -> None:
        """Move the cursor to the first or the last row."""
        self._move_to(-1 if step < 0 else len(self._rows), step)

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if (row := self.current) is not None:
            self.post_message(self.Chosen(self, row))

    def _page(self) -> int:
        return self.size.height - self._header

    def _show_cursor(self) -> None:
        top, page = self.scroll_offset.y, self._page()
        if page <= 0:
            return
        # A heading right above the cursor is shown with it.
        first = self._cursor - 1 if self._cursor and self._rows[self._cursor - 1].tone == "heading" else self._cursor
        # By force: rows that have just come have no scroll bar yet.
        if first < top:
            self.scroll_to(y=first, animate=False, force=True)
        elif self._cursor >= top + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False, force=True)

    def on_focus(self) -> None:
        """Draw the cursor with the focus."""
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        """Draw the cursor without the focus."""
        self._refresh_row(self._cursor)

    # -- drawing

    def _refresh_row(self, index: int) -> None:
        y = index + self._header - self.scroll_offset.y
        if self._header <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw the line at `y` of the visible part."""
        base = self.rich_style
        width = self.scrollable_content_region.width
        if width != self._laid_out_for:
            self._lay_out()  # a scroll bar has come or gone
        if self._header and y == 0:
            style = base + self.get_component_rich_style("table--header", partial=True)
            cells = [" " * len(CURSOR)]
            cells.append(
                GAP.join(fit(c.title, w, right=c.right) for c, w in zip(self._columns, self._widths, strict=True) if w)
            )
            return Strip([Segment("".join(cells), style)]).adjust_cell_length(width, base)
        index = y - self._header + self.scroll_offset.y
        if not 0 <= index < len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[index]
        style = base
        if row.tone:
            style += self.get_component_rich_style(f"table--{row.tone}", partial=True)
        if row.tone == "heading":
            title, *end = (str(cell) for cell in row.cells)
            return Strip(heading(title, end[0] if end else "", width, style, partial(self._ink, base)))
        here = index == self._cursor
        if here and self.has_focus:
            style = base + self.get_component_rich_style("table--cursor", partial=True)
        mark = style + self.get_component_rich_style("table--mark", partial=True) if here else style
        segments = [Segment(CURSOR if here else " " * len(CURSOR), mark)]
        segments += self._cells(row, style)
        return Strip(segments).adjust_cell_length(width, style)

    def _cells(self, row: Row, style: Style) -> list[Segment]:
        segments: list[Segment] = []
        for column, width, cell in zip(self._columns, self._widths, row.cells, strict=True):
            if not width:
                continue
            if segments:
                segments.append(Segment(GAP, style))
            if isinstance(cell, str):
                own = style if row.tone else self._ink(style, column.role, column.bold)
                segments.append(Segment(fit(cell, width, right=column.right), own))
            elif isinstance(cell, float | int):
                tracked = not (self.app.no_color or ascii.wanted())
                for text, name in zip(bar_texts(cell, width, tracked=tracked), ("bar", "track"), strict=True):
                    segments.append(
                        Segment(text, style + self.get_component_rich_style(f"table--{name}", partial=True))
                    )
            else:
                segments += cell.drawn(width, partial(self._ink, style), right=column.right)
        return segments

    def _ink(self, style: Style, role: str, bold: bool) -> Style:
        """A style in the colour of a role, where it can be read on the ground of that style."""
        if bold:
            style += Style(bold=True)
        paint = self._paint
        if paint is None:
            app = self.app
            paint = Paint(self.rich_style, app.theme_variables, ansi=app.native_ansi_color, no_color=app.no_color)
            self._paint = paint
        if not role:
            return style
        ink = paint.ink(role).color
        own = style.bgcolor == paint.base.bgcolor or role in DECORATION or _legible(ink, style)
        return style + Style(color=ink) if own else style

    def notify_style_update(self) -> None:
        """Draw in the colours of another theme."""
        super().notify_style_update()
        self._paint = None


def _legible(ink: Color | None, style: Style) -> bool:
    """Tell whether letters can be read on a style's ground; that is not known of the terminal's own colours."""
    colors = [color.triplet for color in (ink, style.bgcolor) if color is not None]
    known = [color.hex for color in colors if color is not None]
    return len(known) == 2 and contrast(*known) >= LEAST_CONTRAST


def _length(cell: str | Drawn) -> int:
    return cell_len(cell) if isinstance(cell, str) else cell.length
