"""Panel: the log, with a search."""

import threading
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui.loglines import LogLines
from tui.state import State
from tui.widgets.background import in_background, tell
from tui.widgets.log_view import LogView
from tui.widgets.panel import Panel


class SearchField(Input):
    """Where the text to search for is typed; escape gives the focus back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", id="search.leave")]

    class Left(Message):
        """Escape was pressed."""

    def action_leave(self) -> None:
        """Back to the log."""
        self.post_message(self.Left())


class LogPanel(Panel):
    """The log that the run process, the compile worker and the platform write, newest line last."""

    TITLE = "Log"
    FIGURES: ClassVar = (
        ("log", "What the compiler and the program on the platform print. The raw bytes are kept in console.log."),
        ("I W E D", "Level: information, warning, error, debug. Debug lines are left out until d is pressed."),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", id="log.search"),
        Binding("n", "next(1)", "Next match", show=False, id="log.next"),
        Binding("N", "next(-1)", "Previous match", show=False, id="log.previous"),
    ]

    class Found(Message):
        """A search has ended at a line, or nowhere."""

        def __init__(self, pattern: str, number: int | None) -> None:
            super().__init__()
            self.pattern = pattern
            self.number = number

    def __init__(self, *, id: str, number: int) -> None:
        super().__init__(id=id, number=number)
        self._pattern = ""
        self._at: int | None = None
        self._nowhere = False
        self._searching: threading.Event | None = None
        """Set to end the search that is under way."""

    def compose(self) -> ComposeResult:
        """The lines, and the search field while it is used."""
        yield LogView()
        field = SearchField(placeholder="search the log", compact=True, select_on_focus=True)
        field.display = False
        yield field

    def parts(self, state: State) -> Any:
        """What the title shows; lines come by `grow`."""
        return state.log_errors, state.log_lines

    def draw(self, state: State) -> None:
        """Lines are drawn as the view grows: nothing else to do."""

    def set_log(self, log: LogLines) -> None:
        """Show this log."""
        self.query_one(LogView).set_log(log)

    def grow(self, count: int) -> None:
        """The log has `count` lines now."""
        self.query_one(LogView).grow(count)

    def summary(self, state: State) -> str:
        """Lines, errors, and whether the view follows."""
        view = self.query_one(LogView)
        words = [f"{view.lines:,} line{'s' * (view.lines != 1)}"]
        if state.log_errors:
            words.append(f"{state.log_errors:,} error{'s' * (state.log_errors > 1)}")
        if view.left_out:
            words.append(f"{view.left_out:,} debug left out (d)")
        running = state.run.status == "running"
        if view.new_lines:
            words.append(f"+{view.new_lines:,} new (f)")
        elif view.following and running:
            words.append("following")
        elif running:
            words.append("not following (f)")
        if self._nowhere:
            words.append("no match")
        elif self._at is not None:
            words.append(f"match in line {self._at + 1:,}")
        return "  ".join(words)

    def brief(self, state: State) -> str:
        """Errors, else lines."""
        if state.log_errors:
            return f"{state.log_errors:,} error{'s' * (state.log_errors > 1)}"
        return f"{self.query_one(LogView).lines:,}"

    def on_log_view_moved(self, event: LogView.Moved) -> None:
        """Say in the title where the view is."""
        event.stop()
        self.retitle()

    # -- searching

    def action_search(self) -> None:
        """Type what to search for."""
        field = self.query_one(SearchField)
        field.display = True
        self.screen.set_focus(field)  # at once: `focus` would let keys that are typed fast go elsewhere

    def _close_field(self) -> None:
        self.query_one(SearchField).display = False
        self.screen.set_focus(self.query_one(LogView))

    def on_search_field_left(self, event: SearchField.Left) -> None:
        """Give up, and unmark what was found."""
        event.stop()
        self._end_search()
        self._pattern, self._at, self._nowhere = "", None, False
        self.query_one(LogView).set_search("", None)
        self._close_field()
        self.retitle()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search from the first visible line on."""
        event.stop()
        self._pattern = event.value.lower()
        self._close_field()
        if self._pattern:
            self._search(self.query_one(LogView).top_line, 1)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typing is nobody else's business."""
        event.stop()

    def action_next(self, step: int) -> None:
        """The next match, or the one before."""
        if not self._pattern:
            self.action_search()
            return
        start = self.query_one(LogView).top_line if self._at is None else self._at + step
        self._search(start, step)

    def _end_search(self) -> None:
        if self._searching is not None:
            self._searching.set()

    def _search(self, start: int, step: int) -> None:
        log = self.query_one(LogView).log_lines
        if log is None:
            return
        self._end_search()
        ended = self._searching = threading.Event()
        pattern, count = self._pattern, len(log)

        def scan() -> None:
            # Once around: what lies before the start comes last.
            for offset in range(count):
                number = (start + offset * step) % count
                if ended.is_set():
                    return
                if pattern in log[number].text.lower():
                    tell(self, self.Found(pattern, number))
                    return
            tell(self, self.Found(pattern, None))

        in_background("log-search", scan)

    def on_log_panel_found(self, event: Found) -> None:
        """Go there."""
        event.stop()
        if event.pattern != self._pattern:
            return  # of a search that was given up
        self._at, self._nowhere = event.number, event.number is None
        self.query_one(LogView).set_search(self._pattern, event.number)
        self.retitle()

    def on_unmount(self) -> None:
        """End the search with the panel."""
        self._end_search()
