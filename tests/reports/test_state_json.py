"""The JSON of a run is a contract: its keys and the kinds of its values are frozen in ``run_json.txt``."""

from collections.abc import Callable
from pathlib import Path

from tests.conftest import Ran
from tests.reports import schema

FROZEN = schema.parse((Path(__file__).parent / "run_json.txt").read_text(encoding="utf-8"))


def test_the_shape_is_the_frozen_one() -> None:
    assert schema.lines(schema.run_json()) == schema.lines(FROZEN)


def test_a_run_prints_what_the_frozen_shape_says(ran: Callable[..., Ran]) -> None:
    assert schema.deviations(ran("sample:digits").state, FROZEN) == []
