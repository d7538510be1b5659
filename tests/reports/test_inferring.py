"""Inferences under way in words: how many, how fast, what each took."""

import msgspec
import pytest

from tests.app import fakes
from tui.reports.inferring import (
    asked,
    count_words,
    deviation,
    inferring,
    pace_words,
    right_words,
    several,
)
from tui.run import events
from tui.run.events import Event
from tui.run.figures import Inference, spread
from tui.run.options import Spec
from tui.run.state import State, fold_all


def going_on(done: int, *, request: Spec | None = None, total: int | None = None, each_s: float = 0.5) -> State:
    """A run that has done so many inferences, one after the other."""
    t = fakes.T0 + 10
    what: list[Event] = [*fakes.begun("a", request or fakes.spec_of(inferences=360)), *fakes.compiled()]
    what.append(events.StageStarted(t=t, stage="infer"))
    if total is not None:
        what.append(events.StageProgressed(t=t, stage="infer", what="inferences", done=0, total=total))
    for index in range(done):
        what.append(events.InferenceStarted(t=t + index * each_s, index=index))
        one = Inference(index=index, npu_cycles=6_163, source="estimated", wall_s=each_s / 2)
        what.append(events.InferenceFinished(t=t + (index + 0.5) * each_s, inference=one))
    what.append(events.InferenceStarted(t=t + done * each_s, index=done))
    return fold_all(what)  # type: ignore[arg-type]


def test_the_rate_is_that_since_the_first_began_and_tells_the_time_to_go() -> None:
    found = inferring(going_on(214))
    assert count_words(found) == ("214", "of 360 inferences")
    assert found.rate == pytest.approx(2.0) and found.to_go == pytest.approx(73.0)
    assert pace_words(found) == "2.00 /s   73 s to go"
    assert deviation(spread(found.cycles)) == "all same"  # type: ignore[arg-type]


def test_before_the_first_is_done_there_is_no_rate() -> None:
    found = inferring(going_on(0))
    assert (found.rate, found.to_go, pace_words(found)) == (None, None, "")
    assert count_words(found) == ("0", "of 360 inferences")


def test_a_slow_one_is_told_by_what_each_takes() -> None:
    assert pace_words(inferring(going_on(2, each_s=20))) == "20.0 s each   119 min 20 s to go"


def test_a_platform_that_stays_has_no_number_to_come_to() -> None:
    request = fakes.spec_of(serve=True)
    state = going_on(3, request=request, total=3)
    assert asked(state) is None and count_words(inferring(state)) == ("3", "inferences done")
    waiting = msgspec.structs.replace(state, phase="waiting")
    assert pace_words(inferring(waiting)).startswith("waiting: i infers again")


def test_one_alone_is_no_series() -> None:
    assert not several(going_on(0, request=fakes.spec_of()))
    assert several(going_on(0)) and several(going_on(0, request=fakes.spec_of(), total=2))


def test_figures_that_vary_say_by_how_much() -> None:
    assert deviation(spread([100.0, 102.0, 98.0])) == "±2 %"  # type: ignore[arg-type]
    assert deviation(spread([1.0])) == ""  # type: ignore[arg-type]
    assert right_words(213, 214) == ("213 of 214", "99.5 %")
    assert right_words(0, 0) == ("0 of 0", "–")
