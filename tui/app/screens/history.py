"""The History screen: all runs, sortable, to be opened or deleted."""

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from tui.app.screens.compare import CompareScreen
from tui.app.screens.confirm import Confirm
from tui.app.screens.export import ExportScreen
from tui.app.screens.messages import OpenRun
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.curve import curve
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.table import Column, FigureTable, Row
from tui.app.widgets.words import model_name
from tui.errors import UserError
from tui.reports.format import UNKNOWN, duration, number
from tui.run import control, store
from tui.run.derived import checked, outcome
from tui.run.state import State
from tui.text import clean, printable_name

CHUNK_S = 0.25
"""How long runs are read before those that were read are shown."""

LIVE_S = 2.0
"""How often runs that go on are looked at."""

# A run's id names model and target already: their columns go first where the width is short.
COLUMNS = (
    Column("", most=2, optional=True),
    Column("run", flex=True, width=32),
    Column("model", most=20, drop=3),
    Column("target", drop=5, most=16),
    Column("memory mode", drop=6, most=20),
    Column("status"),
    Column("NPU cycles", right=True),
    Column("Vela cycles", right=True, drop=4),
    Column("seconds", right=True, drop=2),
    Column("check", drop=1),
)

BY_AGE = 1
"""The column of the run's id, which begins with its time."""
TALL = 30
"""Rows from which on there is room for a trend."""
TREND_ROWS = 9
MOST_TREND = 60
"""Runs of a trend, the newest."""

TONES = {"ok": "", "mismatch": "bad", "failed": "bad", "lost": "bad", "stopped": "warn", "running": "good"}


def npu_cycles(state: State) -> int | None:
    """Cycles of the median inference."""
    known = sorted(i.npu_cycles for i in state.inferences if i.npu_cycles is not None)
    return known[len(known) // 2] if known else None


def _figures(name: str, state: State) -> tuple[Any, ...]:
    """What the columns sort by."""
    request = state.spec
    return (
        None,
        name,
        model_name(request.model, 20) if request else None,
        # Numbers sort as numbers: 1024 comes after 256.
        request.target.macs if request else None,
        request.target.memory_mode if request else None,
        outcome(state),
        npu_cycles(state),
        state.estimate.total_cycles if state.estimate else None,
        state.run.seconds,
        found.status if (found := checked(state)) else None,
    )


def _row(name: str, state: State, marks: str) -> Row:
    _, _, model, _, memory, status, npu, estimated, seconds, check = _figures(name, state)
    cells = (
        marks,
        printable_name(name),
        model or UNKNOWN,
        printable_name(state.spec.target.accelerator) if state.spec else UNKNOWN,
        printable_name(memory or UNKNOWN),
        status.upper(),
        number(npu),
        number(estimated),
        duration(seconds),
        (check or UNKNOWN).upper(),
    )
    return Row(name, cells, tone=TONES[status])


class RunTable(FigureTable):
    """The runs; enter opens the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", key_display="enter", id="history.open"),
        Binding("left", "screen.sort(-1)", "Sort by the column before", show=False, id="history.sort-left"),
        Binding("right", "screen.sort(1)", "Sort by the next column", show=False, id="history.sort-right"),
    ]


class HistoryScreen(Screen[None]):
    """A table of runs."""

    CSS_PATH = "history.tcss"
    AUTO_FOCUS = "FigureTable"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", tooltip="Mark a run, to compare it with another", id="history.mark"),
        Binding(
            "c", "compare", "Compare", tooltip="The marked runs, or the marked one with this", id="history.compare"
        ),
        Binding("p", "pin", "Pin", tooltip="Keep this run from being deleted, or no longer", id="history.pin"),
        Binding("x", "export", "Export", tooltip="Write a report, a table or a trace", id="history.export"),
        Binding("s", "stop", "Stop", show=False, tooltip="A run that is under way", id="history.stop"),
        Binding("d", "delete", "Delete", id="history.delete"),
        Binding("o", "reverse", "Order", id="history.order"),
        Binding("u", "update", "Update", id="history.update"),
        Binding("q,escape", "back", "Back", id="history.back"),
    ]

    class Read(Message):
        """Some runs were read - name, state, whether it is pinned -, in the reading that began as `turn`; the last
        ones come with the names of all."""

        def __init__(
            self, turn: int, found: list[tuple[str, State, bool]], everything: list[str] | None = None
        ) -> None:
            super().__init__()
            self.turn = turn
            self.found = found
            self.everything = everything

    class Deleted(Message):
        """A run was deleted, or why not."""

        def __init__(self, name: str, why_not: str | None) -> None:
            super().__init__()
            self.name = name
            self.why_not = why_not

    def __init__(self) -> None:
        super().__init__()
        self._states: dict[str, State] = {}
        self._turn = 0
        self.reading = False
        self._pinned: set[str] = set()
        self._marked: list[str] = []
        """Runs to compare, at most two, in the order they were marked."""
        self._by = BY_AGE
        self._descending = True
        self._live: dict[str, store.Live] = {}
        """Runs that go on. Only the thread that looks at them touches them, and only one does at a time."""
        self._looking = threading.Lock()

    def compose(self) -> ComposeResult:
        """The screen."""
        yield Static("", id="top", markup=False)
        yield RunTable(COLUMNS)
        yield Static("", id="trend", markup=False)
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Runs have moved on meanwhile."""
        if self.children:
            self.action_update()

    def on_mount(self) -> None:
        """Runs go on while they are listed, and new ones come."""
        self.set_interval(LIVE_S, self._look)

    def _look(self) -> None:
        if self.is_current and not self.reading:
            turn, known = self._turn, dict(self._states)
            in_background("history", lambda: self._read_live(turn, known))

    def _read_live(self, turn: int, known: dict[str, State]) -> None:
        """Read those runs again that go on, and those that are new; say so only if something is."""
        if not self._looking.acquire(blocking=False):
            return  # the last look takes long
        try:
            names = store.ids()
            going_on = [name for name in names if name not in known or known[name].run.status == "running"]
            self._live = {name: self._live.get(name) or store.Live(store.folder() / name) for name in going_on}
            found = []
            for name, live in self._live.items():
                # Deleted meanwhile, it is missed the next time.
                with contextlib.suppress(OSError):
                    now = live.state()
                    if now != known.get(name):
                        found.append((name, now, store.pinned(store.folder() / name)))
            if turn == self._turn and (found or set(names) != known.keys()):
                tell(self, self.Read(turn, found, everything=names))
        finally:
            self._looking.release()

    def on_unmount(self) -> None:
        """Read no further."""
        self._turn += 1

    def action_update(self) -> None:
        """Read all runs anew."""
        self._turn += 1
        self.reading = True
        turn = self._turn
        in_background("history", lambda: self._read(turn))
        self._retitle()

    def _read(self, turn: int) -> None:
        found: list[tuple[str, State, bool]] = []
        names = store.ids()
        shown = time.monotonic()
        for name in names:
            if turn != self._turn:
                return
            if (state := _load(store.folder() / name)) is not None:
                found.append((name, state, store.pinned(store.folder() / name)))
            if time.monotonic() - shown > CHUNK_S:
                if not tell(self, self.Read(turn, found)):
                    return
                found, shown = [], time.monotonic()
        tell(self, self.Read(turn, found, everything=names))

    def on_history_screen_read(self, event: Read) -> None:
        """Show what was read."""
        if event.turn != self._turn or not self.children:
            return  # of an earlier reading, or the program is on its way out
        for name, state, pinned in event.found:
            self._states[name] = state
            (self._pinned.add if pinned else self._pinned.discard)(name)
        if event.everything is not None:
            self.reading = False
            for name in self._states.keys() - set(event.everything):
                del self._states[name]  # deleted elsewhere
        self._fill()
        self._retitle()

    def _fill(self) -> None:
        figures = {name: _figures(name, state) for name, state in self._states.items()}

        known = [name for name in figures if figures[name][self._by] is not None]
        known.sort(key=lambda name: (figures[name][self._by], name), reverse=self._descending)
        # What is not known comes last in either order.
        unknown = sorted(figures.keys() - set(known), reverse=True)
        table = self.query_one(FigureTable)
        table.set_rows([_row(name, self._states[name], self._marks(name)) for name in (*known, *unknown)])
        arrow = "v" if self._descending else "^"
        table.set_titles([f"{c.title} {arrow}" if i == self._by else c.title for i, c in enumerate(COLUMNS)])

    def _marks(self, name: str) -> str:
        """``*`` marked, ``P`` pinned."""
        return "*" * (name in self._marked) + "P" * (name in self._pinned)

    def _retitle(self) -> None:
        table = self.query_one(FigureTable)
        count = len(self._states)
        words = f"{count:,} run{'s' * (count != 1)}" + (", reading..." if self.reading else "")
        if count:
            words += f", by {COLUMNS[self._by].title} (left/right, o)"
            if self._marked:
                words += f", {len(self._marked)} marked (c compares)"
        elif not self.reading:
            words = "no runs yet: q goes back to start one"
        if table.hidden:
            words += f"\n  too narrow for: {', '.join(table.hidden)}"
        self.query_one("#top", Static).update(Content.assemble(("fvp-tui", "bold $accent"), f"  History  {words}"))

    def on_figure_table_hidden(self, event: FigureTable.Hidden) -> None:
        """Name the columns that do not fit."""
        self._retitle()

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Enter opens a run."""
        self.action_open()

    # -- actions

    def action_open(self) -> None:
        """To the Run screen of this run."""
        row = self.query_one(FigureTable).current
        if row is not None:
            self.post_message(OpenRun(store.folder() / row.key))

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """How the model of this run has fared."""
        self._draw_trend()

    def on_resize(self) -> None:
        """There may be room for the trend now."""
        self._draw_trend()

    def _draw_trend(self) -> None:
        row = self.query_one(FigureTable).current
        space = self.query_one("#trend", Static)
        found = trend(self._states, row.key) if row is not None and self.size.height >= TALL else None
        drawn = ""
        if found is not None:
            ticks = [""] * len(found.cycles)
            ticks[0], ticks[-1] = (_day(name) for name in (found.names[0], found.names[-1]))
            drawn = curve(found.cycles, ticks, self.size.width - 4, TREND_ROWS)
        space.display = bool(drawn)
        if found is not None and drawn:
            space.update(Content.assemble((f"{found.title}, oldest first", "$muted"), f"\n{drawn}"))

    def action_mark(self) -> None:
        """Mark a run or unmark it; a third mark takes the place of the oldest."""
        row = self.query_one(FigureTable).current
        if row is None:
            return
        if row.key in self._marked:
            self._marked.remove(row.key)
        else:
            self._marked = [*self._marked[-1:], row.key]
        self._fill()
        self._retitle()

    def action_compare(self) -> None:
        """Compare two runs, the older with the newer."""
        row = self.query_one(FigureTable).current
        names = list(dict.fromkeys([*self._marked, *([row.key] if row is not None else [])]))[:2]
        if len(names) < 2:
            self.notify("Mark one run with the space bar, and put the cursor on another.", markup=False)
            return
        older, newer = sorted(names)
        self.app.push_screen(CompareScreen(store.folder() / older, store.folder() / newer))

    def action_pin(self) -> None:
        """Keep the run under the cursor, or let it go again."""
        row = self.query_one(FigureTable).current
        if row is None:
            return
        try:
            store.pin(store.folder() / row.key, row.key not in self._pinned)
        except UserError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
            return
        self._pinned ^= {row.key}
        self._fill()

    def action_export(self) -> None:
        """Write the run under the cursor to a file."""
        row = self.query_one(FigureTable).current
        if row is not None:
            self.app.push_screen(ExportScreen(store.folder() / row.key))

    def action_sort(self, step: int) -> None:
        """Sort by the column beside; the marks are no order."""
        self._by = (self._by - BY_AGE + step) % (len(COLUMNS) - BY_AGE) + BY_AGE
        self._fill()
        self._retitle()

    def action_reverse(self) -> None:
        """The other way round."""
        self._descending = not self._descending
        self._fill()

    def action_delete(self) -> None:
        """Delete the run under the cursor, if that is meant."""
        row = self.query_one(FigureTable).current
        if row is None:
            return
        if why_not := self._why_kept(row.key):
            self.notify(clean(why_not), severity="warning", markup=False)
            return

        def delete(confirmed: bool | None) -> None:
            if confirmed:
                in_background("delete", lambda: self._delete(row.key))

        question = Confirm(f"Delete {row.key}?", "Delete it", "Its figures, log and artifacts are gone for good.")
        self.app.push_screen(question, delete)

    def _why_kept(self, name: str) -> str | None:
        """Why a run cannot be deleted, and which key changes that."""
        if store.pinned(store.folder() / name):
            return f"{name} is pinned: p lets go of it"
        known = self._states.get(name)
        if known is not None and known.run.status == "running":
            return f"{name} is under way: s stops it"
        return None

    def action_stop(self) -> None:
        """Stop the run under the cursor, if that is meant."""
        row = self.query_one(FigureTable).current
        if row is None:
            return
        known = self._states.get(row.key)
        if known is None or known.run.status != "running":
            self.notify(clean(f"{row.key} is not under way"), markup=False)
            return

        def stop(confirmed: bool | None) -> None:
            if confirmed:
                in_background("stop", lambda: self._stop(row.key))

        self.app.push_screen(Confirm(f"Stop {row.key}?", "Stop it", "What it has found so far is kept."), stop)

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

    def on_history_screen_deleted(self, event: Deleted) -> None:
        """Take it out of the table, or say why it is still there."""
        if event.why_not is not None:
            self.notify(clean(event.why_not), severity="error", markup=False)
            return
        self._states.pop(event.name, None)
        self._fill()
        self._retitle()

    def action_back(self) -> None:
        """To where one came from."""
        self.dismiss()


@dataclass(frozen=True)
class Trend:
    """Cycles of a model over its runs, oldest first."""

    title: str
    names: tuple[str, ...]
    cycles: tuple[float, ...]


def trend(states: Mapping[str, State], name: str) -> Trend | None:
    """How the model of a run has fared over the runs that had the same target; None with fewer than two of them.

    Cycles are the platform's where all of the runs have them of the same source, else the estimates'.
    """
    own = states[name].spec if name in states else None
    if own is None:
        return None
    same = [n for n in sorted(states) if (s := states[n].spec) and (s.model, s.target) == (own.model, own.target)]
    sources = {states[n].inferences[-1].source if states[n].inferences else None for n in same}
    measured = len(sources) == 1 and None not in sources
    figures = {n: npu_cycles(states[n]) if measured else _estimated(states[n]) for n in same}
    known = {n: float(cycles) for n, cycles in figures.items() if cycles is not None}
    if len(known) < 2:
        return None
    newest = list(known)[-MOST_TREND:]
    what = f"NPU cycles ({next(iter(sources))})" if measured else "estimated cycles"
    target = f"{printable_name(own.target.accelerator)} {printable_name(own.target.memory_mode)}"
    title = f"{what} of {model_name(own.model, 30)} on {target} over {len(newest)} runs"
    return Trend(title, tuple(newest), tuple(known[n] for n in newest))


def _estimated(state: State) -> int | None:
    return state.estimate.total_cycles if state.estimate else None


def _day(name: str) -> str:
    """``11-23`` of a run's id."""
    return f"{name[4:6]}-{name[6:8]}" if name[:8].isdecimal() else ""


def _load(directory: Path) -> State | None:
    """A run's state; None for one that was deleted while the list was read."""
    try:
        return store.load(directory)
    except OSError:
        return None
