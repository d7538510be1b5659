"""The operators on the NPU as CSV: one line each, in the order they run."""

import csv
import io

from tui.run.figures import Operator
from tui.run.state import State
from tui.text import clean

COLUMNS = (
    "name",
    "op",
    "module",
    "line",
    "partition",
    "fused_into",
    "npu_cycles",
    "total_cycles",
    "source",
    "bound",
    "macs",
    "utilization",
    "sram_kib",
    "ifm_shape",
    "ofm_shape",
    "traced_cycles",
    "traced_source",
)
"""Fields of `tui.run.figures.Operator`; of a run without operators, there is only this line."""


def operators_csv(state: State) -> str:
    """A heading, then a line for each operator; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(operator, name) for name in COLUMNS] for operator in state.operators)
    return out.getvalue()


def _cell(operator: Operator, name: str) -> str | float:
    value = getattr(operator, name)
    match value:
        case None:
            return ""
        case tuple():
            return "x".join(map(str, value))
        case str():
            text = clean(value)
            # A spreadsheet takes a cell that begins so for a formula, and runs it.
            return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
    return value  # type: ignore[no-any-return]
