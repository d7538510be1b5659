"""The log of a run, any number of lines long: only the visible ones are read, cleaned and drawn."""

from array import array
from bisect import bisect_left
from collections import OrderedDict
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.loglines import LogLine, LogLines
from tui.widgets.words import fit

CACHE = 2_000
"""Lines kept ready to draw."""
SIDE_STEP = 20
SOURCE_WIDTH = 8

LETTERS = {"debug": "D", "info": "I", "warning": "W", "error": "E"}


class LogView(ScrollView, can_focus=True):
    """Lines of log with their level's letter. `following` is said, not guessed: scrolling up ends it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--debug", "log--warning", "log--error", "log--source", "log--match"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,end", "follow", "Follow", key_display="f", id="log.follow"),
        Binding("d", "toggle_debug", "Debug lines", show=False, id="log.debug"),
        Binding("home,g", "first", "First line", show=False, id="log.first"),
        Binding("up,k", "scroll_by(-1)", "Up", show=False, id="log.up"),
        Binding("down,j", "scroll_by(1)", "Down", show=False, id="log.down"),
        Binding("pageup", "scroll_page(-1)", "Page up", show=False, id="log.page-up"),
        Binding("pagedown", "scroll_page(1)", "Page down", show=False, id="log.page-down"),
        Binding("left", "side(-1)", "Scroll left", show=False, id="log.left"),
        Binding("right", "side(1)", "Scroll right", show=False, id="log.right"),
    ]

    class Moved(Message):
        """What the title says of the view - following, lines, lines that are new - may have changed."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._log: LogLines | None = None
        self._count = 0
        """Lines of the log that the view knows of, shown or not."""
        self._shown = array("Q")
        """Numbers of the lines that are shown: all but debug lines, unless those are wanted."""
        self._debug = False
        self._cache: OrderedDict[int, LogLine] = OrderedDict()
        self._side = 0
        self._seen = 0
        """Shown lines there were when following ended."""
        self._placing = False
        self.following = True
        self._pattern = ""
        self._match: int | None = None
        """Number of the line that the search is at."""

    # -- content

    @property
    def log_lines(self) -> LogLines | None:
        """What is shown."""
        return self._log

    @property
    def lines(self) -> int:
        """Shown lines."""
        return len(self._shown)

    @property
    def left_out(self) -> int:
        """Debug lines that are not shown."""
        return self._count - len(self._shown)

    @property
    def new_lines(self) -> int:
        """Lines that came since following ended."""
        return 0 if self.following else len(self._shown) - self._seen

    def set_log(self, log: LogLines) -> None:
        """Show this log."""
        self._log = log
        self.grow(len(log))

    def grow(self, count: int) -> None:
        """The log has `count` lines now."""
        if self._log is None or count == self._count:
            return
        first = len(self._shown)
        for number in range(self._count, count):
            if self._debug or self._log.level(number) != "debug":
                self._shown.append(number)
        self._count = count
        if len(self._shown) > first:
            self._place(first)
        self.post_message(self.Moved())

    def _place(self, first_new: int) -> None:
        """Make room for lines from index `first_new` on; draw only what is visible of them."""
        self._placing = True
        self.virtual_size = Size(0, len(self._shown))
        bottom = max(len(self._shown) - self.size.height, 0)
        if self.following and round(self.scroll_y) != bottom:
            self.scroll_to(y=bottom, animate=False)
        else:
            top = first_new - self.scroll_offset.y
            if top < self.size.height:
                self.refresh(Region(0, max(top, 0), self.size.width, self.size.height - max(top, 0)))
        self._placing = False

    def on_resize(self, event: Resize) -> None:
        """Stay at the end while following."""
        if self.following:
            self._to_end()

    def action_toggle_debug(self) -> None:
        """Show or leave out debug lines."""
        self._debug = not self._debug
        log = self._log
        if log is not None:
            wanted = (n for n in range(self._count) if self._debug or log.level(n) != "debug")
            self._shown = array("Q", wanted)
            self._seen = min(self._seen, len(self._shown))
            self._placing = True
            self.virtual_size = Size(0, len(self._shown))
            self._placing = False
            if self.following:
                self._to_end()
            self.refresh()
            self.post_message(self.Moved())

    # -- moving

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up, however it was done, ends following."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and self.following and not self._placing:
            self.following = False
            self._seen = len(self._shown)
            self.post_message(self.Moved())

    def _to_end(self) -> None:
        self._placing = True
        self.scroll_to(y=max(len(self._shown) - self.size.height, 0), animate=False)
        self._placing = False

    def action_follow(self) -> None:
        """To the last line, and stay there."""
        self.following = True
        self._to_end()
        self.post_message(self.Moved())

    def action_first(self) -> None:
        """To the first line."""
        self.scroll_to(y=0, animate=False)

    def action_scroll_by(self, lines: int) -> None:
        """A line up or down."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        """A screenful up or down."""
        self.action_scroll_by(pages * max(self.size.height - 1, 1))

    def action_side(self, steps: int) -> None:
        """Long lines, further left or right."""
        side = max(self._side + steps * SIDE_STEP, 0)
        if side != self._side:
            self._side = side
            self.refresh()

    # -- searching

    def set_search(self, pattern: str, match: int | None) -> None:
        """Mark a text wherever it is, and go to the line of number `match`, if there is one."""
        self._pattern, self._match = pattern, match
        if match is not None:
            row = bisect_left(self._shown, match)
            if row == len(self._shown) or self._shown[row] != match:
                self.action_toggle_debug()  # it is a debug line
                row = bisect_left(self._shown, match)
            self.following = False
            self._seen = len(self._shown)
            top = self.scroll_offset.y
            if not top <= row < top + self.size.height:
                self.scroll_to(y=max(row - self.size.height // 2, 0), animate=False)
            self.post_message(self.Moved())
        self.refresh()

    @property
    def top_line(self) -> int:
        """Number of the first visible line."""
        row = self.scroll_offset.y
        return self._shown[row] if row < len(self._shown) else 0

    # -- drawing

    def _line(self, number: int) -> LogLine:
        kept = self._cache.get(number)
        if kept is None:
            assert self._log is not None
            kept = self._cache[number] = self._log[number]
            if len(self._cache) > CACHE:
                self._cache.popitem(last=False)
        return kept

    def render_line(self, y: int) -> Strip:
        """The line at `y` of the visible part."""
        base, width = self.rich_style, self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if row >= len(self._shown):
            return Strip.blank(width, base)
        number = self._shown[row]
        line = self._line(number)
        style = base
        if line.level != "info":
            style += self.get_component_rich_style(f"log--{line.level}", partial=True)
        mark = base + self.get_component_rich_style("log--match", partial=True)
        source = base + self.get_component_rich_style("log--source", partial=True)
        pointer = ">" if number == self._match else " "
        segments = [
            Segment(f"{LETTERS[line.level]}{pointer}", style),
            Segment(f"{fit(line.source, SOURCE_WIDTH)} ", source),
        ]
        head = Strip(segments)
        text = [Segment(line.text, style)]
        if self._pattern:
            text = []
            rest, low = line.text, line.text.lower()
            # Lower-casing may change the length of exotic text: then nothing is marked, rather than the wrong part.
            at = low.find(self._pattern) if len(low) == len(rest) else -1
            while at >= 0:
                end = at + len(self._pattern)
                text += [Segment(rest[:at], style), Segment(rest[at:end], mark)]
                rest, low = rest[end:], low[end:]
                at = low.find(self._pattern)
            text.append(Segment(rest, style))
        body = Strip(text)
        room = max(width - head.cell_length, 0)
        length = body.cell_length
        body = body.crop(self._side, self._side + room)
        if length > self._side + room > 0:
            body = Strip.join([body.crop(0, room - 1), Strip([Segment("…", source)])])
        return Strip.join([head, body]).adjust_cell_length(width, base)
