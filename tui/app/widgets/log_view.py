"""The log as the user works with it: keys, going to lines, selecting and copying."""

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.app.widgets.log_drawing import Drawn
from tui.app.widgets.log_page import Page
from tui.app.widgets.log_scroll import LogScroll
from tui.run.log_search import Filter, Pattern
from tui.text import counted

CLIPBOARD_BYTES = 64 * 1024
"""Limit of what is copied: many terminals silently drop a longer sequence."""
BEFORE_ERROR = 3
"""Rows above the first error that a failed run is shown with."""


class LogView(LogScroll):
    """The view of a log with keys and a selection."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f,end,G",
            "follow",
            "Follow",
            key_display="f",
            tooltip="Go to the last line and stay there",
            id="log.follow",
        ),
        Binding("L", "toggle_debug", "Debug lines", show=False, tooltip="Show or hide debug lines", id="log.debug"),
        Binding("w", "toggle_wrap", "Wrap", show=False, tooltip="Wrap or cut long lines", id="log.wrap"),
        Binding("v", "select", "Select lines", show=False, tooltip="Begin a selection, or end it", id="log.select"),
        Binding(
            "c",
            "copy",
            "Copy lines",
            show=False,
            tooltip="Copy the selected lines, else the visible ones",
            id="log.copy",
        ),
        Binding("y", "yank", "Copy the selection", show=False, id="log.yank"),
        Binding("escape", "deselect", "End the selection", show=False, id="log.deselect"),
        Binding("enter", "toggle_walls", "Open or fold ETDumps", show=False, id="log.fold"),
        Binding("home,g", "first", "First line", show=False, id="log.first"),
        Binding("up,k", "scroll_by(-1)", "Up", show=False, id="log.up"),
        Binding("down,j", "scroll_by(1)", "Down", show=False, id="log.down"),
        Binding("pageup,ctrl+u", "scroll_page(-1)", "Page up", show=False, id="log.page-up"),
        Binding("pagedown,ctrl+d", "scroll_page(1)", "Page down", show=False, id="log.page-down"),
        Binding("left", "side(-1)", "Scroll left", show=False, id="log.left"),
        Binding("right", "side(1)", "Scroll right", show=False, id="log.right"),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pattern: Pattern | None = None
        self._current: int | None = None
        """Number of the line that one was brought to."""
        self._awaited: int | None = None
        """Number of a line to go to as soon as a filter has let it through."""
        self._anchor: int | None = None
        """Row at which selecting began."""
        self._cursor = 0

    # -- moving

    def action_follow(self) -> None:
        """Go to the last line, and stay there."""
        if self._anchor is not None:
            self._move_cursor(self.lines)
        else:
            self.follow()

    def action_first(self) -> None:
        """Go to the first line."""
        if self._anchor is not None:
            self._move_cursor(-self.lines)
        else:
            self.go_first()

    def action_scroll_by(self, lines: int) -> None:
        """Move by a few lines."""
        if self._anchor is not None:
            self._move_cursor(lines)
        else:
            self.move(lines)

    def action_scroll_page(self, pages: int) -> None:
        """Move by a screenful."""
        self.action_scroll_by(pages * max(self.size.height - 1, 1))

    def action_side(self, steps: int) -> None:
        """Show another part of long lines."""
        self.move_aside(steps)

    def action_toggle_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.toggle_wrap()

    # -- which lines

    def set_filter(self, wanted: Filter, *, folded: bool | None = None) -> None:
        """Show the lines that this filter lets through; nothing is selected then."""
        self._anchor = None
        super().set_filter(wanted, folded=folded)

    def grow(self, count: int) -> None:
        """Take more lines; go to the one that was waited for."""
        super().grow(count)
        if self._awaited is not None and self._rows is not None and self._rows.shows(self._awaited):
            self.show(self._awaited)

    def action_toggle_debug(self) -> None:
        """Show or leave out debug lines."""
        if self._rows is not None:
            wanted = self._rows.filter
            self.set_filter(replace(wanted, least="info" if wanted.least == "debug" else "debug"))

    def action_toggle_walls(self) -> None:
        """Show the lines of ETDumps, or one row for each."""
        if self._rows is not None:
            self.set_filter(self._rows.filter, folded=not self._rows.folded)

    # -- going to lines

    def mark(self, pattern: Pattern | None) -> None:
        """Mark a pattern wherever it is."""
        self._pattern = pattern
        self.refresh()

    def show(self, number: int) -> None:
        """Go to a line and point at it, even if a filter hides it; end following."""
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

    def show_first_error(self) -> None:
        """Go to the first error, unless somebody has gone elsewhere."""
        if self.following and self.current is None and self._rows is not None:
            number = self._rows.error(0, 1)
            if number is not None:
                self.show(number)
                # Near the top it stays in sight when what is above the log takes some of its rows.
                self._go(max(self._rows.row_of(number) - BEFORE_ERROR, 0))

    @property
    def current(self) -> int | None:
        """Number of the line that is pointed at, if it is on the screen."""
        rows, number = self._rows, self._current
        if rows is None or number is None or not rows.shows(number):
            return None
        first, last = self.visible_rows
        return number if first <= rows.row_of(number) + 1 <= last else None

    # -- selecting and copying

    @property
    def selected(self) -> int:
        """Number of rows that are selected."""
        return 0 if self._anchor is None else abs(self._cursor - self._anchor) + 1

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys of the selection while there is none."""
        return self._anchor is not None if action in ("yank", "deselect") else True

    def action_select(self) -> None:
        """Begin a selection at the match or the last visible line; or end it."""
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
        """End the selection."""
        self._anchor = None
        self._selection_changed()

    def _selection(self, anchor: int) -> tuple[int, int]:
        """The first selected row, and the one after the last."""
        first, last = sorted((anchor, self._cursor))
        return first, last + 1

    def _selection_changed(self) -> None:
        self.refresh()
        self.refresh_bindings()
        self.post_message(self.Moved())

    def _move_cursor(self, lines: int) -> None:
        self._cursor = min(max(self._cursor + lines, 0), self.lines - 1)
        first, last = self._top, self.visible_rows[1] - 1
        if self._cursor < first or (self._cursor == first and self._skip):
            self._go(self._cursor)
        elif (page := self._page) is not None and (self._cursor > last or (self._wrap and self._cursor == last)):
            self._go(*max((self._top, self._skip), page.end(self._cursor)))
        self._selection_changed()

    def action_copy(self) -> None:
        """Copy lines to the terminal's clipboard."""
        rows = self._rows
        if rows is None or not len(rows):
            return
        first, last = self.visible_rows
        numbers = rows.numbers(*((first - 1, last) if self._anchor is None else self._selection(self._anchor)))
        taken = rows.texts(numbers, CLIPBOARD_BYTES)
        self.app.copy_to_clipboard("\n".join(taken))
        words = f"{counted(len(taken), 'line')} copied."
        if len(taken) < len(numbers):
            words = f"{len(taken):,} of {len(numbers):,} lines copied: a clipboard takes no more. S saves them all."
        self.notify(words, markup=False)
        if self._anchor is not None:
            self.action_deselect()

    def action_yank(self) -> None:
        """Copy, as vi's users do it."""
        self.action_copy()

    # -- drawing

    def drawn(self, page: Page, row: int) -> Drawn:
        """Return a row with what is marked, pointed at or selected of it."""
        drawn = super().drawn(page, row)
        places = self._pattern.places(drawn.text) if self._pattern is not None and not drawn.folded else ()
        pointer = ">" if page.rows[row] == self._current else " "
        selected = self._anchor is not None and row in range(*self._selection(self._anchor))
        if selected:
            pointer = "*" if row == self._cursor else "|"
        return replace(drawn, places=places, pointer=pointer, selected=selected)
