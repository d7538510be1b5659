"""Operators that stayed on the CPU and those that went to the NPU as rows of a table, and the reasons in full."""

import textwrap

from textual.content import Content

from tui.app.widgets.table import Column, Row
from tui.app.widgets.words import place_name
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

QUANTIZED = "quantized_decomposed."
"""Namespace of conversions within the quantized model, which says nothing beside their names."""
LABEL = 6
"""Cells of the labels of reasons."""

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
    most = max((operator.npu for _, operator in others), default=1)
    on_npu = [_on_npu(at, operator, most) for at, operator in others if not operator.cpu]
    return [
        *([_heading("stays on the CPU"), *on_cpu] if on_cpu else []),
        *([_heading("on the NPU"), *on_npu] if on_npu else []),
    ]


def _heading(words: str) -> Row:
    return Row(f"heading:{words}", (f"  {words}", "", "", "", ""), tone="heading")


def _row(at: int, operator: OperatorDelegation) -> Row:
    return Row(
        str(at),
        (
            ON_CPU + printable_name(operator.op),
            _count(operator.npu),
            _count(operator.cpu),
            "",
            clean(operator.reason or "", 200),
        ),
        tone="cpu",
    )


def _on_npu(at: int, operator: OperatorDelegation, most: int) -> Row:
    """An operator that is on the NPU wherever it is; its number as a bar."""
    name = printable_name(operator.op.removeprefix(QUANTIZED))
    return Row(str(at), (ON_NPU + name, _count(operator.npu), "", "", operator.npu / most))


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


def why(found: Delegation, key: str | None, width: int) -> Content:
    """Say why an operator is where it is, what to try, what it costs, and its shapes, in this order."""
    if key is None:
        return Content()
    if not key.startswith(CAUSE):
        return _of_kind(found.operators[int(key)], width)
    cause = found.causes[int(key.removeprefix(CAUSE))]
    more = f" and {counted(cause.places - 1, 'more line')}" if cause.places > 1 else ""
    place = f"  {clean(place_name(cause.line))}{more}" if cause.line else ""
    lines = [
        Content.assemble((ON_CPU, "$cpu"), (cause_operators(cause), "bold $strong"), (place, "$accent")),
        *_labelled("why", clean(cause.reason, 400), width),
    ]
    if cause.hint:
        lines += _labelled("try", clean(cause.hint, 400), width, "$ok")
    if cause.conversions:
        lines += _labelled("costs", f"{counted(cause.conversions, 'conversion')} beside it", width, "$cpu")
    if len(cause.nodes) == 1:
        lines += _shapes(next(operator for operator in found.kept if operator.node == cause.nodes[0]), width)
    return Content("\n").join(lines)


def _of_kind(operator: OperatorDelegation, width: int) -> Content:
    if not operator.cpu:
        return Content.assemble(
            (ON_NPU, "$npu"), (printable_name(operator.op), "bold $strong"), f"\nall {operator.npu:,} on the NPU"
        )
    place = f"  {clean(place_name(operator.line))}" if operator.line else ""
    head = Content.assemble((ON_CPU, "$cpu"), (printable_name(operator.op), "bold $strong"), (place, "$accent"))
    return Content("\n").join([head, *_labelled("why", clean(operator.reason or "reason not known", 400), width)])


def _shapes(operator: CpuOperator, width: int) -> list[Content]:
    inputs = ", ".join(map(clean, operator.inputs)) or UNKNOWN
    outputs = ", ".join(map(clean, operator.outputs)) or UNKNOWN
    lines = [*_labelled("in", clean(inputs, 400), width), *_labelled("out", clean(outputs, 400), width)]
    return [*lines, *_labelled("of", clean(operator.module, 60), width)] if operator.module else lines


def _labelled(label: str, words: str, width: int, tone: str = "") -> list[Content]:
    """Words beside their label; what does not fit goes on below themselves."""
    lines = textwrap.wrap(words, max(width - LABEL, 20), break_on_hyphens=False) or [""]
    labels = [label, *[""] * (len(lines) - 1)]
    return [
        Content.assemble((f"{left:<{LABEL}}", "$faint"), (line, tone)) for left, line in zip(labels, lines, strict=True)
    ]
