"""The History screen: all runs, by day, to be opened, compared, measured against and deleted."""

import time
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.analysis.changes import Changes
from tui.app.screens.again import edit_again, run_again
from tui.app.screens.baseline import toggle_baseline
from tui.app.screens.cleanup import CleanupScreen
from tui.app.screens.compare import CompareScreen
from tui.app.screens.confirm import Confirm
from tui.app.screens.export import ExportScreen
from tui.app.screens.messages import OpenRun
from tui.app.screens.removal import Deleted, delete, stop
from tui.app.screens.run_reader import RunLooked, RunLookup, RunReader, RunsRead
from tui.app.widgets.card import Card
from tui.app.widgets.drawing import show
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.run_counts import counts
from tui.app.widgets.run_details import one_line
from tui.app.widgets.run_preview import RunPreview
from tui.app.widgets.run_table import Marks, RunTable
from tui.app.widgets.table import FigureTable
from tui.app.widgets.words import Clock
from tui.errors import UserError
from tui.reports.when import moment
from tui.run import store
from tui.run.index import Row
from tui.text import clean, counted

LIVE_S = 2.0
"""Interval between looks at runs that are under way, in seconds."""

QUIET = "not bold $faint"
BESIDE, TALL = 190, 30
"""Columns and rows from which on the preview stands beside the runs, not below them."""


class HistoryScreen(Screen[None]):
    """A table of runs, and what the run under the cursor is about."""

    CSS_PATH = "history.tcss"
    AUTO_FOCUS = "FigureTable"
    FIGURES: ClassVar = (
        ("latency", "Time of an inference on the NPU at the clock of Vela's system config."),
        ("change", "Change of the latency to the run before of the same model and target, or to the baseline."),
        ("trend", "Latencies of the same model and target up to this run."),
        ("note", "Options that differ from those of the run it is measured against."),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", tooltip="Mark a run to compare it with another", id="history.mark"),
        Binding(
            "c",
            "compare",
            "Compare",
            tooltip="Compare the marked runs, the marked one with this, or this with the one it is measured against",
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
        Binding(
            "b",
            "baseline",
            "Baseline",
            tooltip="Measure the runs of this model against this one, or no longer",
            id="history.baseline",
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
        Binding("D", "delete_many", "Delete many", tooltip="Delete failed runs, or old ones", id="history.delete-many"),
        Binding("o", "reverse", "Reverse", id="history.order"),
        Binding("u", "update", "Reload", id="history.update"),
        Binding("q,escape", "back", "Back", id="history.back"),
    ]

    clock: Clock = staticmethod(time.time)
    """Tells the Unix time."""

    def __init__(self) -> None:
        super().__init__()
        self._reader = RunReader(self)
        self._lookup = RunLookup(self)
        self.reading = False
        self._runs: dict[str, Row] = {}
        self._changes = Changes((), {})
        self._marked: list[str] = []
        """Runs to compare, at most two, in the order they were marked."""

    def compose(self) -> ComposeResult:
        """Counts, field, runs, preview, keys."""
        yield Static("", id="top", markup=False)
        field = FilterField("filter by run, model, target, memory mode or status", self._fill, id="filter")
        field.display = False
        yield field
        with Container(id="body"):
            with Card(id="runs"):
                yield RunTable(self.clock)
            yield RunPreview(id="preview")
        yield Static("", id="line", markup=False)
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
        self._lookup.ask(None)

    # -- what comes in

    def _look(self) -> None:
        if self.is_current and not self.reading:
            self.query_one(RunTable).tick(self._runs, self._changes, self._marks)
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
        self._measure()

    def on_run_looked(self, event: RunLooked) -> None:
        """Show what was read of the run under the cursor."""
        if self.children and event.row == self._row:
            self.query_one(RunPreview).show_details(event.row, event.state, self._changes, self.clock())

    def on_deleted(self, event: Deleted) -> None:
        """Take runs out of the table, and say what is still there and why."""
        if event.why_not is not None:
            self.notify(clean(event.why_not), severity="error", markup=False)
        for name in event.names:
            self._runs.pop(name, None)
        self._measure()

    def on_figure_table_hidden(self, event: FigureTable.Hidden) -> None:
        """Name the columns that do not fit."""
        self._retitle()

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Show what the run under the cursor is about."""
        self._preview()

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Open a run by enter."""
        self.action_open()

    def on_resize(self) -> None:
        """Place the preview."""
        self.set_class(self.size.width >= BESIDE and self.size.height >= TALL, "-beside")
        self._retitle()

    # -- drawing

    def _measure(self) -> None:
        """Measure each run against another, and show them."""
        self._changes = Changes(self._runs.values())
        self._fill()

    @property
    def _marks(self) -> Marks:
        return Marks(tuple(self._marked), self.query_one(FilterField).value)

    def _fill(self) -> None:
        self.query_one(RunTable).fill(self._runs, self._changes, self._marks)
        self._retitle()
        self._preview()

    def _retitle(self) -> None:
        table, wanted = self.query_one(RunTable), self.query_one(FilterField).value.strip()
        count = len(self._runs)
        words = f"{table.count:,} of {counted(count, 'run')}" if wanted else counted(count, "run")
        head = counts(self._runs.values(), self.size.width - 2, words, reading=self.reading, filtered=bool(wanted))
        show(self.query_one("#top", Static), head, layout=False)
        title = "Runs"
        if self._marked:
            title += f"   {len(self._marked)} marked: c compares"
        elif not count and not self.reading:
            title += "   none yet: press q and start one"
        # What all runs have in common is said once, where its column is not.
        shared = [words for title, words in table.shared.items() if title in table.hidden]
        hidden = [title for title in table.hidden if title not in table.shared]
        foot = [f"all: {', '.join(shared)}"] if shared else []
        foot += [f"too narrow to show: {', '.join(hidden)}"] if hidden and table.count else []
        by = f"{'▼' if table.descending else '▲'} {table.sorted_by}"
        self.query_one("#runs", Card).caption(title=title, figure=by, foot=Content.styled("   ".join(foot), QUIET))

    def _preview(self) -> None:
        row, now = self._row, self.clock()
        line = Content("") if row is None else one_line(row, self._changes, now)
        show(self.query_one("#line", Static), line, layout=False)
        preview = self.query_one(RunPreview)
        if preview.display:
            short = "" if row is None else self.query_one(RunTable).short_name(row.name)
            preview.show_trend(row, self._changes, short, now)
        self._lookup.ask(row)

    # -- what the user does

    @property
    def _current(self) -> str | None:
        """Name of the run under the cursor."""
        row = self.query_one(RunTable).current
        return None if row is None else row.key

    @property
    def _row(self) -> Row | None:
        name = self._current
        return None if name is None else self._runs.get(name)

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
        """Compare two runs, the older with the newer, or a run with the one it is measured against."""
        row = self._row
        names = sorted(list(dict.fromkeys([*self._marked, *([row.name] if row is not None else [])]))[:2])
        if len(names) < 2 and row is not None and (reference := self._changes.reference(row)) is not None:
            names = [reference.run.name, row.name]
        if len(names) < 2:
            self.notify("Mark a run with the space bar, then move the cursor to another.", markup=False)
            return
        self.app.push_screen(CompareScreen(*(store.folder() / name for name in names)))

    def action_baseline(self) -> None:
        """Measure the model of the run under the cursor against this run, or no longer."""
        row = self._row
        if row is not None and toggle_baseline(self, row, moment(row.name, row.created, self.clock())):
            self._measure()

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
        self._measure()

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

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                delete(self, (name,))

        question = Confirm(f"Delete {name}?", "Delete", "Its figures, log and artifacts cannot be restored.")
        self.app.push_screen(question, answered)

    def action_delete_many(self) -> None:
        """Delete failed runs, or old ones, after a question."""

        def answered(names: tuple[str, ...] | None) -> None:
            if names:
                delete(self, names)

        kept = [run.name for run in self._changes.baselines.values()]
        self.app.push_screen(CleanupScreen(tuple(self._runs.values()), kept, self.clock()), answered)

    def _why_kept(self, name: str) -> str | None:
        """Say why a run cannot be deleted, and which key changes that; None if it can."""
        if store.pinned(store.folder() / name):
            return f"{name} is pinned: p unpins it"
        known = self._runs.get(name)
        if known is not None and known.status == "running":
            return f"{name} is still running: s stops it"
        if known is not None and self._changes.is_baseline(known):
            return f"{name} is the baseline of its model: b unmarks it"
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

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                stop(self, name)

        self.app.push_screen(Confirm(f"Stop {name}?", "Stop", "The results so far are kept."), answered)

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()
