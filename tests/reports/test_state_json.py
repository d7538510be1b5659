"""The JSON of a run and of its events is a contract: keys and kinds of values are frozen in the files beside."""

from collections.abc import Callable

from tests.conftest import Ran
from tests.reports import schema
from tui.reports import state_json
from tui.run.state import EMPTY, LIVE, State

FROZEN = schema.parse(schema.RUN_JSON.read_text(encoding="utf-8"))


def test_the_shape_is_the_frozen_one() -> None:
    assert sorted(schema.lines(schema.run_json())) == sorted(schema.lines(FROZEN))


def test_every_field_of_a_state_is_printed_but_those_named_as_live() -> None:
    assert set(State.__struct_fields__) > LIVE
    derived = {"schema_version", "spread"}
    assert set(State.__struct_fields__) - LIVE == state_json.to_json(EMPTY).keys() - derived


def test_a_run_prints_what_the_frozen_shape_says(ran: Callable[..., Ran]) -> None:
    assert schema.deviations(ran("sample:digits").state, FROZEN) == []


def test_events_of_earlier_journals_are_still_read() -> None:
    frozen = schema.EVENTS_JSON.read_text(encoding="utf-8").splitlines()
    assert sorted(schema.lines(schema.events_json())) == sorted(frozen)
