"""A small sample of the fault harness: one try of each quick scenario, a few disks, damaged journals, runs at once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.faults import crowds, damage, scenarios
from tests.faults.judging import Outcome
from tests.faults.world import World, world

SEED = "sample"
"""Moments are the same each time; what a machine does at them is not."""

PLACES = 30
DISKS = (0, 8, 13)

pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture(scope="module")
def made(ran: Callable[..., Ran], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("faults"), ran("sample:digits").directory) as shared:
        yield shared


def good(outcome: Outcome) -> None:
    assert (outcome.wrong, outcome.tracebacks, outcome.left) == ((), (), ()), outcome


@pytest.mark.parametrize("scenario", [s for s in scenarios.SCENARIOS if s.ready and not s.slow], ids=lambda s: s.name)
def test_whatever_meets_a_run_is_shown_as_what_it_is(scenario: scenarios.Scenario, made: World) -> None:
    good(scenarios.tried(scenario, made, 0, SEED))


@pytest.mark.parametrize("number", DISKS)
def test_a_full_disk_is_named(number: int, made: World) -> None:
    good(crowds.disk_full(made, number, 20, crowds.way()))


def test_a_damaged_journal_is_read_and_shows_no_other_verdict(
    made: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FVP_TUI_HOME", str(tmp_path))
    given = damage.given(made.compiled)
    for number in range(PLACES):
        good(damage.tried(given, number, SEED, tmp_path))


def test_six_runs_at_once_do_not_meet(made: World) -> None:
    good(crowds.at_once(made, 0))
