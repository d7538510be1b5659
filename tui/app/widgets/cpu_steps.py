"""Steps of the program's plan on an emulated CPU: instructions counted, and which is at work."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.app.widgets.operators import SourceWanted
from tui.app.widgets.table import Column, FigureTable, Row
from tui.reports.format import number, percentage
from tui.run.figures import Cpu, PlanStep
from tui.text import clean, printable_name

COLUMNS = (
    Column("on the CPU", flex=True, width=14),
    Column("operator", drop=2, most=30),
    Column("instructions", right=True),
    Column("share", right=True, drop=1),
    Column("", drop=3, flex=True, width=6, bar=True),
)


class CpuSteps(Vertical):
    """A table of steps in the order of the plan, and a line on the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "source", "Source", tooltip="Show its line in the model", id="cpu.source"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[PlanStep, ...] = ()

    def compose(self) -> ComposeResult:
        """The table, and where its operator comes from."""
        yield FigureTable(COLUMNS)
        yield Static("", markup=False, classes="detail")

    def take(self, cpu: Cpu, running: int | None) -> None:
        """Show the steps; `running` is the index of the one in progress."""
        self._steps = cpu.operators
        # Where nothing is counted - by an FVP, or the interpreter - the steps have no figures to show.
        self.display = running is not None or any(step.instructions is not None for step in cpu.operators)
        rows, table = _rows(cpu.operators, running), self.query_one(FigureTable)
        if rows != list(table.rows):
            table.set_rows(rows)

    def action_source(self) -> None:
        """Ask for the source of the operator under the cursor."""
        step = self._current()
        if step is None or step.line is None:
            self.notify("Its line in the model is not known.", severity="warning", markup=False)
        else:
            self.post_message(SourceWanted(step.line))

    def _current(self) -> PlanStep | None:
        row = self.query_one(FigureTable).current
        return None if row is None or int(row.key) >= len(self._steps) else self._steps[int(row.key)]

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Describe the step under the cursor, with its place in the model."""
        event.stop()
        step = self._current()
        words = (
            [] if step is None else [f"{step.op}  {step.source or 'not counted'}", step.module or "", step.line or ""]
        )
        self.query_one(".detail", Static).update(Content(clean("  ".join(filter(None, words)), 500)))


def _rows(steps: Sequence[PlanStep], running: int | None) -> list[Row]:
    known = [step.instructions for step in steps if step.instructions is not None]
    total, most = sum(known), max(known, default=0)
    return [
        Row(
            str(at),
            (
                printable_name(step.name, 60),
                printable_name(step.op, 60),
                "now" if at == running else number(step.instructions),
                percentage(step.instructions / total) if step.instructions and total else "",
                step.instructions / most if step.instructions and most else 0.0,
            ),
        )
        for at, step in enumerate(steps)
    ]
