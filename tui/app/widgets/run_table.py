"""The table of runs on the History screen."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from tui.app.widgets.table import Column, FigureTable, Row
from tui.app.widgets.words import model_name
from tui.reports.format import UNKNOWN, duration, number
from tui.run.derived import checked, outcome
from tui.run.figures import spread
from tui.run.state import State
from tui.text import printable_name

TONES = {"ok": "", "mismatch": "bad", "failed": "bad", "lost": "bad", "stopped": "warn", "running": "good"}


@dataclass(frozen=True)
class RunColumn:
    """A column of the table: the figure of a run that it sorts by, None where that is not known, and its text."""

    column: Column
    figure: Callable[[str, State], Any]
    text: Callable[[Any], str]


def npu_cycles(state: State) -> float | None:
    """Return the median of the inferences' NPU cycles."""
    cycles = spread(inference.npu_cycles for inference in state.inferences)
    return None if cycles is None else cycles.median


def estimated_cycles(state: State) -> int | None:
    """Return the compiler's estimate of the whole program."""
    return state.estimate.total_cycles if state.estimate else None


# A run's id names model and target already: their columns go first where the width is short.
COLUMNS = (
    RunColumn(Column("run", flex=True, width=32), lambda name, _: name, printable_name),
    RunColumn(
        Column("model", most=20, drop=3), lambda _, state: model_name(state.spec.model, 20) if state.spec else None, str
    ),
    # Numbers sort as numbers: 1024 comes after 256.
    RunColumn(
        Column("target", drop=5, most=16),
        lambda _, state: (state.spec.target.macs, state.spec.target.accelerator) if state.spec else None,
        lambda target: printable_name(target[1]),
    ),
    RunColumn(
        Column("memory mode", drop=6, most=20),
        lambda _, state: state.spec.target.memory_mode if state.spec else None,
        printable_name,
    ),
    RunColumn(Column("status"), lambda _, state: outcome(state), str.upper),
    RunColumn(Column("NPU cycles", right=True), lambda _, state: npu_cycles(state), number),
    RunColumn(Column("Vela cycles", right=True, drop=4), lambda _, state: estimated_cycles(state), number),
    RunColumn(Column("seconds", right=True, drop=2), lambda _, state: state.run.seconds, duration),
    RunColumn(Column("check", drop=1), lambda _, state: found.status if (found := checked(state)) else None, str.upper),
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

    def fill(self, states: Mapping[str, State], marked: Collection[str], pinned: Collection[str]) -> None:
        """Show these runs, by name; those that are marked for comparing with ``*``, pinned ones with ``P``."""
        figures = {name: COLUMNS[self._by].figure(name, state) for name, state in states.items()}
        known = [name for name, figure in figures.items() if figure is not None]
        known.sort(key=lambda name: (figures[name], name), reverse=self._descending)
        # What is not known comes last in either order.
        unknown = sorted(figures.keys() - set(known), reverse=True)

        def row(name: str) -> Row:
            marks = ("*" if name in marked else "") + ("P" if name in pinned else "")
            state = states[name]
            return Row(name, (marks, *(_text(shown, name, state) for shown in COLUMNS)), tone=TONES[outcome(state)])

        self.set_rows([row(name) for name in (*known, *unknown)])
        arrow = "v" if self._descending else "^"
        titles = [shown.column.title for shown in COLUMNS]
        titles[self._by] += f" {arrow}"
        self.set_titles(["", *titles])


def _text(shown: RunColumn, name: str, state: State) -> str:
    figure = shown.figure(name, state)
    return UNKNOWN if figure is None else shown.text(figure)
