"""The History screen: all runs, sortable, to be opened or deleted."""

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.app.screens.again import edit_again, run_again
from tui.app.screens.compare import CompareScreen
from tui.app.screens.confirm import Confirm
from tui.app.screens.export import ExportScreen
from tui.app.screens.messages import OpenRun
from tui.app.screens.run_reader import RunReader, RunsRead
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.drawing import show
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.run_table import RunTable
from tui.app.widgets.table import FigureTable
from tui.app.widgets.trend import trend
from tui.errors import UserError
from tui.run import control, store
from tui.run.index import Row
from tui.text import clean, counted

LIVE_S = 2.0
"""Interval between looks at runs that are under way, in seconds."""

TALL = 30
"""Rows from which on there is room for a trend."""
TREND_ROWS = 9


class HistoryScreen(Screen[None]):
    """A table of runs."""

    CSS_PATH = "history.tcss"
    AUTO_FOCUS = "FigureTable"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", tooltip="Mark a run to compare it with another", id="history.mark"),
        Binding(
            "c",
            "compare",
            "Compare",
            tooltip="Compare the marked runs, or the marked one with this",
            id="history.compare",
        ),
        Binding(
            "r",
            "again",
            "Run again",
            show=False,
            tooltip="Start a run with the same model and options",
            id="history.again",
        ),
        Binding(
            "R", "edit", "Edit and run", show=False, tooltip="Change its options in Setup, then run", id="history.edit"
        ),
        Binding("p", "pin", "Pin", tooltip="Pin or unpin: a pinned run cannot be deleted", id="history.pin"),
        Binding("x", "export", "Export", tooltip="Write a report, a table or a trace", id="history.export"),
        Binding(
            "slash",
            "filter",
            "Filter",
            tooltip="Show only runs that contain these words",
            key_display="/",
            id="history.filter",
        ),
        Binding("s", "stop", "Stop", show=False, tooltip="Stop a run in progress", id="history.stop"),
        Binding("d", "delete", "Delete", id="history.delete"),
        Binding("o", "reverse", "Reverse", id="history.order"),
        Binding("u", "update", "Reload", id="history.update"),
        Binding("q,escape", "back", "Back", id="history.back"),
    ]

    class Deleted(Message):
        """A run was deleted, or could not be."""

        def __init__(self, name: str, why_not: str | None) -> None:
            super().__init__()
            self.name = name
            self.why_not = why_not

    def __init__(self) -> None:
        super().__init__()
        self._reader = RunReader(self)
        self.reading = False
        self._runs: dict[str, Row] = {}
        self._marked: list[str] = []
        """Runs to compare, at most two, in the order they were marked."""

    def compose(self) -> ComposeResult:
        """Heading, field, table, trend, keys."""
        yield Static("", id="top", markup=False)
        field = FilterField("filter by run, model, target, memory mode or status", self._fill, id="filter")
        field.display = False
        yield field
        yield RunTable()
        yield Static("", id="trend", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Look for news: runs go on while they are listed, and new ones come."""
        self.set_interval(LIVE_S, self._look)

    def on_screen_resume(self) -> None:
        """Read all runs: they have moved on meanwhile."""
        if self.children:
            self.action_update()

    def on_unmount(self) -> None:
        """Read no further."""
        self._reader.end()

    # -- what comes in

    def _look(self) -> None:
        if self.is_current and not self.reading:
            self._reader.read_news(dict(self._runs))

    def on_runs_read(self, event: RunsRead) -> None:
        """Show what was read."""
        if event.turn != self._reader.turn or not self.children:
            return  # of an earlier reading, or the program is on its way out
        self._runs |= {run.name: run for run in event.runs}
        if event.names is not None:
            self.reading = False
            for name in self._runs.keys() - set(event.names):
                del self._runs[name]  # deleted elsewhere
        self._fill()

    def on_history_screen_deleted(self, event: Deleted) -> None:
        """Take a run out of the table, or say why it is still there."""
        if event.why_not is not None:
            self.notify(clean(event.why_not), severity="error", markup=False)
            return
        self._runs.pop(event.name, None)
        self._fill()

    def on_figure_table_hidden(self, event: FigureTable.Hidden) -> None:
        """Name the columns that do not fit."""
        self._retitle()

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Show how the model of this run has fared."""
        self._draw_trend()

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Open a run by enter."""
        self.action_open()

    def on_resize(self) -> None:
        """Draw the trend, if there is room for it now."""
        self._draw_trend()

    # -- drawing

    def _fill(self) -> None:
        self.query_one(RunTable).fill(self._runs, self._marked, self.query_one(FilterField).value)
        self._retitle()

    def _retitle(self) -> None:
        table = self.query_one(RunTable)
        count = len(self._runs)
        found = f"{len(table.rows):,} of " if self.query_one(FilterField).value.strip() else ""
        words = found + counted(count, "run") + (", reading..." if self.reading else "")
        if count:
            words += f", sorted by {table.sorted_by} (left/right, o)"
            if self._marked:
                words += f", {len(self._marked)} marked (c compares)"
        elif not self.reading:
            words = "no runs yet: press q and start one"
        if table.hidden:
            words += f"\n  too narrow to show: {', '.join(table.hidden)}"
        show(self.query_one("#top", Static), Content.assemble(("fvp-tui", "bold $accent"), f"  History  {words}"))

    def _draw_trend(self) -> None:
        name = self._current
        known = trend(self._runs, name) if name is not None and self.size.height >= TALL else None
        drawn = "" if known is None else known.curve(self.size.width - 4, TREND_ROWS)
        space = self.query_one("#trend", Static)
        space.display = bool(drawn)
        if known is not None and drawn:
            show(space, Content.assemble((f"{known.title}, oldest first", "$muted"), f"\n{drawn}"))

    # -- what the user does

    @property
    def _current(self) -> str | None:
        """Name of the run under the cursor."""
        row = self.query_one(RunTable).current
        return None if row is None else row.key

    def action_update(self) -> None:
        """Read all runs anew."""
        self.reading = True
        self._reader.read_all()
        self._retitle()

    def action_open(self) -> None:
        """Open the run under the cursor."""
        name = self._current
        if name is not None:
            self.post_message(OpenRun(store.folder() / name))

    def action_mark(self) -> None:
        """Mark a run or unmark it; a third mark takes the place of the oldest."""
        name = self._current
        if name is None:
            return
        if name in self._marked:
            self._marked.remove(name)
        else:
            self._marked = [*self._marked[-1:], name]
        self._fill()

    def action_compare(self) -> None:
        """Compare two runs, the older with the newer."""
        name = self._current
        names = list(dict.fromkeys([*self._marked, *([name] if name is not None else [])]))[:2]
        if len(names) < 2:
            self.notify("Mark a run with the space bar, then move the cursor to another.", markup=False)
            return
        older, newer = sorted(names)
        self.app.push_screen(CompareScreen(store.folder() / older, store.folder() / newer))

    def action_again(self) -> None:
        """Run the run under the cursor again."""
        if self._current is not None:
            run_again(self, store.load_spec(store.folder() / self._current))

    def action_edit(self) -> None:
        """Open Setup with what the run under the cursor was asked to do."""
        if self._current is not None:
            edit_again(self, store.load_spec(store.folder() / self._current))

    def action_pin(self) -> None:
        """Pin the run under the cursor, or unpin it."""
        name = self._current
        if name is None:
            return
        try:
            store.pin(store.folder() / name, not self._runs[name].pinned)
        except UserError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
            return
        self._runs[name] = msgspec.structs.replace(self._runs[name], pinned=not self._runs[name].pinned)
        self._fill()

    def action_export(self) -> None:
        """Write the run under the cursor to a file."""
        name = self._current
        if name is not None:
            self.app.push_screen(ExportScreen(store.folder() / name))

    def action_filter(self) -> None:
        """Type what to look for."""
        field = self.query_one(FilterField)
        field.display = True
        self.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        self._fill()

    def on_descendant_blur(self) -> None:
        """Hide the field while it is empty."""
        field = self.query_one(FilterField)
        field.display = bool(field.value) or self.focused is field

    def action_sort(self, step: int) -> None:
        """Sort by the next column, or the one before."""
        self.query_one(RunTable).sort(step)
        self._fill()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self.query_one(RunTable).reverse()
        self._fill()

    def action_delete(self) -> None:
        """Delete the run under the cursor, after a question."""
        name = self._current
        if name is None:
            return
        if why_not := self._why_kept(name):
            self.notify(clean(why_not), severity="warning", markup=False)
            return

        def delete(confirmed: bool | None) -> None:
            if confirmed:
                in_background("delete", lambda: self._delete(name))

        question = Confirm(f"Delete {name}?", "Delete", "Its figures, log and artifacts cannot be restored.")
        self.app.push_screen(question, delete)

    def _why_kept(self, name: str) -> str | None:
        """Say why a run cannot be deleted, and which key changes that; None if it can."""
        if store.pinned(store.folder() / name):
            return f"{name} is pinned: p unpins it"
        known = self._runs.get(name)
        if known is not None and known.status == "running":
            return f"{name} is still running: s stops it"
        return None

    def action_stop(self) -> None:
        """Stop the run under the cursor, after a question."""
        name = self._current
        if name is None:
            return
        known = self._runs.get(name)
        if known is None or known.status != "running":
            self.notify(clean(f"{name} is not running"), markup=False)
            return

        def stop(confirmed: bool | None) -> None:
            if confirmed:
                in_background("stop", lambda: self._stop(name))

        self.app.push_screen(Confirm(f"Stop {name}?", "Stop", "The results so far are kept."), stop)

    def _stop(self, name: str) -> None:
        try:
            control.stop(store.folder() / name)
        except UserError as error:
            tell(self, self.Deleted(name, str(error)))

    def _delete(self, name: str) -> None:
        why_not = None
        try:
            store.remove(store.folder() / name)
        except UserError as error:
            why_not = self._why_kept(name) or error.what
        except OSError as error:
            why_not = str(error)
        tell(self, self.Deleted(name, why_not))

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()
