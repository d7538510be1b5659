"""Operators as CSV."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from tui.reports.csv import COLUMNS, operators_csv
from tui.run.figures import Operator
from tui.run.state import State


def test_a_line_an_operator_and_nothing_for_what_is_not_known() -> None:
    one = Operator(name="a.0", op="Conv2D", module="a.0", total_cycles=12, ofm_shape=(1, 8, 8, 4), line="m.py:3")
    two = Operator(name="b", op="Add", fused_into=0)
    rows = list(csv.DictReader(io.StringIO(operators_csv(State(operators=(one, two))))))
    assert [row["name"] for row in rows] == ["a.0", "b"]
    assert rows[0] | {"total_cycles": "12", "npu_cycles": "", "ofm_shape": "1x8x8x4", "source": "estimated"} == rows[0]
    assert rows[1]["fused_into"] == "0"


def test_a_run_without_operators_gives_the_heading() -> None:
    assert operators_csv(State()) == ",".join(COLUMNS) + "\n"


@given(st.text())
def test_any_name_is_one_cell_and_no_formula(name: str) -> None:
    rows = list(csv.reader(io.StringIO(operators_csv(State(operators=(Operator(name=name, op="=1+1"),))))))
    assert [len(row) for row in rows] == [len(COLUMNS)] * 2
    assert not rows[1][0].startswith(("=", "+", "-", "@")) and rows[1][1] == "'=1+1"
