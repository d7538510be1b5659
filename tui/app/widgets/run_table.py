"""The table of runs on the History screen."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from tui.app.widgets.table import Column, FigureTable, Row
from tui.app.widgets.words import model_name
from tui.reports.format import UNKNOWN, TimeUnit, duration, number, time, time_unit
from tui.run import index
from tui.text import printable_name

TONES = {"ok": "", "mismatch": "bad", "failed": "bad", "lost": "bad", "stopped": "warn", "running": "good"}


@dataclass(frozen=True)
class RunColumn:
    """A column of the table: the figure of a run that it sorts by, None where that is not known, and its text."""

    column: Column
    figure: Callable[[index.Row], Any]
    text: Callable[[Any], str]


def _size(accelerator: str) -> int:
    """MACs of an accelerator by its name; 0 where it names none, as a run's damaged spec may."""
    last = accelerator.rpartition("-")[2]
    return int(last) if last.isascii() and last.isdecimal() and len(last) < 10 else 0


TIME = RunColumn(Column("time", right=True, drop=2), lambda run: run.seconds, duration)

# A run's id names model and target already: their columns go first where the width is short.
COLUMNS = (
    RunColumn(Column("run", flex=True, width=32), lambda run: run.name, printable_name),
    RunColumn(Column("model", most=20, drop=3), lambda run: run.model and model_name(run.model, 20), str),
    # Numbers sort as numbers: 1024 comes after 256.
    RunColumn(
        Column("target", drop=5, most=16),
        lambda run: None if run.accelerator is None else (_size(run.accelerator), run.accelerator),
        lambda target: printable_name(target[1]),
    ),
    RunColumn(Column("memory mode", drop=6, most=20), lambda run: run.memory_mode, printable_name),
    RunColumn(Column("status"), lambda run: run.outcome, str.upper),
    RunColumn(Column("NPU cycles", right=True), lambda run: run.npu_median, number),
    RunColumn(Column("Vela cycles", right=True, drop=4), lambda run: run.total_cycles, number),
    TIME,
    RunColumn(Column("check", drop=1), lambda run: run.check, str.upper),
)

MARKS = Column("", most=2, optional=True)


class RunTable(FigureTable):
    """The runs, sorted by one of the columns; enter opens the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", key_display="enter", id="history.open"),
        Binding("left", "screen.sort(-1)", "Sort by the previous column", show=False, id="history.sort-left"),
        Binding("right", "screen.sort(1)", "Sort by the next column", show=False, id="history.sort-right"),
    ]

    def __init__(self) -> None:
        super().__init__((MARKS, *(shown.column for shown in COLUMNS)))
        self._by = 0
        self._descending = True
        self._written: dict[str, Cells] = {}

    @property
    def sorted_by(self) -> str:
        """Title of the column that the runs are sorted by."""
        return COLUMNS[self._by].column.title

    def sort(self, step: int) -> None:
        """Sort by another column when the table is filled again: the next one, or the one before."""
        self._by = (self._by + step) % len(COLUMNS)

    def reverse(self) -> None:
        """Reverse the order when the table is filled again."""
        self._descending = not self._descending

    def fill(self, runs: Mapping[str, index.Row], marked: Collection[str], wanted: str = "") -> None:
        """Show the runs, by name, that have all `wanted` words in their cells.

        Those that are marked for comparing have a ``*``, pinned ones a ``P``.
        """
        unit = time_unit(run.seconds for run in runs.values())
        self._written = {name: self._write(run, unit) for name, run in runs.items()}
        words = wanted.casefold().split()
        shown = [run for name, run in runs.items() if all(word in self._written[name].words for word in words)]
        figure = COLUMNS[self._by].figure
        figures = [(figure(run), run.name) for run in shown]
        known = sorted((of for of in figures if of[0] is not None), reverse=self._descending)
        # What is not known comes last in either order.
        unknown = sorted((of[1] for of in figures if of[0] is None), reverse=True)

        def row(name: str) -> Row:
            run = runs[name]
            marks = ("*" if name in marked else "") + ("P" if run.pinned else "")
            return Row(name, (marks, *self._written[name].texts), tone=TONES[run.outcome])

        self.set_rows([row(name) for name in (*(of[1] for of in known), *unknown)])
        arrow = "v" if self._descending else "^"
        titles = [column.column.title for column in COLUMNS]
        titles[self._by] += f" {arrow}"
        self.set_titles(["", *titles])

    def _write(self, run: index.Row, unit: TimeUnit | None) -> "Cells":
        """The run's cells: as they were, if it is as it was."""
        known = self._written.get(run.name)
        return known if known is not None and (known.run, known.unit) == (run, unit) else Cells.of(run, unit)


@dataclass(frozen=True)
class Cells:
    """A run's cells, and all that is written in them, to be searched."""

    run: index.Row
    unit: TimeUnit | None
    """Unit of the times in the table; None where each has its own."""
    texts: tuple[str, ...]
    words: str

    @classmethod
    def of(cls, run: index.Row, unit: TimeUnit | None) -> "Cells":
        """Write the cells of a run."""
        texts = tuple(_text(column, run, unit) for column in COLUMNS)
        return cls(run, unit, texts, " ".join(texts).casefold())


def _text(column: RunColumn, run: index.Row, unit: TimeUnit | None) -> str:
    figure = column.figure(run)
    if figure is None:
        return UNKNOWN
    return time(figure, unit) if column is TIME and unit else column.text(figure)
