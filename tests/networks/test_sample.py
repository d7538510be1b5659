"""The networks of ``make networks``: a small one in full, and each outcome of a run as a row of the table."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran
from tests.networks import __main__ as networks
from tests.networks import expected, rows, table

SPLIT = "sample:split"


def from_state(state: dict[str, Any], said: str = "") -> rows.Row:
    return rows.row("a", "int8", 1.0, state["run"]["exit_status"], json.dumps(state), said)


def with_links(state: dict[str, Any], broken: str | None) -> dict[str, Any]:
    links = [
        {
            "name": name,
            "status": "mismatch" if name == broken else "match",
            "sqnr_db": 12.5,
            "max_abs_error": 0.25,
            "allowed": 0.125,
            "reason": f"{name} is wrong" if name == broken else None,
            "hint": "mend it" if name == broken else None,
        }
        for name in rows.CHAIN
    ]
    status = "match" if broken is None else "mismatch"
    return {**state, "check": {**state["check"], "status": status, "reason": f"{broken} is wrong", "links": links}}


def test_twenty_networks_are_written_as_executorch_takes_them() -> None:
    assert len(networks.SHAPES) == 20
    for path in networks.SHAPES:
        found = runpy.run_path(str(path))
        assert not found["ModelUnderTest"].training, path.stem
        assert len(found["ModelCalibration"]) == 8
        found["ModelUnderTest"](*found["ModelInputs"])
    assert {name for name, _ in expected.OUTCOMES} <= {name for names in networks.SETS.values() for name in names}


def test_a_network_runs_and_its_outcome_is_the_expected_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "rows.json"
    options = ["--quantize", "int8", "--home", str(tmp_path / "home"), "--json", str(written)]
    assert networks.main(["resnet", *options]) == 0, capsys.readouterr().out
    (found,) = json.loads(written.read_text("utf-8"))
    assert (found["model"], found["check"], found["hint"]) == ("resnet", "match", None)
    assert found["delegated_percent"] > 90
    assert "1 runs: 1 match" in capsys.readouterr().out


def test_a_run_that_cannot_begin_is_unexpected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert networks.main(["sample:none", "--quantize", "int8", "--home", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "NO ANSWER: fvp-tui: " in printed
    assert "UNEXPECTED sample:none int8: no answer, not match" in printed


def test_operators_on_the_cpu_are_grouped_by_reason(ran: Callable[..., Ran]) -> None:
    row = from_state(ran(SPLIT).state)
    assert (row.outcome, row.explained) == ("match", True)
    operators = [name for kept in row.kept for name, _ in kept.operators]
    assert sorted(operators) == ["aten.atan2", "aten.topk"]
    assert all(kept.reason and kept.hint for kept in row.kept)
    assert "aten.topk: " in table.details([row])


@pytest.mark.parametrize("name", rows.CHAIN)
def test_the_outcome_is_the_link_that_breaks(name: str, ran: Callable[..., Ran]) -> None:
    row = from_state(with_links(ran(SPLIT).state, name))
    assert (row.outcome, row.explained) == (name, True)
    assert "! 12.5 dB 0.25 of 0.12" in table.line(row)
    assert f"link {name} mismatch: {name} is wrong" in table.details([row])
    assert row.hint == "mend it"
    assert networks.surprise(row) == f"a int8: {name}, not match"


def test_a_failure_without_a_next_step_is_not_explained(ran: Callable[..., Ran]) -> None:
    state = ran(SPLIT).state
    failed = {"status": "failed", "reason": "it is broken", "hint": "mend it", "exit_status": 1}
    row = from_state({**state, "run": {**state["run"], **failed}, "check": None})
    assert (row.outcome, row.explained) == ("failed", True)
    assert "it is broken\n      -> mend it" in table.details([row])
    assert not from_state({**state, "run": {**state["run"], **failed, "hint": ""}, "check": None}).explained
    assert not from_state({**state, "run": {**state["run"], **failed}}, "internal error: KeyError: 1").explained
