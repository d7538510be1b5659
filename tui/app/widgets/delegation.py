"""Panel: operators on the NPU and on the CPU, and the reasons."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.app.widgets.drawing import show
from tui.app.widgets.panel import Panel, awaited
from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.table import Column, FigureTable, Row
from tui.reports.delegation import cause_details, cause_line, fallback_cost
from tui.run.delegation import CpuCause, Delegation
from tui.run.state import State
from tui.text import clean, printable_name

COLUMNS = (
    Column("operator", flex=True, width=24),
    Column("NPU", right=True, width=4),
    Column("CPU", right=True, width=4),
    Column("why", drop=1, flex=True, width=16),
)


RIBBON_WIDTH, RIBBON_HEIGHT = 90, 16
"""Size of the panel from which on the network is drawn in it."""

CAUSE = "cause:"
"""Begins the keys of rows that stand for operators on the CPU of one cause."""


def _count(number: int) -> str:
    return f"{number:,}" if number else "."


def _rows(found: Delegation) -> list[Row]:
    """Each cause of operators on the CPU, then all others by name."""
    kept = {operator.op for operator in found.kept}
    own = [
        Row(f"{CAUSE}{at}", (_operators(c), "", _count(len(c.nodes)), clean(c.reason, 200)), tone="cpu")
        for at, c in enumerate(found.causes)
    ]
    others = [
        Row(
            str(at),
            (printable_name(o.op), _count(o.npu), _count(o.cpu), clean(o.reason or "", 200) if o.cpu else ""),
            tone="cpu" if o.cpu else "",
        )
        for at, o in enumerate(found.operators)
        if o.npu or o.op not in kept
    ]
    return own + others


def _operators(cause: CpuCause) -> str:
    """The first of its operators, and how many kinds follow."""
    first, *more = cause.operators
    return printable_name(first.op) + (f" +{len(more)}" if more else "")


def _detail(found: Delegation, key: str) -> str:
    if key.startswith(CAUSE):
        cause = found.causes[int(key.removeprefix(CAUSE))]
        words = [cause_line(cause), cause_details(found, cause)]
        return "  ".join([*words, f"Try: {cause.hint}"] if cause.hint else words)
    operator = found.operators[int(key)]
    text = f"all {operator.npu} on the NPU" if not operator.cpu else (operator.reason or "reason not known")
    return f"{printable_name(operator.op)}: {text}" + (f"  {operator.line}" if operator.line else "")


class DelegationPanel(Panel):
    """Totals, the CPU kernels the program calls, and each operator with its counts."""

    TITLE = "Delegation"
    FIGURES: ClassVar = (
        ("nodes", "Nodes of the exported graph as ExecuTorch counts them, bookkeeping such as getitem included."),
        ("CPU kernels", "Kernels that the compiled program calls on the CPU, and how often: the figure to trust."),
        (
            "ribbon",
            "Operators in running order, as wide as their cycles. A CPU part, whose time is unknown, has a fixed one.",
        ),
        ("why", "ExecuTorch's reason for leaving nodes on the CPU, with the line of the model where it is known."),
    )

    def compose(self) -> ComposeResult:
        """The network where there is room, totals, operators, and the reason of the one under the cursor in full."""
        ribbon = Ribbon()
        ribbon.display = False
        yield ribbon
        yield Static("", markup=False, classes="head")
        table = FigureTable(COLUMNS)
        table.display = False
        yield table
        yield Static("", markup=False, classes="detail")

    def summary(self, state: State) -> str:
        """Nodes on either side."""
        found = state.delegation
        return "" if found is None else f"{found.delegated_nodes:,} NPU, {found.non_delegated_nodes:,} CPU"

    def brief(self, state: State) -> str:
        """NPU/CPU."""
        found = state.delegation
        return "" if found is None else f"{found.delegated_nodes:,}/{found.non_delegated_nodes:,}"

    def draw(self, state: State) -> None:
        """Show the state."""
        found, table = state.delegation, self.query_one(FigureTable)
        self.query_one(Ribbon).take(state)
        self._make_room()
        table.display = found is not None and bool(found.operators)
        self.query_one(".detail", Static).display = table.display
        if found is None:
            show(self.query_one(".head", Static), Content(clean(awaited(state, "lower"))))
            return
        show(self.query_one(".head", Static), _head(found))
        table.set_rows(_rows(found))

    def on_resize(self, event: Resize) -> None:
        """Show the ribbon in the new size, or leave it out."""
        self._make_room()

    def _make_room(self) -> None:
        ribbon, size = self.query_one(Ribbon), self.size
        ribbon.display = not ribbon.empty and size.width >= RIBBON_WIDTH and size.height >= RIBBON_HEIGHT

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Show the reason of this operator in full, with its place in the model."""
        event.stop()
        found = self._state.delegation if self._state else None
        if found is None or event.row is None:
            return
        self.query_one(".detail", Static).update(Content(clean(_detail(found, event.row.key), 500)))


def _head(found: Delegation) -> Content:
    percent = found.delegated_percent
    share = "" if percent is None else f" ({percent:.0f}%)"
    parts = "1 partition" if found.subgraphs == 1 else f"{found.subgraphs:,} partitions"
    lines = [
        Content.assemble(
            ("NPU ", "bold $npu"),
            f"{found.delegated_nodes:,} nodes{share}, {parts}   ",
            ("CPU ", "bold $cpu"),
            f"{found.non_delegated_nodes:,} nodes",
        )
    ]
    if found.kernels:
        kernels = ", ".join(f"{printable_name(k.op).removesuffix('.out')} x{k.calls}" for k in found.kernels)
        lines.append(Content.assemble(("CPU kernels ", "bold $cpu"), clean(kernels, 600)))
    else:
        lines.append(Content("CPU kernels: none known"))
    if price := fallback_cost(found):
        lines.append(Content.assemble((price, "$warn")))
    return Content("\n").join(lines)
