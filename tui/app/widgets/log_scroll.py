"""A view of a log, any number of lines long: only the visible ones are read, cleaned and drawn.

A row is a line of the log, or a wall of base64 that is folded into one. Where long lines are wrapped a row takes
several lines of the screen, and the place of the view is its first row and how many lines of that one are above it.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollTo
from textual.strip import Strip

from tui.app.widgets.log_drawing import CLASSES, HEAD_WIDTH, Drawn, Pen
from tui.app.widgets.log_page import Lines, Page
from tui.app.widgets.log_rows import Rows
from tui.run.log import LogLine, LogLines
from tui.run.log_search import Filter

SIDE_STEP = 20


class LogScroll(ScrollView, can_focus=True):
    """View of lines with their level's letter. `following` is a state of its own: only scrolling up ends it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)

    class Moved(Message):
        """The view has moved or grown: what a title says of it may have changed."""

        def can_replace(self, message: Message) -> bool:
            """Let one message stand for several."""
            return isinstance(message, LogScroll.Moved)

    class Refiltered(Message):
        """The view has another filter, whose lines may have to be looked for."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Rows | None = None
        self._lines: Lines | None = None
        self._tail: Sequence[LogLine] = ()
        self._side = 0
        self._wrap = False
        self._skip = 0
        """Lines of the screen that the first row has above it, where lines are wrapped."""
        self._seen = 0
        """Rows there were when following ended."""
        self._placing = False
        self.following = True
        self._visible: list[tuple[int, int]] = []
        """Lines being drawn, from the top: a row and the part of it."""
        self._pen = Pen(self)

    # -- content

    @property
    def rows(self) -> Rows | None:
        """The rows that are shown."""
        return self._rows

    @property
    def lines(self) -> int:
        """Number of rows."""
        return len(self._rows) if self._rows else 0

    @property
    def new_lines(self) -> int:
        """Number of rows that came since following ended."""
        return 0 if self.following else self.lines - self._seen

    @property
    def wrapped(self) -> bool:
        """True where long lines are wrapped."""
        return self._wrap

    def set_log(self, log: LogLines) -> None:
        """Show this log."""
        self._rows, self._lines = Rows(log), Lines(log)
        self.grow(len(log))

    def set_tail(self, lines: Sequence[LogLine]) -> None:
        """Show these last lines while the log is read up to them; without any, what has been read."""
        if bool(lines) != bool(self._tail) or lines:
            self._tail = tuple(lines)
            if self.following and not lines:
                self._to_end()
            self.refresh()

    def grow(self, count: int) -> None:
        """The log has `count` lines now, or more of them were looked at."""
        rows = self._rows
        if rows is None:
            return
        first, seen = len(rows), rows.seen
        rows.grow(count)
        if len(rows) > first:
            self._place(first)
        if len(rows) > first or rows.seen != seen:
            self.post_message(self.Moved())

    def _set_height(self) -> None:
        # Wrapped, any row may be the first one on the screen: the last one may fill it.
        height = self.lines + (max(self.size.height - 1, 0) if self._wrap else 0)
        if self.show_vertical_scrollbar and height > self.virtual_size.height > self.size.height:
            # More of what scrolls already: the whole screen need not be laid out, and drawn, again.
            self.set_reactive(LogScroll.virtual_size, Size(0, height))
            self.vertical_scrollbar.window_virtual_size = height
        else:
            self.virtual_size = Size(0, height)

    def _place(self, first_new: int) -> None:
        """Make room for rows from `first_new` on; draw only what is visible of them."""
        self._placing = True
        self._set_height()
        if self._tail and self.following:
            pass  # the last lines are on the screen already
        elif self.following:
            self._to_end()
        elif self._wrap:
            if len(self._layout()) < self.size.height or first_new < self._top + self.size.height:
                self.refresh()
        else:
            top = first_new - self._top
            if top < self.size.height:
                self.refresh(Region(0, max(top, 0), self.size.width, self.size.height - max(top, 0)))
        self._placing = False

    def on_resize(self, event: Resize) -> None:
        """Stay at the end while following."""
        self._set_height()
        if self.following:
            self._to_end()
        else:
            self.post_message(self.Moved())

    def set_filter(self, wanted: Filter, *, folded: bool | None = None) -> None:
        """Show the lines that this filter lets through, about where the view is now."""
        old = self._rows
        if old is None:
            return
        number = self.top_line
        rows = self._rows = Rows(old.log, wanted, folded=old.folded if folded is None else folded)
        if old.scan is not None:
            old.scan.ended.set()
        if rows.scan is None:
            rows.grow(old.seen)
        else:
            rows.seen = old.seen
        self._seen = min(self._seen, len(rows))
        self._placing = True
        self._set_height()
        if self.following:
            self._to_end()
        else:
            self._go(rows.row_of(number))
        self._placing = False
        self.refresh()
        self.post_message(self.Refiltered())
        self.post_message(self.Moved())

    # -- where the view is

    @property
    def _top(self) -> int:
        return int(self.scroll_offset.y)

    @property
    def top_line(self) -> int:
        """Number of the first visible line."""
        return self._rows[self._top] if self._rows and self._top < len(self._rows) else 0

    @property
    def visible_rows(self) -> tuple[int, int]:
        """First and last visible row, counted from 1; zeros where there is none."""
        layout = self._layout()
        return (layout[0][0] + 1, layout[-1][0] + 1) if layout else (0, 0)

    @property
    def _page(self) -> Page | None:
        """The visible part, as large as it is now."""
        if self._rows is None or self._lines is None:
            return None
        width = max(self.scrollable_content_region.width - HEAD_WIDTH, 1)
        return Page(self._rows, self._lines, width, self.size.height, self._wrap)

    def _layout(self) -> list[tuple[int, int]]:
        page = self._page
        return [] if page is None else page.shown(self._top, self._skip)

    @property
    def _end(self) -> tuple[int, int]:
        """The place from which the view ends with the last row of all."""
        page = self._page
        return (0, 0) if page is None else page.end(self.lines - 1)

    def _go(self, row: int, skip: int = 0) -> None:
        """Scroll a row to the top, less `skip` of its lines."""
        moved = skip != self._skip
        self._skip = skip
        self.scroll_to(y=row, animate=False, force=True)
        if moved:
            self.refresh()

    def _to_end(self) -> None:
        self._placing = True
        row, skip = self._end
        if (row, skip) == (round(self.scroll_y), self._skip):
            self.refresh()
        else:
            self._go(row, skip)
        self._placing = False

    def _unfollow(self) -> None:
        if self.following:
            self.following = False
            self._seen = self.lines
            if self._tail:
                self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say where the view is now. A smaller value does not mean that the user did it: the log may be shorter."""
        super().watch_scroll_y(old_value, new_value)
        if not self._placing:
            self.post_message(self.Moved())

    def on_mouse_scroll_up(self) -> None:
        """End following by the mouse wheel."""
        self._unfollow()

    def on_scroll_to(self, event: ScrollTo) -> None:
        """End following by the scroll bar."""
        if event.y is not None and event.y < self.scroll_y:
            self._unfollow()

    def follow(self) -> None:
        """Go to the last line, and stay there."""
        self.following = True
        self._to_end()
        self.post_message(self.Moved())

    def go_first(self) -> None:
        """Go to the first line."""
        self._unfollow()
        self._go(0)
        self.post_message(self.Moved())

    def move(self, lines: int) -> None:
        """Go down by so many lines of the screen; up by a negative number."""
        if lines < 0:
            self._unfollow()
        if not self._wrap:
            self.scroll_to(y=self._top + lines, animate=False, force=True)
        elif (page := self._page) is not None:
            self._go(*page.moved(self._top, self._skip, lines))
            self.post_message(self.Moved())

    def move_aside(self, steps: int) -> None:
        """Show another part of long lines, further right or left."""
        side = max(self._side + steps * SIDE_STEP, 0)
        if side != self._side and not self._wrap:
            self._side = side
            self.refresh()

    def toggle_wrap(self) -> None:
        """Show long lines on several lines of the screen, or cut."""
        self._wrap = not self._wrap
        row, self._side, self._skip = self._top, 0, 0
        self._placing = True
        self._set_height()
        if self.following:
            self._to_end()
        else:
            self._go(min((row, 0), self._end)[0])
        self._placing = False
        self.refresh()
        self.post_message(self.Moved())

    # -- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the visible lines."""
        self._visible = self._layout()
        self._pen.begin(self.rich_style, self.scrollable_content_region.width)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw the line at `y` of the visible part."""
        page, pen = self._page, self._pen
        if self._tail and self.following:
            at = y + max(len(self._tail) - self.size.height, 0)
            if at >= len(self._tail):
                return pen.blank()
            return pen.cut(Drawn(self._tail[at], self._tail[at].text), self._side)
        if page is None or y >= len(self._visible):
            return pen.blank()
        row, part = self._visible[y]
        drawn = self.drawn(page, row)
        return pen.part(drawn, page.parts(row), part) if self._wrap else pen.cut(drawn, self._side)

    def drawn(self, page: Page, row: int) -> Drawn:
        """Return a row as it is to be drawn."""
        return Drawn(page.lines[page.rows[row]], page.text(row), folded=bool(page.rows.wall(row)))
