"""The log of a run, any number of lines long: only the visible ones are read, cleaned and drawn.

A row is a line of the log, or a wall of base64 that is folded into one. Where long lines are wrapped a row takes
several lines of the screen, and the place of the view is its first row and how many lines of that one are above it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollTo
from textual.strip import Strip

from tui.app.widgets.log_rows import Rows
from tui.app.widgets.words import fit
from tui.run.log import LogLine, LogLines
from tui.run.log_search import Filter, Pattern

CACHE = 2_000
"""Lines kept ready to draw."""
SIDE_STEP = 20
SOURCE_WIDTH = 8
HEAD_WIDTH = 2 + SOURCE_WIDTH + 1

LETTERS = {"debug": "D", "info": "I", "warning": "W", "error": "E"}
SOURCES = ("uart", "compile", "platform", "run")
"""Sources that have a colour of their own."""

CLIPBOARD_BYTES = 64 * 1024
"""What is given to the clipboard at most: many a terminal drops a longer sequence without a word."""


class LogView(ScrollView, can_focus=True):
    """Lines of log with their level's letter. `following` is said, not guessed: scrolling up ends it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--debug",
        "log--warning",
        "log--error",
        "log--source",
        "log--match",
        "log--selected",
        "log--folded",
        *(f"log--{source}" for source in SOURCES),
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,end,G", "follow", "Follow", key_display="f", tooltip="To the last line, and stay", id="log.follow"),
        Binding("L", "toggle_debug", "Debug lines", show=False, tooltip="Show them or leave them out", id="log.debug"),
        Binding("w", "toggle_wrap", "Wrap", show=False, tooltip="Long lines: wrapped, or cut", id="log.wrap"),
        Binding("v", "select", "Select lines", show=False, tooltip="From here to the cursor", id="log.select"),
        Binding("c", "copy", "Copy lines", show=False, tooltip="Those selected, else those visible", id="log.copy"),
        Binding("y", "yank", "Copy what is selected", show=False, id="log.yank"),
        Binding("escape", "deselect", "End selecting", show=False, id="log.deselect"),
        Binding("enter", "toggle_walls", "Open or fold ETDumps", show=False, id="log.fold"),
        Binding("home,g", "first", "First line", show=False, id="log.first"),
        Binding("up,k", "scroll_by(-1)", "Up", show=False, id="log.up"),
        Binding("down,j", "scroll_by(1)", "Down", show=False, id="log.down"),
        Binding("pageup,ctrl+u", "scroll_page(-1)", "Page up", show=False, id="log.page-up"),
        Binding("pagedown,ctrl+d", "scroll_page(1)", "Page down", show=False, id="log.page-down"),
        Binding("left", "side(-1)", "Scroll left", show=False, id="log.left"),
        Binding("right", "side(1)", "Scroll right", show=False, id="log.right"),
    ]

    class Moved(Message):
        """What the title says of the view - following, lines, lines that are new - may have changed."""

        def can_replace(self, message: Message) -> bool:
            """One look at the view says all."""
            return isinstance(message, LogView.Moved)

    class Refiltered(Message):
        """Another filter was set, or its lines have to be looked for."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Rows | None = None
        self._tail: Sequence[LogLine] = ()
        self._cache: OrderedDict[int, LogLine] = OrderedDict()
        self._side = 0
        self._wrap = False
        self._skip = 0
        """Lines of the screen that the first row has above it, where lines are wrapped."""
        self._seen = 0
        """Rows there were when following ended."""
        self._placing = False
        self.following = True
        self._pattern: Pattern | None = None
        self._current: int | None = None
        """Number of the line that one was brought to."""
        self._awaited: int | None = None
        """Number of a line to go to as soon as a filter has let it through."""
        self._anchor: int | None = None
        """Row at which selecting began."""
        self._cursor = 0
        self._laid_out: list[tuple[int, int]] = []
        self._base, self._width = Style(), 0
        self._styles: dict[tuple[Style, str], Style] = {}

    # -- content

    @property
    def rows(self) -> Rows | None:
        """What is shown."""
        return self._rows

    @property
    def lines(self) -> int:
        """Rows there are."""
        return len(self._rows) if self._rows else 0

    @property
    def new_lines(self) -> int:
        """Rows that came since following ended."""
        return 0 if self.following else self.lines - self._seen

    @property
    def selected(self) -> int:
        """Rows that are selected."""
        return 0 if self._anchor is None else abs(self._cursor - self._anchor) + 1

    @property
    def wrapped(self) -> bool:
        """Whether long lines are wrapped."""
        return self._wrap

    def set_log(self, log: LogLines) -> None:
        """Show this log."""
        self._rows = Rows(log)
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
            if self._awaited is not None and rows.shows(self._awaited):
                self.show(self._awaited)
        if len(rows) > first or rows.seen != seen:
            self.post_message(self.Moved())

    def _set_height(self) -> None:
        # Wrapped, any row may be the first one on the screen: the last one may fill it.
        height = self.lines + (max(self.size.height - 1, 0) if self._wrap else 0)
        if self.show_vertical_scrollbar and height > self.virtual_size.height > self.size.height:
            # More of what scrolls already: the whole screen need not be laid out, and drawn, again.
            self.set_reactive(LogView.virtual_size, Size(0, height))
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

    # -- which lines

    def set_filter(self, wanted: Filter, *, folded: bool | None = None) -> None:
        """Show the lines that this filter lets through, about where the view is now."""
        old = self._rows
        if old is None:
            return
        number = self.top_line
        rows = self._rows = Rows(old.log, wanted, folded=old.folded if folded is None else folded)
        if old.scan is not None:
            old.scan.ended.set()
        self._anchor = None
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

    def action_toggle_debug(self) -> None:
        """Show or leave out debug lines."""
        if self._rows is not None:
            wanted = self._rows.filter
            self.set_filter(replace(wanted, least="info" if wanted.least == "debug" else "debug"))

    def action_toggle_walls(self) -> None:
        """Show the lines of ETDumps, or one row for each."""
        if self._rows is not None:
            self.set_filter(self._rows.filter, folded=not self._rows.folded)

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

    def _go(self, row: int, skip: int = 0) -> None:
        """Have a row at the top, less `skip` of its lines."""
        moved = skip != self._skip
        self._skip = skip
        self.scroll_to(y=row, animate=False, force=True)
        if moved:
            self.refresh()

    def _end(self, last: int | None = None) -> tuple[int, int]:
        """The place from which the view ends with the row `last`, or with the last of all."""
        last = self.lines - 1 if last is None else last
        height = self.size.height
        if not self._wrap:
            return max(last + 1 - height, 0), 0
        row, left = last, height
        while row >= 0:
            left -= self._height(row)
            if left <= 0:
                return row, -left
            row -= 1
        return 0, 0

    def _to_end(self) -> None:
        self._placing = True
        row, skip = self._end()
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
        """The wheel ends following."""
        self._unfollow()

    def on_scroll_to(self, event: ScrollTo) -> None:
        """Drawing the scroll bar up ends following."""
        if event.y is not None and event.y < self.scroll_y:
            self._unfollow()

    def action_follow(self) -> None:
        """To the last line, and stay there."""
        if self._anchor is not None:
            self._move_cursor(self.lines)
            return
        self.following = True
        self._to_end()
        self.post_message(self.Moved())

    def action_first(self) -> None:
        """To the first line."""
        self._unfollow()
        if self._anchor is not None:
            self._move_cursor(-self.lines)
        else:
            self._go(0)
            self.post_message(self.Moved())

    def action_scroll_by(self, lines: int) -> None:
        """A line up or down."""
        if self._anchor is not None:
            self._move_cursor(lines)
        else:
            self._scroll(lines)

    def action_scroll_page(self, pages: int) -> None:
        """A screenful up or down."""
        self.action_scroll_by(pages * max(self.size.height - 1, 1))

    def _scroll(self, lines: int) -> None:
        """By so many lines of the screen."""
        if lines < 0:
            self._unfollow()
        if not self._wrap:
            self.scroll_to(y=self._top + lines, animate=False, force=True)
            return
        row, skip = self._top, self._skip + lines
        while skip < 0 and row > 0:
            row -= 1
            skip += self._height(row)
        while row < self.lines and skip >= self._height(row):
            skip -= self._height(row)
            row += 1
        self._go(*min((row, max(skip, 0)), self._end()))
        self.post_message(self.Moved())

    def action_side(self, steps: int) -> None:
        """Long lines, further left or right."""
        side = max(self._side + steps * SIDE_STEP, 0)
        if side != self._side and not self._wrap:
            self._side = side
            self.refresh()

    def action_toggle_wrap(self) -> None:
        """Long lines on several lines of the screen, or cut."""
        self._wrap = not self._wrap
        row, self._side, self._skip = self._top, 0, 0
        self._placing = True
        self._set_height()
        if self.following:
            self._to_end()
        else:
            self._go(min((row, 0), self._end())[0])
        self._placing = False
        self.refresh()
        self.post_message(self.Moved())

    # -- going to lines

    def mark(self, pattern: Pattern | None) -> None:
        """Mark a pattern wherever it is."""
        self._pattern = pattern
        self.refresh()

    def show(self, number: int) -> None:
        """Go to a line and point at it, whatever leaves it out, and follow no more."""
        rows = self._rows
        if rows is None:
            return
        self._current = number
        self._unfollow()
        if not rows.shows(number):
            if rows.log.level(number) == "debug" and rows.filter.least == "info":
                self.set_filter(replace(rows.filter, least="debug"), folded=False)
            elif rows.folded:
                self.set_filter(rows.filter, folded=False)
            rows = self._rows
            assert rows is not None
        self._awaited = None if rows.shows(number) else number
        row = rows.row_of(number)
        if self._anchor is not None:
            self._cursor = min(row, len(rows) - 1)
        if all(shown != row for shown, _ in self._layout()):
            self._go(max(row - (1 if self._wrap else self.size.height // 2), 0))
        self.refresh()
        self.post_message(self.Moved())

    @property
    def current(self) -> int | None:
        """Number of the line that is pointed at, if it is on the screen."""
        rows, number = self._rows, self._current
        if rows is None or number is None or not rows.shows(number):
            return None
        first, last = self.visible_rows
        return number if first <= rows.row_of(number) + 1 <= last else None

    # -- selecting and copying

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Some keys mean something else while nothing is selected."""
        return self._anchor is not None if action in ("yank", "deselect") else True

    def action_select(self) -> None:
        """Begin to select, at the match or at the last visible line; or end it."""
        if self._anchor is not None:
            self.action_deselect()
            return
        layout = self._layout()
        if self._rows is None or not layout or (self._tail and self.following):
            return
        self._unfollow()
        at = layout[-1][0]
        if self.current is not None:
            at = self._rows.row_of(self.current)
        self._anchor = self._cursor = at
        self._selection_changed()

    def action_deselect(self) -> None:
        """Nothing is selected."""
        self._anchor = None
        self._selection_changed()

    def _selection_changed(self) -> None:
        self.refresh()
        self.refresh_bindings()
        self.post_message(self.Moved())

    def _move_cursor(self, lines: int) -> None:
        self._cursor = min(max(self._cursor + lines, 0), self.lines - 1)
        first, last = self._top, self.visible_rows[1] - 1
        if self._cursor < first or (self._cursor == first and self._skip):
            self._go(self._cursor)
        elif self._cursor > last or (self._wrap and self._cursor == last):
            self._go(*max((self._top, self._skip), self._end(self._cursor)))
        self._selection_changed()

    def action_copy(self) -> None:
        """Give lines to the terminal's clipboard."""
        rows = self._rows
        if rows is None or not len(rows):
            return
        if self._anchor is not None:
            first, last = sorted((self._anchor, self._cursor))
        else:
            first, last = self.visible_rows[0] - 1, self.visible_rows[1] - 1
        numbers = rows.numbers(first, last + 1)
        taken: list[str] = []
        left = CLIPBOARD_BYTES
        for number in numbers:
            text = rows.log.whole(number).text
            left -= len(text.encode()) + 1
            if left < 0:
                break
            taken.append(text)
        self.app.copy_to_clipboard("\n".join(taken))
        words = f"{len(taken):,} line{'s' * (len(taken) != 1)} copied."
        if len(taken) < len(numbers):
            words = f"{len(taken):,} of {len(numbers):,} lines copied, as many as a clipboard takes. S saves them all."
        self.notify(words, markup=False)
        if self._anchor is not None:
            self.action_deselect()

    def action_yank(self) -> None:
        """Copy, as vi's users do it."""
        self.action_copy()

    # -- drawing

    def _line(self, number: int) -> LogLine:
        kept = self._cache.get(number)
        if kept is None:
            assert self._rows is not None
            kept = self._cache[number] = self._rows.log[number]
            if len(self._cache) > CACHE:
                self._cache.popitem(last=False)
        return kept

    def _text(self, row: int) -> str:
        assert self._rows is not None
        if wall := self._rows.wall(row):
            return f"ETDump, {wall:,} line{'s' * (wall != 1)}, folded - enter opens"
        return self._line(self._rows[row]).text

    @property
    def _room(self) -> int:
        return max(self.scrollable_content_region.width - HEAD_WIDTH, 1)

    def _parts(self, row: int) -> list[str]:
        """The text of a row as it is wrapped."""
        return chop_cells(self._text(row), self._room) or [""]

    def _height(self, row: int) -> int:
        return len(self._parts(row))

    def _layout(self) -> list[tuple[int, int]]:
        """What stands on the screen, from the top: a row and which part of it."""
        top, height = self._top, self.size.height
        if not self._wrap:
            return [(row, 0) for row in range(top, min(top + height, self.lines))]
        found: list[tuple[int, int]] = []
        row, part = top, self._skip
        while row < self.lines and len(found) < height:
            found += [(row, number) for number in range(part, self._height(row))]
            row, part = row + 1, 0
        return found[:height]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible lines. What is the same for all of them is asked for once: asking takes longer than drawing."""
        self._laid_out = self._layout()
        self._base, self._width = self.rich_style, self.scrollable_content_region.width
        self._styles.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The line at `y` of the visible part."""
        base, width = self._base, self._width
        if self._tail and self.following:
            at = y + len(self._tail) - self.size.height if len(self._tail) > self.size.height else y
            if at >= len(self._tail):
                return Strip.blank(width, base)
            line = self._tail[at]
            return self._cut(self._head(line, " ", base), [Segment(line.text, self._style(line, base))], base)
        if y >= len(self._laid_out):
            return Strip.blank(width, base)
        assert self._rows is not None
        row, part = self._laid_out[y]
        number = self._rows[row]
        line = self._line(number)
        style = self._style(line, base)
        wall = self._rows.wall(row)
        if wall:
            style = self._styled(base, "folded")
        pointer = ">" if number == self._current else " "
        if self._anchor is not None and min(self._anchor, self._cursor) <= row <= max(self._anchor, self._cursor):
            base = self._styled(base, "selected")
            style = self._styled(style, "selected")
            pointer = "*" if row == self._cursor else "|"
        head = self._head(line, pointer, base) if part == 0 else [Segment(f" {pointer}{'':{SOURCE_WIDTH}} ", base)]
        text = self._text(row)
        places = self._pattern.places(text) if self._pattern is not None and not wall else []
        if not self._wrap:
            return self._cut(head, self._marked(text, 0, len(text), places, style), base)
        parts = self._parts(row)
        begin = sum(len(before) for before in parts[:part])
        segments = self._marked(text, begin, begin + len(parts[part]), places, style)
        return Strip([*head, *segments]).adjust_cell_length(width, base).simplify()

    def _styled(self, base: Style, name: str) -> Style:
        found = self._styles.get((base, name))
        if found is None:
            found = base + self.get_component_rich_style(f"log--{name}", partial=True)
            self._styles[base, name] = found
        return found

    def _style(self, line: LogLine, base: Style) -> Style:
        return base if line.level == "info" else self._styled(base, line.level)

    def _head(self, line: LogLine, pointer: str, base: Style) -> list[Segment]:
        source = line.source if line.source in SOURCES else "source"
        return [
            Segment(f"{LETTERS[line.level]}{pointer}", self._style(line, base)),
            Segment(
                f"{fit(line.source, SOURCE_WIDTH)} ",
                self._styled(base, source),
            ),
        ]

    def _marked(
        self, text: str, begin: int, end: int, places: Sequence[tuple[int, int]], style: Style
    ) -> list[Segment]:
        """A part of a text, with the places in it that are marked."""
        mark = self._styled(style, "match")
        segments, at = [], begin
        for first, last in places:
            if last > at and first < end:
                segments += [
                    Segment(text[at : max(first, at)], style),
                    Segment(text[max(first, at) : min(last, end)], mark),
                ]
                at = min(last, end)
        return [*segments, Segment(text[at:end], style)]

    def _cut(self, head: list[Segment], text: list[Segment], base: Style) -> Strip:
        """A line that is not wrapped: the part of it that fits, and a mark where more follows."""
        width = self._width
        body, room = Strip(text), max(width - HEAD_WIDTH, 0)
        length = body.cell_length
        body = body.crop(self._side, self._side + room)
        if length > self._side + room > 0:
            more = self._styled(base, "source")
            body = Strip.join([body.crop(0, room - 1), Strip([Segment("…", more)])])
        return Strip.join([Strip(head), body]).adjust_cell_length(width, base).simplify()
