"""The table of runs on the History screen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.analysis.changes import Changes
from tui.app.open_line import open_line
from tui.app.widgets.cells import Inked
from tui.app.widgets.run_columns import COLUMNS, TREND, WHEN, Cell, RunColumn, Table
from tui.app.widgets.run_preview import RunPreview
from tui.app.widgets.table import Column, FigureTable, Row
from tui.app.widgets.words import Clock
from tui.reports.when import day, day_words, today
from tui.run import index, names
from tui.text import counted, printable_name

MARKS = Column("", most=2, optional=True)
WHEN_AT = COLUMNS.index(WHEN)
FIRST = 20
"""Rank of columns that give way first: all rows say the same in them."""


@dataclass(frozen=True)
class Marks:
    """Marks of the user: runs to compare, and words to look for."""

    compared: Sequence[str] = ()
    """Names of at most two runs."""
    wanted: str = ""
    """Words that the cells of a run must contain to be shown."""


class RunTable(FigureTable):
    """The runs, by day or sorted by one of the columns; enter opens the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", key_display="enter", id="history.open"),
        Binding("e", "line", "Line", show=False, tooltip="Open the line that the run failed at", id="history.line"),
        Binding("left", "screen.sort(-1)", "Sort by the previous column", show=False, id="history.sort-left"),
        Binding("right", "screen.sort(1)", "Sort by the next column", show=False, id="history.sort-right"),
    ]

    def __init__(self, clock: Clock) -> None:
        super().__init__((*(shown.column for shown in COLUMNS), MARKS))
        self._clock = clock
        self._by = WHEN_AT
        self._descending = True
        self._short: Mapping[str, str] = {}
        self._written: dict[str, Cells] = {}
        self._table: Table | None = None
        self.shared: dict[str, str] = {}
        """Options that all rows have, in words, by the titles of their columns."""
        self.count = 0
        """Runs that are shown."""

    def action_line(self) -> None:
        """Open the line of the model that the run under the cursor failed at."""
        run = self.current
        line = None if run is None else self.screen.query_one(RunPreview).line_of(run.key)
        if line is None:
            self.notify("This run names no line: Enter opens it.", markup=False)
        else:
            open_line(self.screen, line)

    @property
    def sorted_by(self) -> str:
        """Title of the column that the runs are sorted by."""
        return COLUMNS[self._by].column.title

    @property
    def descending(self) -> bool:
        """True where the greatest comes first."""
        return self._descending

    def short_name(self, name: str) -> str:
        """Short name of a run that is shown."""
        return printable_name(self._short.get(name, name))

    def sort(self, step: int) -> None:
        """Sort by another column when the table is filled again: the next one that is shown, or the one before."""
        hidden = set(self.hidden)
        places = [at for at, column in enumerate(COLUMNS) if column.sorts and column.column.title not in hidden]
        self._by = places[(places.index(self._by) + step) % len(places)] if self._by in places else places[0]

    def reverse(self) -> None:
        """Reverse the order when the table is filled again."""
        self._descending = not self._descending

    def fill(self, runs: Mapping[str, index.Row], changes: Changes, marks: Marks) -> None:
        """Show the runs, by name, that are wanted; `changes` are theirs, and others where any of them has changed."""
        by_day = COLUMNS[self._by] is WHEN
        table = self._table
        # Changes are of these very runs: while they are the same, so are the runs.
        if table is None or table.changes is not changes or table.by_day != by_day:
            table = self._table = self._shared_by(runs, changes, by_day=by_day)
            self._written = {name: self._write(run, table) for name, run in runs.items()}
        words = marks.wanted.casefold().split()
        shown = [
            run for name, run in runs.items() if not words or all(word in self._written[name].words for word in words)
        ]
        ordered = self._ordered(shown, table)
        self.count = len(ordered)
        same = _same(shown, table)
        self.shared = {column.column.title: str(column.cell(shown[0], table)) for column in same}
        self._head(same)
        rows = [self._row(run, marks) for run in ordered]
        self.set_rows(list(_by_days(ordered, rows, today(self._clock()))) if by_day else rows)

    def _shared_by(self, runs: Mapping[str, index.Row], changes: Changes, *, by_day: bool) -> Table:
        if self._table is not None and self._table.changes is changes:
            return replace(self._table, by_day=by_day)
        if runs.keys() != self._short.keys():
            self._short = names.short(runs)
        return Table.of(runs, changes, self._short, by_day=by_day, now=self._clock)

    def tick(self, runs: Mapping[str, index.Row], changes: Changes, marks: Marks) -> None:
        """Draw anew the runs that go on: their clocks have."""
        if self._table is None:
            return
        for name, run in runs.items():
            if run.status == "running" and name in self._written:
                self._written[name] = Cells.of(run, replace(self._table, changes=changes))
                self.set_row(self._row(run, marks))

    def _ordered(self, shown: Sequence[index.Row], table: Table) -> list[index.Row]:
        column = COLUMNS[self._by]
        figures = [(column.figure(run, table), run.name, run) for run in shown]
        known = sorted((of for of in figures if of[0] is not None), key=_first_two, reverse=self._descending)
        # What is not known comes last in either order.
        unknown = sorted((of for of in figures if of[0] is None), key=lambda of: of[1], reverse=True)
        return [of[2] for of in (*known, *unknown)]

    def _head(self, same: Sequence[RunColumn]) -> None:
        """Name the column that sorts, and have those give way first in which all rows say the same."""
        arrow = " ▼" if self._descending else " ▲"
        columns = []
        for at, column in enumerate(COLUMNS):
            title = column.column.title + (arrow if at == self._by else "")
            drop = column.column.drop + (FIRST if column in same else 0)
            columns.append(replace(column.column, title=title, drop=drop))
        self.set_columns([*columns, MARKS])

    def _row(self, run: index.Row, marks: Marks) -> Row:
        letters = ""
        if run.name in marks.compared:
            letters = "AB"[sorted(marks.compared).index(run.name)]
        marked = Inked(letters + ("P" if run.pinned else ""), "accent", bold=True) if letters or run.pinned else ""
        return Row(run.name, (*self._written[run.name].cells, marked))

    def _write(self, run: index.Row, table: Table) -> "Cells":
        """The run's cells: as they were, if it is as it was and so is what it is measured against."""
        known = self._written.get(run.name)
        return known.now(table) if known is not None and known.still(run, table) else Cells.of(run, table)


def _first_two(of: tuple[object, str, index.Row]) -> tuple[object, str]:
    return of[:2]


def _same(shown: Sequence[index.Row], table: Table) -> list[RunColumn]:
    """Columns of options that have the same value in all rows, where there are several."""
    if len(shown) < 2:
        return []
    options = [column for column in COLUMNS if column.option]
    firsts = [column.figure(shown[0], table) for column in options]
    return [
        column
        for column, first in zip(options, firsts, strict=True)
        if all(column.figure(run, table) == first for run in shown)
    ]


def _by_days(ordered: Sequence[index.Row], rows: Sequence[Row], now: str) -> Iterator[Row]:
    """Rows below the days that they are of."""
    pairs = zip(ordered, rows, strict=True)
    for of, together in groupby(pairs, key=lambda pair: day(pair[0].name, pair[0].created)):
        group = [row for _, row in together]
        yield Row(f"day:{of}", (day_words(of, now), counted(len(group), "run")), tone="heading")
        yield from group


@dataclass(frozen=True)
class Cells:
    """A run's cells, and all that is written in them, to be searched."""

    run: index.Row
    cells: tuple[Cell, ...]
    table: Table = field(repr=False)
    """Everything beside the run itself that the cells tell."""

    @classmethod
    def of(cls, run: index.Row, table: Table) -> "Cells":
        """Write the cells of a run."""
        return cls(run, tuple(column.cell(run, table) for column in COLUMNS), table)

    @cached_property
    def words(self) -> str:
        """All that is written in them, and what the run's id and target say."""
        cells = [cell.text if isinstance(cell, Inked) else cell for cell in self.cells if isinstance(cell, str | Inked)]
        return " ".join([*cells, self.run.name, self.run.accelerator or "", self.run.outcome]).casefold()

    def still(self, run: index.Row, table: Table) -> bool:
        """Tell whether they would be the same now; those of a run that goes on are not."""
        if run.status == "running" or run != self.run:
            return False
        if table.changes is self.table.changes and table.short is self.table.short:
            return table.seconds_unit == self.table.seconds_unit
        return _told(run, table) == _told(run, self.table)

    def now(self, table: Table) -> "Cells":
        """The same cells in a table in which they are still right, but for the day that stands above them or not."""
        if table is self.table:
            return self
        cells = self.cells
        if table.by_day != self.table.by_day:
            cells = (*cells[:WHEN_AT], WHEN.cell(self.run, table), *cells[WHEN_AT + 1 :])
        return Cells(self.run, cells, table)


def _told(run: index.Row, table: Table) -> tuple[object, ...]:
    changes = table.changes
    against = changes.reference(run)
    return (
        table.seconds_unit,
        table.short.get(run.name),
        changes.is_baseline(run),
        against and (against.baseline, against.run.name, against.run.latency_ms),
        changes.latencies(run, TREND),
    )
