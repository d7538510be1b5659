"""Stages on an axis of time: what has happened, where the rest usually lies, and how long it will take."""

from itertools import pairwise

import pytest

from tests.app import fakes
from tui.reports.waterfall import axis, ticks, to_go_words, total_words, waterfall
from tui.run import events
from tui.run.events import STAGES, Event
from tui.run.state import State, fold_all
from tui.run.usual import NOTHING, Usual

SECONDS = {"load": 0.4, "export": 0.6, "quantize": 1.1, "lower": 20.0, "vela": 0.5, "emit": 1.0, "boot": 1.0}
USUAL = Usual(stages=SECONDS | {"infer": 2.0, "check": 0.5}, runs=3)  # type: ignore[arg-type]


def state_of(*what: Event) -> State:
    return fold_all([*fakes.begun("a", fakes.spec_of()), *what])  # type: ignore[arg-type]


def lowering(**progress: int) -> State:
    """A run that began to lower two seconds after its begin."""
    what = [*fakes.compiled()[:6], events.StageStarted(t=fakes.T0 + 2.1, stage="lower")]
    if progress:
        what.append(events.StageProgressed(t=fakes.T0 + 9, stage="lower", what="passes", **progress))  # type: ignore[arg-type]
    return state_of(*what)


def test_what_has_happened_lies_where_it_happened_and_the_rest_where_it_usually_does() -> None:
    found = waterfall(lowering(done=34, total=147), USUAL, fakes.T0 + 12.1)
    assert [bar.stage for bar in found.bars] == list(STAGES)
    load, export, quantize, lower, vela, emit, *_, check = found.bars
    assert [(bar.begin, bar.end) for bar in (load, export, quantize)] == [
        (0.0, pytest.approx(0.4)),
        (pytest.approx(0.4), pytest.approx(1.0)),
        (pytest.approx(1.0), pytest.approx(2.1)),
    ]
    assert (lower.begin, lower.end) == (pytest.approx(2.1), pytest.approx(12.1))
    assert (lower.usual_begin, lower.usual_end) == (pytest.approx(12.1), pytest.approx(22.1))
    assert (lower.now, lower.usual, lower.progress) == ("10 s", "20.0 s", "passes 34 of 147")
    assert (vela.begin, vela.usual_begin, vela.usual_end) == (None, pytest.approx(22.1), pytest.approx(22.6))
    assert (vela.now, emit.usual) == ("", "1.0 s")
    assert check.usual_end == pytest.approx(27.1)
    assert found.total == pytest.approx(27.1) and to_go_words(found) == "about 15 s to go"
    assert total_words(found) == ("12", "of about 27 s")


def test_a_stage_that_takes_longer_than_usual_moves_the_rest() -> None:
    found = waterfall(lowering(), USUAL, fakes.T0 + 32.0)
    lower, vela = found.bars[3], found.bars[4]
    assert lower.usual_end is None and lower.end == 32.0 == vela.usual_begin
    assert to_go_words(found) == "longer than usual" and total_words(found) == ("32 s", "")


def test_a_stage_that_takes_a_moment_longer_is_not_late() -> None:
    assert to_go_words(waterfall(lowering(), USUAL, fakes.T0 + 24.0)) == "about 5 s to go"


def test_inferences_under_way_take_as_long_as_their_rate_tells() -> None:
    what = [*fakes.begun("a", fakes.spec_of(inferences=100)), *fakes.compiled(), *fakes.booted()]
    what += [event for event in fakes.inferred((4_333,) * 10) if isinstance(event, events.InferenceFinished)]
    found = waterfall(fold_all(what), USUAL, fakes.T0 + 9.3)  # type: ignore[arg-type]
    assert found.to_go == pytest.approx(9 * 0.1 + 0.5)  # ten took 0.1 s; the check is usual


def test_while_the_platform_boots_its_phase_is_told() -> None:
    what = [*fakes.compiled(), *fakes.booted()[:2], events.PhaseChanged(t=fakes.T0 + 9.1, phase="load")]
    assert waterfall(state_of(*what), USUAL, fakes.T0 + 9.2).bars[6].progress == "load"


def test_without_earlier_runs_nothing_is_expected() -> None:
    for usual in (None, NOTHING):
        found = waterfall(lowering(), usual, fakes.T0 + 12.1)
        assert all(bar.usual_end is None and bar.usual == "–" for bar in found.bars)
        assert found.total is None and to_go_words(found) == "" and total_words(found) == ("12 s", "")


def test_what_comes_after_a_stage_of_unknown_length_has_no_place() -> None:
    known = {name: seconds for name, seconds in USUAL.stages.items() if name != "emit"}
    found = waterfall(lowering(), Usual(stages=known), fakes.T0 + 12.1)
    places = {bar.stage: bar.usual_end is not None for bar in found.bars[3:]}
    assert places == {"lower": True, "vela": True, "emit": False, "boot": False, "infer": False, "check": False}
    assert found.to_go is None and found.bars[-1].usual == "0.5 s"


def test_a_stage_that_was_passed_over_is_not_waited_for() -> None:
    what = [events.StageStarted(t=fakes.T0, stage="load"), events.StageStarted(t=fakes.T0 + 1, stage="lower")]
    found = waterfall(state_of(*what), USUAL, fakes.T0 + 2)
    assert [bar.stage for bar in found.bars if bar.usual_begin is not None][:2] == ["lower", "vela"]


def test_what_a_cache_answered_says_so() -> None:
    what = [
        events.StageStarted(t=fakes.T0, stage="load"),
        events.StageFinished(t=fakes.T0 + 0.4, stage="load", status="ok", seconds=0.4),
        events.StageStarted(t=fakes.T0 + 0.4, stage="lower"),
        events.StageFinished(t=fakes.T0 + 0.4, stage="lower", status="ok", seconds=0.0, cached=True),
    ]
    assert waterfall(state_of(*what), USUAL, fakes.T0 + 2).bars[3].now == "cached"


def test_a_run_that_only_compiles_has_no_stages_of_a_platform() -> None:
    state = fold_all([*fakes.begun("a", fakes.spec_of(until="emit")), *fakes.compiled()[:2]])  # type: ignore[arg-type]
    assert [bar.stage for bar in waterfall(state, USUAL, fakes.T0 + 1).bars] == list(STAGES[:6])


def test_the_axis_grows_in_steps_and_never_cuts() -> None:
    lengths = set()
    for seconds in range(1, 4000):
        found = waterfall(lowering(), NOTHING, fakes.T0 + seconds)
        assert axis(found) >= seconds
        lengths.add(axis(found))
    assert len(lengths) < 80


@pytest.mark.parametrize(("length", "cells"), [(5.0, 33), (33.0, 80), (33.0, 33), (140.0, 60), (4000.0, 90), (0.5, 8)])
def test_ticks_are_round_and_apart(length: float, cells: int) -> None:
    found = list(ticks(length, cells, 8))
    assert found[0] == (0, "0")
    places = [seconds / length * cells for seconds, _ in found]
    assert all(after - before >= 8 for before, after in pairwise(places))
    assert len(found) < 14
