"""Operators that stayed on the CPU and those that went to the NPU as rows of a table, and the reasons in full."""

from textual.content import Content

from tui.app.widgets.table import Column, Row
from tui.reports.delegation import cause_operators
from tui.reports.format import UNKNOWN
from tui.reports.ribbon_layout import Block
from tui.run.delegation import CpuCause, CpuOperator, Delegation, OperatorDelegation
from tui.run.state import State
from tui.text import clean, counted, printable_name

COLUMNS = (
    Column("operator", flex=True, width=20),
    Column("NPU", right=True, width=4),
    Column("CPU", right=True, width=4),
    Column("adds", right=True, drop=2, optional=True),
    Column("why", drop=1, flex=True, width=16),
)

CAUSE = "cause:"
"""Begins the keys of rows that stand for operators on the CPU of one cause."""

ON_CPU, ON_NPU = "▒ ", "■ "


def rows(found: Delegation) -> list[Row]:
    """Each cause of operators on the CPU, then all others by name, on the CPU first."""
    kept = {operator.op for operator in found.kept}
    causes = [
        Row(
            f"{CAUSE}{at}",
            (
                ON_CPU + _operators(cause),
                "",
                _count(len(cause.nodes)),
                f"+{cause.conversions:,}" if cause.conversions else "",
                clean(cause.reason, 200),
            ),
            tone="cpu",
        )
        for at, cause in enumerate(found.causes)
    ]
    others = [(at, o) for at, o in enumerate(found.operators) if o.npu or o.op not in kept]
    on_cpu = [*causes, *(_row(at, operator) for at, operator in others if operator.cpu)]
    on_npu = [_row(at, operator) for at, operator in others if not operator.cpu]
    return [
        *([_heading("stays on the CPU"), *on_cpu] if on_cpu else []),
        *([_heading("on the NPU"), *on_npu] if on_npu else []),
    ]


def _heading(words: str) -> Row:
    return Row(f"heading:{words}", (f"  {words}", "", "", "", ""), tone="heading")


def _row(at: int, operator: OperatorDelegation) -> Row:
    name = printable_name(operator.op)
    if not operator.cpu:
        return Row(str(at), (ON_NPU + name, _count(operator.npu), "", "", ""))
    return Row(
        str(at),
        (ON_CPU + name, _count(operator.npu), _count(operator.cpu), "", clean(operator.reason or "", 200)),
        tone="cpu",
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else "."


def _operators(cause: CpuCause) -> str:
    """The first of its operators, and how many kinds follow."""
    first, *more = cause.operators
    return printable_name(first.op) + (f" +{len(more)}" if more else "")


# -- the ribbon's cursor and the table's


def row_of(state: State, block: Block) -> str | None:
    """Key of the row that tells of what is under the ribbon's cursor; None for the NPU, whose rows are by kind."""
    found = state.delegation
    nodes = {
        state.cpu.operators[part.step].name for part in block.parts if part.side == "cpu" and part.step is not None
    }
    if found is None or not nodes:
        return None
    for at, cause in enumerate(found.causes):
        if nodes & set(cause.nodes):
            return f"{CAUSE}{at}"
    ops = {operator.op for operator in found.left if operator.node in nodes}
    return next((str(at) for at, operator in enumerate(found.operators) if operator.op in ops), None)


def cause_of(state: State, key: str) -> int | None:
    """Place in the program's plan of the first operator that a row tells of; None of those on the NPU."""
    found = state.delegation
    if found is None:
        return None
    if key.startswith(CAUSE):
        nodes = set(found.causes[int(key.removeprefix(CAUSE))].nodes)
    else:
        op = found.operators[int(key)].op
        nodes = {operator.node for operator in found.left if operator.op == op}
    return next((at for at, step in enumerate(state.cpu.operators) if step.name in nodes), None)


# -- the reasons


def why(found: Delegation, key: str | None) -> Content:
    """Say why an operator is where it is, what to try, what it costs, and its shapes, in this order."""
    if key is None:
        return Content()
    if not key.startswith(CAUSE):
        return _of_kind(found.operators[int(key)])
    cause = found.causes[int(key.removeprefix(CAUSE))]
    place = f"  {clean(cause.line)}" if cause.line else ""
    more = f" and {counted(cause.places - 1, 'more line')}" if cause.places > 1 else ""
    lines = [
        Content.assemble((ON_CPU, "$cpu"), (cause_operators(cause), "bold $strong"), (f"{place}{more}", "$accent")),
        _labelled("why", clean(cause.reason, 400)),
    ]
    if cause.hint:
        lines.append(_labelled("try", clean(cause.hint, 400), "$ok"))
    if cause.conversions:
        lines.append(_labelled("costs", f"{counted(cause.conversions, 'conversion')} beside it", "$cpu"))
    if len(cause.nodes) == 1:
        lines += _shapes(next(operator for operator in found.kept if operator.node == cause.nodes[0]))
    return Content("\n").join(lines)


def _of_kind(operator: OperatorDelegation) -> Content:
    if not operator.cpu:
        return Content.assemble(
            (ON_NPU, "$npu"), (printable_name(operator.op), "bold $strong"), f"\nall {operator.npu:,} on the NPU"
        )
    place = f"  {clean(operator.line)}" if operator.line else ""
    head = Content.assemble((ON_CPU, "$cpu"), (printable_name(operator.op), "bold $strong"), (place, "$accent"))
    return Content("\n").join([head, _labelled("why", clean(operator.reason or "reason not known", 400))])


def _shapes(operator: CpuOperator) -> list[Content]:
    inputs = ", ".join(map(clean, operator.inputs)) or UNKNOWN
    outputs = ", ".join(map(clean, operator.outputs)) or UNKNOWN
    lines = [_labelled("in", clean(inputs, 400)), _labelled("out", clean(outputs, 400))]
    return [*lines, _labelled("of", clean(operator.module, 60))] if operator.module else lines


def _labelled(label: str, words: str, tone: str = "") -> Content:
    return Content.assemble((f"{label:<6}", "$faint"), (words, tone))
