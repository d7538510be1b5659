"""Panel: the log, with search and filter."""

import re
from array import array
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui.app.widgets.background import tell
from tui.app.widgets.log_view import LogView
from tui.app.widgets.panel import Panel
from tui.app.widgets.search_field import SearchField
from tui.errors import UsageError
from tui.run.events import Level
from tui.run.log import LogLines
from tui.run.log_search import Filter, Pattern, Scan
from tui.run.state import State
from tui.text import clean, counted, printable_name

LEAST: tuple[Level, ...] = ("info", "warning", "error")
"""Levels from which on lines are shown, in the order of the key."""

_PLACE = re.compile(r'File "([^"]+)", line (\d+)|(?:^|[\s(])((?:[.~]{0,2}/)?[^\s:()"]+\.\w+):(\d+)')
"""A place in a file, as Python's tracebacks and compilers write it."""


class SaveWanted(Message):
    """The user wants to have lines of the log in a file."""

    def __init__(self, log: LogLines, numbers: "array[int] | range") -> None:
        super().__init__()
        self.log = log
        self.numbers = numbers


class LogPanel(Panel):
    """The log that the run process, the compile worker and the platform write, newest line last."""

    TITLE = "Log"
    FIGURES: ClassVar = (
        ("log", "What the compiler and the program on the platform print. The raw bytes are kept in console.log."),
        ("I W E D", "Level: information, warning, error, debug. Debug lines are hidden until L is pressed."),
        (
            "uart, platform",
            "The source: the runner, or the platform itself; compile and run are fvp-tui's own processes.",
        ),
        (
            "/ and &",
            "/ finds a text, & shows only the lines that contain it (&!text: that do not), & and escape show all. Case "
            "does not matter; ctrl+r: a regular expression. Of a line, 2,000 characters are shown and searched.",
        ),
        ("ETDump", "Lines of base64 in which a runner prints its trace, folded into one row: enter opens it."),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", id="log.search"),
        Binding("n", "next(1)", "Next match", show=False, id="log.next"),
        Binding("N", "next(-1)", "Previous match", show=False, id="log.previous"),
        Binding(
            "ampersand",
            "filter",
            "Filter",
            key_display="&",
            tooltip="Show only lines that contain a text",
            id="log.filter",
        ),
        Binding("l", "level", "Level", tooltip="Show all lines, or warnings and errors, or errors", id="log.level"),
        Binding("o", "source", "Source", show=False, tooltip="Show lines of all sources, or of one", id="log.source"),
        Binding("E", "error(1)", "Next error", key_display="E", id="log.next-error"),
        Binding("ctrl+e", "error(-1)", "Previous error", show=False, id="log.previous-error"),
        Binding("S", "save(False)", "Save", tooltip="Save the lines shown to a file", id="log.save"),
        Binding("W", "save(True)", "Save the whole log", show=False, id="log.save-all"),
    ]

    class Advanced(Message):
        """A search or a filter has come further."""

        def __init__(self, scan: Scan) -> None:
            super().__init__()
            self.scan = scan

        def can_replace(self, message: Message) -> bool:
            """Let one message stand for several: matches are kept with the scan."""
            return isinstance(message, LogPanel.Advanced) and message.scan is self.scan

    def __init__(self, *, id: str, number: int) -> None:
        super().__init__(id=id, number=number)
        self.view = LogView()
        """The lines."""
        self._field = SearchField()
        self._count = 0
        """Lines of the log there are."""
        self._reading = 1.0
        """Share of the journal that has been read, 0..1."""
        self._pattern: Pattern | None = None
        self._scan: Scan | None = None
        """The search for it."""
        self._at: int | None = None
        """The line that the search is at."""
        self._step = 0
        """Direction to go from there, as soon as that is known."""
        self._said = ""
        """Result of the last key, where nothing else shows it."""

    def compose(self) -> ComposeResult:
        """The lines, and the field while it is used."""
        yield self.view
        yield self._field

    def draw(self, state: State) -> None:
        """Lines are drawn as the view grows: nothing else to do."""

    def set_log(self, log: LogLines) -> None:
        """Show this log."""
        self.view.set_log(log)

    def grow(self, count: int, reading: float = 1.0) -> None:
        """The log has `count` lines now; `reading` says how much of the journal has been read, of 0..1."""
        view = self.view
        changed = (count, reading) != (self._count, self._reading)
        self._reading = reading
        if count != self._count:
            self._count = count
            if view.rows is not None and view.rows.scan is not None:
                self._look(view.rows.scan)
            else:
                view.grow(count)
            if self._scan is not None:
                self._look(self._scan)
        if reading == 1.0:
            view.set_tail(())
        if changed:
            self.retitle()  # now: told by message, it would be drawn apart from the lines

    # -- words

    def summary(self, state: State) -> str:
        """Number of lines, place of the view, hidden lines; what the width may cut comes last."""
        view, rows = self.view, self.view.rows
        if rows is None:
            return ""
        filtered, running = self._filter_words(rows.filter), state.run.status == "running"
        hidden = rows.debug if rows.filter.least == "info" and not filtered else 0
        lines = self._count - hidden
        words = [f"{len(rows):,} of {lines:,} lines {filtered}" if filtered else counted(lines, "line")]
        if self._reading < 1.0:
            words.append(f"reading {self._reading:.0%}")
        if rows.scan is not None and rows.scan.problem:
            words.append(rows.scan.problem)
        elif rows.scan is not None and not rows.scan.whole(self._count):
            words.append(f"filtering {rows.scan.share(self._count):.0%}")
        if view.selected:
            words.append(f"{view.selected:,} selected (c copies)")
        elif searched := self._search_words():
            words.append(searched)
        elif not view.following and view.visible_rows[1] < view.lines:
            words.append("at {:,}-{:,}".format(*view.visible_rows))
        if view.new_lines:
            words.append(f"+{view.new_lines:,} new (f)")
        elif running:
            words.append("following" if view.following else "not following (f)")
        if state.log_errors:
            words.append(counted(state.log_errors, "error"))
        if hidden:
            words.append(f"{counted(hidden, 'debug line')} hidden (L)")
        return "  ".join(words)

    def _filter_words(self, wanted: Filter) -> str:
        words = {"warning": ["warnings and errors"], "error": ["errors only"]}.get(wanted.least, [])
        if wanted.source is not None:
            words.append(f"from {printable_name(wanted.source, 20)}")
        if wanted.pattern is not None:
            words.append(f"{'without' if wanted.without else 'with'} {clean(wanted.pattern.text, 30)}")
        return " ".join(words)

    def _search_words(self) -> str:
        field, scan = self._field, self._scan
        if field.display:
            return f"{field.purpose}: {'regular expression' if field.regex else 'text'} (ctrl+r)"
        if self._said or scan is None:
            return self._said
        if scan.problem:
            return scan.problem
        if self._step:
            return f"searching {scan.share(self._count):.0%}"
        if self._at is None:
            return "no match"
        least = "" if scan.whole(self._count) else "at least "
        return f"match in line {self._at + 1:,}, {least}{scan.hits:,} in total"

    def brief(self, state: State) -> str:
        """Number of errors, else of lines."""
        if state.log_errors:
            return counted(state.log_errors, "error")
        return f"{self.view.lines:,}"

    def _say(self, words: str) -> None:
        self._said = words
        self.retitle()

    def on_log_scroll_moved(self, event: LogView.Moved) -> None:
        """Say in the title where the view is."""
        event.stop()
        self.retitle()

    # -- the field

    def _open_field(self, purpose: str, before: Pattern | None, without: bool = False) -> None:
        self._field.open(purpose, "" if before is None else ("!" if without else "") + before.text)
        self.screen.set_focus(self._field)  # at once: `focus` would let keys that are typed fast go elsewhere
        self._say("")

    def _close_field(self) -> None:
        self._field.display = False
        self.screen.set_focus(self.view)
        self.retitle()

    def action_search(self) -> None:
        """Type what to search for."""
        self._open_field("search", self._pattern)

    def action_filter(self) -> None:
        """Type what to filter by."""
        wanted = Filter() if self.view.rows is None else self.view.rows.filter
        self._open_field("filter", wanted.pattern, wanted.without)

    def on_search_field_switched(self, event: SearchField.Switched) -> None:
        """Show in the title whether a text or a regular expression is typed."""
        event.stop()
        self.retitle()

    def on_search_field_left(self, event: SearchField.Left) -> None:
        """End the search or the filter."""
        event.stop()
        if self._field.purpose == "search":
            self._search(None)
        else:
            self._filter(pattern=None, without=False)
        self._close_field()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search from the first visible line on, or filter."""
        event.stop()
        field = self._field
        text, without = event.value, False
        if field.purpose == "filter" and text.startswith("!"):
            text, without = text[1:], True
        pattern = Pattern(text, field.regex) if text else None
        try:
            if pattern is not None:
                pattern.check()
        except UsageError as error:
            self.notify(clean(str(error), 400), severity="error", markup=False)
            return
        self._close_field()
        if field.purpose == "search":
            self._search(pattern)
        else:
            self._filter(pattern=pattern, without=without)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep typing from other widgets."""
        event.stop()

    # -- filtering

    def _filter(self, **changes: Any) -> None:
        if (rows := self.view.rows) is not None:
            self._said = ""
            self.view.set_filter(Filter(**{**vars(rows.filter), **changes}))

    def action_level(self) -> None:
        """Show all lines; warnings and errors; only errors."""
        if (rows := self.view.rows) is not None:
            at = LEAST.index(rows.filter.least) if rows.filter.least in LEAST else 0
            self._filter(least=LEAST[(at + 1) % len(LEAST)])

    def action_source(self) -> None:
        """Show the lines of all sources, then of one after the other."""
        if (rows := self.view.rows) is not None:
            known = (None, *rows.log.sources)
            self._filter(source=known[(known.index(rows.filter.source) + 1) % len(known)])

    def on_log_scroll_refiltered(self, event: LogView.Refiltered) -> None:
        """Look for the lines, where that takes reading them; what is searched for, only among them."""
        event.stop()
        if (rows := self.view.rows) is None:
            return
        if rows.scan is not None:
            self._look(rows.scan)
        if self._scan is not None and self._scan.filter != _searched(rows.filter):
            self._restart()

    # -- searching

    def _search(self, pattern: Pattern | None) -> None:
        self._pattern, self._at, self._said = pattern, None, ""
        self._restart()
        self.view.mark(pattern)
        if pattern is not None:
            self._step = 1
            self._arrive()
        self.retitle()

    def _restart(self) -> None:
        """Begin the search anew: the pattern or the lines to search are others."""
        if self._scan is not None:
            self._scan.ended.set()
        self._scan, self._step = None, 0
        view = self.view
        if self._pattern is not None and view.rows is not None:
            start = view.top_line if self._at is None else self._at
            self._scan = Scan(view.rows.log, _searched(view.rows.filter), self._pattern, start)
            self._look(self._scan)

    def action_next(self, step: int) -> None:
        """Go to the next match, or the one before."""
        if self._scan is None:
            self.action_search()
            return
        self._said, self._step = "", step
        self._arrive()
        self.retitle()

    def _arrive(self) -> None:
        """Go to the match that is wanted, if it is known."""
        scan, step = self._scan, self._step
        if scan is None or not step:
            return
        start = self.view.top_line if self._at is None else (self._at + step) % max(self._count, 1)
        try:
            number = scan.nearest(start, step, self._count)
        except LookupError:
            return  # it is tried again when more is known
        self._step, self._at = 0, number
        if number is not None:
            self.view.show(number)

    def _look(self, scan: Scan) -> None:
        scan.look(self._count, lambda: tell(self, self.Advanced(scan)))

    def on_log_panel_advanced(self, event: Advanced) -> None:
        """Show what was found so far."""
        event.stop()
        rows = self.view.rows
        if rows is not None and event.scan is rows.scan:
            self.view.grow(self._count)
            self.retitle()
        elif event.scan is self._scan:
            self._arrive()
            self.retitle()

    # -- errors

    def action_error(self, step: int) -> None:
        """Go to the next error that is shown, once around."""
        view, rows = self.view, self.view.rows
        if rows is None:
            return
        before = view.top_line - (step < 0) if view.current is None else view.current + step
        number = rows.error(before, step)
        self._said = "no errors shown" if number is None else ""
        if number is not None:
            view.show(number)
        self.retitle()

    @property
    def named_line(self) -> str | None:
        """``FILE:LINE`` that the line which is pointed at names."""
        view, rows = self.view, self.view.rows
        if rows is None or view.current is None:
            return None
        found = _PLACE.search(rows.log[view.current].text)
        return f"{found[1] or found[3]}:{found[2] or found[4]}" if found else None

    # -- saving

    def action_save(self, whole: bool) -> None:
        """Ask for lines to be saved to a file."""
        if (rows := self.view.rows) is not None:
            self.post_message(SaveWanted(rows.log, range(self._count) if whole else rows.numbers()))

    def on_unmount(self) -> None:
        """End searching and filtering."""
        rows = self.view.rows
        for scan in (self._scan, None if rows is None else rows.scan):
            if scan is not None:
                scan.ended.set()


def _searched(wanted: Filter) -> Filter:
    """Return the filter of a search: debug lines are searched, too, unless other levels are hidden."""
    return Filter("debug" if wanted.least == "info" else wanted.least, wanted.source, wanted.pattern, wanted.without)
