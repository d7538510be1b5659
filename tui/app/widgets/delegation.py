"""Panel: the network in running order; below it, where there is room, what stayed on the CPU and why."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus, Resize
from textual.message import Message
from textual.widgets import Static

from tui.app.widgets.delegation_rows import COLUMNS, cause_of, row_of, rows, why
from tui.app.widgets.drawing import show
from tui.app.widgets.operators import SourceWanted
from tui.app.widgets.panel import Panel, awaited
from tui.app.widgets.ribbon import Ribbon, Taller
from tui.app.widgets.ribbon_words import block_words, line_of, place_words
from tui.app.widgets.table import FigureTable
from tui.reports.delegation import fallback_cost
from tui.run.delegation import Delegation
from tui.run.state import State
from tui.text import clean, counted, printable_name

FULL, REASONS, ROOMY = 9, 14, 20
"""Rows of the panel from which on there are the operators, the reasons below them, and the totals."""
TALLER, TALLEST = 26, 32
"""Rows from which on the blocks of the network have kinds and cycles in them, and are taller."""
BESIDE = 100
"""Width from which on the reasons stand beside the operators."""


class OperatorWanted(Message):
    """The user wants to see an operator of the NPU among the others, by its place in `State.operators`."""

    def __init__(self, operator: int) -> None:
        super().__init__()
        self.operator = operator


class DelegationPanel(Panel):
    """The ribbon with a cursor, the operators that stayed on the CPU and those that went, and why."""

    TITLE = "Network"
    FIGURES: ClassVar = (
        (
            "ribbon",
            "Operators in running order, as wide as their cycles. A CPU part, whose time is unknown, has a fixed one."
            " Left and right walk it; Enter opens a group, or the operator's row; + and - zoom.",
        ),
        ("nodes", "Nodes of the exported graph as ExecuTorch counts them, bookkeeping such as getitem included."),
        ("CPU kernels", "Kernels that the compiled program calls on the CPU, and how often: the figure to trust."),
        ("adds", "Conversions between float and integers that are there for an operator's sake."),
        ("why", "ExecuTorch's reason for leaving nodes on the CPU, with the line of the model where it is known."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "walk(-1)", "Walk", key_display="←→", id="ribbon.left"),
        Binding("right", "walk(1)", "Next operator", show=False, id="ribbon.right"),
        Binding(
            "enter",
            "open",
            "Open",
            key_display="enter",
            tooltip="Open a group, or the operator's row",
            id="ribbon.open",
        ),
        Binding("plus", "zoom(True)", "Zoom in", key_display="+", show=False, id="ribbon.zoom-in"),
        Binding("minus,escape", "zoom(False)", "Zoom out", key_display="-", show=False, id="ribbon.zoom-out"),
        Binding("e", "source", "Source", tooltip="Show its line in the model", id="ribbon.source"),
    ]

    def compose(self) -> ComposeResult:
        """The network; what is under the cursor; totals, operators and the reasons of the one under the cursor."""
        yield Ribbon(legend=False)
        yield Static("", markup=False, classes="here")
        yield Static("", markup=False, classes="head")
        with Container(classes="beside"):
            yield FigureTable(COLUMNS)
            with VerticalScroll(can_focus=False):
                yield Static("", markup=False, classes="why")

    # -- the frame

    def summary(self, state: State) -> str:
        """Operators, and how many of them run on the CPU."""
        found = self.query_one(Ribbon).parts
        if self.is_full and state.delegation is not None:
            nodes = state.delegation
            words = f"{nodes.delegated_nodes:,} NPU  {nodes.non_delegated_nodes:,} CPU nodes"
            return f"{words}  {counted(nodes.subgraphs, 'partition')}"
        if not found:
            return ""
        on_cpu = sum(part.side == "cpu" for part in found)
        return f"{counted(len(found) - on_cpu, 'operator')}" + (f"  {on_cpu} on the CPU" if on_cpu else "")

    def brief(self, state: State) -> str:
        """Nodes on the NPU, and all."""
        found = state.delegation
        if found is None:
            return ""
        return f"{found.delegated_nodes:,}/{found.delegated_nodes + found.non_delegated_nodes:,}"

    def legend(self, state: State) -> Content:
        """Meaning of the fillings; while the small panel has the focus, what is under the cursor."""
        ribbon = self.query_one(Ribbon)
        if ribbon.empty or (self.is_full and self.size.width < BESIDE):
            return Content()
        if self.has_focus_within and not self.is_full:
            return Content(clean(self._here(state), 300))
        words = [(" NPU", "$faint")]
        if ribbon.unknown:
            words += [("  ", ""), ("▒", "$cpu"), (f" {ribbon.unknown}", "$faint")]
        return Content.assemble(("■", "$npu"), *words)

    # -- drawing

    @property
    def is_full(self) -> bool:
        """True where there is room for more than the network."""
        return self.size.height >= FULL

    def draw(self, state: State) -> None:
        """Show the state."""
        ribbon, found = self.query_one(Ribbon), state.delegation
        ribbon.take(state)
        self._make_room()
        if found is None:
            show(self.query_one(".head", Static), Content(clean(awaited(state, "lower"))))
            self.retitle()
            return
        show(self.query_one(".head", Static), _head(found))
        table, wanted = self.query_one(FigureTable), rows(found)
        if wanted != list(table.rows):
            table.set_rows(wanted)
        self._tell(state)

    def on_resize(self, event: Resize) -> None:
        """Show as much as there is room for."""
        self._make_room()
        self.call_after_refresh(self._retell)

    def _make_room(self) -> None:
        ribbon, full, known = self.query_one(Ribbon), self.is_full, bool(self._state and self._state.delegation)
        ribbon.display = not ribbon.empty
        changes = any(part.side == "cpu" for part in ribbon.parts)
        rows = self.size.height
        taller: Taller = 2 if rows >= TALLEST else 1 if rows >= TALLER else 0
        ribbon.show_rows(brackets=True, handovers=changes and rows >= REASONS, taller=taller)
        ribbon.pointed = full or self.has_focus_within
        across = self.size.width >= BESIDE
        self.query_one(".here").display = full and not ribbon.empty
        self.query_one(".head").display = rows >= ROOMY or not known
        body = self.query_one(".beside")
        if body.display != (full and known):
            body.display = full and known
            if self.has_focus_within:
                self.call_after_refresh(self.focus_inside)
        body.set_class(across, "-across")
        self.query_one(".beside VerticalScroll").display = across or rows >= REASONS

    def on_focus(self) -> None:
        """Show the cursor."""
        self._refocus()

    def on_blur(self) -> None:
        """Hide the cursor of the small panel."""
        self._refocus()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Show the cursor."""
        self._refocus()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """Hide the cursor of the small panel."""
        self._refocus()

    def _refocus(self) -> None:
        self._make_room()
        self.retitle()

    # -- the cursor

    def _here(self, state: State) -> str:
        ribbon = self.query_one(Ribbon)
        block = ribbon.current
        if block is None:
            return ""
        return "  ".join(filter(None, (place_words(ribbon), block_words(state, block, ribbon.total))))

    def _tell(self, state: State) -> None:
        """Describe what is under the cursor, and why it is where it is."""
        show(self.query_one(".here", Static), Content(clean(self._here(state), 500)), layout=False)
        found, row = state.delegation, self.query_one(FigureTable).current
        if found is not None:
            reasons = self.query_one(".beside VerticalScroll")
            wide = reasons.scrollable_content_region.width or reasons.size.width
            show(self.query_one(".why", Static), why(found, None if row is None else row.key, wide))
        self.retitle()

    def _retell(self) -> None:
        """Describe what is under the cursor, once the ribbon has its new width."""
        if self._state is not None:
            self._tell(self._state)

    def _moved(self) -> None:
        """Have the table follow the ribbon."""
        state, block = self._state, self.query_one(Ribbon).current
        if state is None or block is None:
            return
        if state.delegation is not None and (key := row_of(state, block)) is not None:
            self.query_one(FigureTable).select(key)
        self._tell(state)

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Have the ribbon follow the table, and say why the operator is where it is."""
        event.stop()
        state, ribbon = self._state, self.query_one(Ribbon)
        if state is None or state.delegation is None or event.row is None:
            return
        if not event.table.has_focus:
            self._tell(state)  # it follows the ribbon, or is new
            return
        block = ribbon.current
        if block is not None and row_of(state, block) != event.row.key:
            cause = cause_of(state, event.row.key)
            if cause is not None:
                ribbon.point_at(None, cause)
        self._tell(state)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable what the ribbon rules out: Escape then leaves the screen."""
        ribbon = self.query_one(Ribbon)
        if action == "zoom":
            return ribbon.window is not None if parameters == (False,) else not ribbon.empty
        return not ribbon.empty if action in ("walk", "open") else True

    def action_walk(self, step: int) -> None:
        """Move the cursor of the ribbon."""
        self.query_one(Ribbon).walk(step)
        self._moved()

    def action_zoom(self, inward: bool) -> None:
        """Show a stretch of the network alone, or more of it again."""
        if self.query_one(Ribbon).zoom(inward):
            self._moved()
            self.refresh_bindings()

    def action_open(self) -> None:
        """Open a group, an operator's row, or the line of what runs on the CPU."""
        block = self.query_one(Ribbon).current
        if block is None:
            return
        (part, *more) = block.parts
        if more:
            self.action_zoom(True)
        elif part.operator is not None:
            self.post_message(OperatorWanted(part.operator))
        else:
            self.action_source()

    def action_source(self) -> None:
        """Ask for the source of what is under the cursor."""
        block = self.query_one(Ribbon).current
        line = None if self._state is None or block is None else line_of(self._state, block)
        if line is None:
            self.notify("Its line in the model is not known.", severity="warning", markup=False)
        else:
            self.post_message(SourceWanted(line))


def _head(found: Delegation) -> Content:
    percent = found.delegated_percent
    share = "" if percent is None else f" ({percent:.0f}%)"
    lines = [
        Content.assemble(
            ("NPU ", "bold $npu"),
            f"{counted(found.delegated_nodes, 'node')}{share}, {counted(found.subgraphs, 'partition')}   ",
            ("CPU ", "bold $cpu"),
            f"{counted(found.non_delegated_nodes, 'node')}   ",
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
