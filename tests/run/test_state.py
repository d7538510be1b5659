"""Folding: a state after each event."""

from typing import get_args

from tui.run import events
from tui.run.events import AnyEvent, Event
from tui.run.state import FOLDS, State, carry, fold_all, stage


def test_every_event_has_its_line_in_the_fold() -> None:
    assert set(FOLDS) == set(get_args(AnyEvent))


def test_an_event_that_is_carried_has_fields_of_the_state_alone() -> None:
    carried = [kind for kind, line in FOLDS.items() if line is carry]
    names = {name for kind in carried for name in kind.__struct_fields__} - set(Event.__struct_fields__)
    assert carried and names <= set(State.__struct_fields__)


def test_a_stage_that_begins_again_began_the_first_time() -> None:
    """As the first one does, once the compile server has loaded PyTorch."""
    begun = [events.StageStarted(t=1.0, stage="load"), events.StageStarted(t=4.0, stage="load")]
    ended = events.StageFinished(t=4.5, stage="load", status="ok", seconds=3.4)
    assert stage(fold_all(begun), "load").started == stage(fold_all([*begun, ended]), "load").started == 1.0
