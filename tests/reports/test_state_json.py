"""The JSON of a run is a contract: its keys and the kinds of its values are frozen in ``run_json.txt``."""

from collections.abc import Callable
from pathlib import Path

from tests.conftest import Ran
from tests.reports import schema
from tui.reports import state_json
from tui.run.state import EMPTY, LIVE, State

FROZEN = schema.parse((Path(__file__).parent / "run_json.txt").read_text(encoding="utf-8"))


def test_the_shape_is_the_frozen_one() -> None:
    assert sorted(schema.lines(schema.run_json())) == sorted(schema.lines(FROZEN))


def test_every_field_of_a_state_is_printed_but_those_named_as_live() -> None:
    assert set(State.__struct_fields__) > LIVE
    derived = {"schema_version", "spread"}
    assert set(State.__struct_fields__) - LIVE == state_json.to_json(EMPTY).keys() - derived


def test_a_run_prints_what_the_frozen_shape_says(ran: Callable[..., Ran]) -> None:
    assert schema.deviations(ran("sample:digits").state, FROZEN) == []
