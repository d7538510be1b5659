"""The NPU's operators: cycles and limiting part of each, ranked or by module."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.table import Column, FigureTable, Row
from tui.app.widgets.words import place_name
from tui.reports import operators as arrange
from tui.reports.format import UNKNOWN, kib_words, number, percentage
from tui.reports.operators import ORDERS, Entry, needs_words, traced_ratio
from tui.run.figures import Operator
from tui.text import clean, printable_name

COLUMNS = (
    Column("operator", flex=True, width=18),
    Column("kind", drop=3, most=20),
    Column("cycles", right=True),
    Column("traced", right=True, drop=1, optional=True),
    Column("ratio", right=True, drop=2, optional=True),
    Column("share", right=True),
    Column("", drop=4, flex=True, width=6, bar=True),
    Column("bound", drop=3, optional=True),
    Column("MAC use", right=True, drop=5),
)
INDENT = "  "
SHORT = {"Sram": "SRAM", "Dram": "DRAM", "OnChipFlash": "flash", "OffChipFlash": "flash"}
"""Names of memories that limit an operator."""
ORDER_WORDS = {"cycles": "most cycles first", "schedule": "in order of execution", "name": "by name"}


class SourceWanted(Message):
    """The user wants to see where an operator comes from: ``FILE:LINE``."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line


class OperatorsView(Vertical):
    """A table of operators, a line on the one under the cursor, and a field to filter by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "tree", "Modules", tooltip="Group operators by module, or list them all", id="operators.tree"),
        Binding(
            "o", "order", "Order", show=False, tooltip="Order by cycles, by execution or by name", id="operators.order"
        ),
        Binding("f", "filter", "Filter", tooltip="Show only operators that contain these words", id="operators.filter"),
        Binding("e", "source", "Source", tooltip="Show its line in the model", id="operators.source"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._operators: tuple[Operator, ...] = ()
        self._at_work: int | None = None
        self._tree = False
        self._order = 0

    def compose(self) -> ComposeResult:
        """Field, table, and the operator under the cursor in full."""
        field = FilterField("filter by name, kind, file or limit", self._fill, id="operators-filter")
        field.display = False
        yield field
        yield FigureTable(COLUMNS)
        yield Static("", markup=False, classes="detail")

    def take(self, operators: tuple[Operator, ...], running: int | None) -> None:
        """Show the operators; `running` is the index of the one in progress."""
        self._operators, self._at_work = operators, running
        self.display = bool(operators)
        self._fill()

    def wanted_rows(self) -> int:
        """Count the rows of the table with its head, and of the line below it."""
        return len(self.query_one(FigureTable).rows) + 2

    def select(self, operator: int) -> None:
        """Put the cursor on an operator, in a list of all of them."""
        if self._tree or self.query_one(FilterField).value:
            self._tree, self.query_one(FilterField).value = False, ""
            self._fill()
        self.query_one(FigureTable).select(str(operator))

    @property
    def arrangement(self) -> str:
        """Arrangement of the operators in words."""
        words = [f"{'modules' if self._tree else 'operators'}, {ORDER_WORDS[ORDERS[self._order]]}"]
        filtered = self.query_one(FilterField).value.strip()
        return "; ".join([*words, *([f"only {clean(filtered, 30)!r}"] if filtered else [])])

    def _fill(self) -> None:
        make = arrange.tree if self._tree else arrange.entries
        found = make(self._operators, ORDERS[self._order], self.query_one(FilterField).value)
        rows = _rows(found, self._operators, self._at_work)
        table = self.query_one(FigureTable)
        if rows != list(table.rows):
            table.set_rows(rows)

    # -- keys

    def action_tree(self) -> None:
        """Group by module, or list all operators."""
        self._tree = not self._tree
        self._fill()

    def action_order(self) -> None:
        """Sort in the next order."""
        self._order = (self._order + 1) % len(ORDERS)
        self._fill()
        self.notify(self.arrangement.capitalize(), markup=False, timeout=2)

    def action_filter(self) -> None:
        """Type what to look for."""
        field = self.query_one(FilterField)
        field.display = True
        self.screen.set_focus(field)

    def action_source(self) -> None:
        """Ask for the source of the operator under the cursor."""
        operator = self._current()
        if operator is None:
            self.notify("A module has no line: choose one of its operators.", severity="warning", markup=False)
        elif operator.line is None:
            self.notify("Its line in the model is not known.", severity="warning", markup=False)
        else:
            self.post_message(SourceWanted(operator.line))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self._fill()

    def on_descendant_blur(self) -> None:
        """Hide the field while it is empty."""
        field = self.query_one(FilterField)
        field.display = bool(field.value)

    # -- the one under the cursor

    def _current(self) -> Operator | None:
        row = self.query_one(FigureTable).current
        if row is None or not row.key.isdecimal() or int(row.key) >= len(self._operators):
            return None
        return self._operators[int(row.key)]

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Describe the operator under the cursor, with its place in the model."""
        event.stop()
        operator = self._current()
        at = None if operator is None else self._operators.index(operator)
        fused = [one for one in self._operators if at is not None and one.fused_into == at]
        words = "" if operator is None else clean(_detail(operator, fused), 500)
        self.query_one(".detail", Static).update(Content(words))


def _detail(operator: Operator, fused: Sequence[Operator]) -> str:
    """All that is known of an operator, what is looked for most first."""
    words = [f"{operator.name} ({'+'.join(one.op for one in (operator, *fused))})"]
    if operator.ofm_shape:
        words.append(f"{_shape(operator.ifm_shape)} to {_shape(operator.ofm_shape)}")
    if operator.line:
        words.append(place_name(operator.line))
    if operator.macs:
        words.append(f"{operator.macs:,} MACs")
    if operator.bound:
        words.append(f"limited by {needs_words(operator)}")
    if (operator.npu_commands or 0) > 1:
        words.append(f"{operator.npu_commands:,} NPU commands, counted")
    if operator.sram_kib is not None:
        words.append(f"{kib_words(operator.sram_kib)} SRAM")
    if operator.partition:
        words.append(f"partition {operator.partition}")
    if operator.traced_cycles is not None:
        words.append(f"traced {operator.traced_cycles:,} cycles, {operator.traced_source}")
    return "  ".join([*words, operator.source])


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or UNKNOWN


def _rows(entries: Sequence[Entry], operators: Sequence[Operator], running: int | None) -> list[Row]:
    total = sum(o.cycles or 0 for o in operators)
    most = max((entry.cycles or 0 for entry in entries), default=0)
    # A trace that says what was estimated anyway is no news.
    traces = running is not None or any(o.traced_cycles not in (None, o.cycles) for o in operators)
    return [_row(entry, operators, total, most, running, traces=traces) for entry in entries]


def _row(
    entry: Entry, operators: Sequence[Operator], total: int, most: int, running: int | None, *, traces: bool
) -> Row:
    operator = None if entry.operator is None else operators[entry.operator]
    cycles = entry.cycles
    return Row(
        entry.key,
        (
            INDENT * entry.depth + printable_name(entry.label),
            printable_name(_kind(entry)),
            # Vela gives an operator that it fused into another no cycles of its own.
            "fused" if cycles == 0 else number(cycles),
            _traced(operator, running=entry.operator == running) if operator is not None and traces else "",
            traced_ratio(operator) if operator is not None and operator.traced_source == "measured" else "",
            percentage(cycles / total) if cycles and total else "",
            cycles / most if cycles and most else 0.0,
            "" if operator is None else _bound(operator),
            "" if operator is None else percentage(operator.utilization),
        ),
        tone="dim" if not cycles else "",
    )


def _bound(operator: Operator) -> str:
    """``MAC``, ``SRAM``: what limits an operator, in a word."""
    bound = operator.bound or ""
    return printable_name(SHORT.get(bound, bound), 12)


def _kind(entry: Entry) -> str:
    """``Conv2D +2``: an operator, and how many are fused into it."""
    first, *fused = entry.kind.split("+")
    return f"{first} +{len(fused)}" if fused else first


def _traced(operator: Operator, *, running: bool) -> str:
    if running:
        return "now"
    return "" if operator.traced_cycles is None else number(operator.traced_cycles)
