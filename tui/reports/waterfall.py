"""A run's stages on an axis of time: what has happened of each, and where it usually lies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from tui.reports.format import UNKNOWN, clock, stage_seconds
from tui.reports.inferring import inferring, several
from tui.run.derived import gone_through, progress_words
from tui.run.events import Stage
from tui.run.state import Progress, StageState, State, stage
from tui.run.usual import NOTHING, Usual

AXES = (
    1.0,
    1.1,
    1.2,
    1.3,
    1.4,
    1.6,
    1.8,
    2.0,
    2.2,
    2.4,
    2.6,
    2.8,
    3.0,
    3.3,
    3.6,
    4.0,
    4.4,
    4.8,
    5.2,
    5.6,
    6.0,
    6.6,
    7.2,
    8.0,
    9.0,
)
"""Lengths of an axis, times a power of ten: it grows in steps, so that a clock alone does not move all on it."""

LEAST_AXIS_S = 5.0

LATE, LATE_S = 1.2, 1.0
"""A stage is late that takes so many times as long as usual, and so many seconds more."""

STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 36000)
"""Distances of ticks."""


@dataclass(frozen=True)
class Bar:
    """A stage, in seconds since the run began."""

    stage: Stage
    status: Literal["pending", "running", "ok", "failed", "stopped", "skipped"]
    begin: float | None = None
    """Begin of what has happened; None for a stage that has not begun."""
    end: float | None = None
    usual_begin: float | None = None
    """Begin of the stretch that it usually takes from now on; None where that is not known, or nothing is left."""
    usual_end: float | None = None
    now: str = ""
    """Time it took or has taken so far, in words."""
    usual: str = UNKNOWN
    """Time it usually takes, in words."""
    progress: str = ""
    """Progress of a stage at work, in words: from outside."""
    brief: str = ""
    """Progress in figures alone."""


@dataclass(frozen=True)
class Waterfall:
    """All stages of a run, how long it has gone on, and how long it will."""

    bars: tuple[Bar, ...]
    elapsed: float
    to_go: float | None
    """Seconds to go, by what is usual; None where that is not known."""
    late: bool = False
    """True if the stage at work takes longer than usual."""

    @property
    def total(self) -> float | None:
        """Seconds that the run will have taken."""
        return None if self.to_go is None else self.elapsed + self.to_go


def waterfall(state: State, usual: Usual | None, now: float) -> Waterfall:
    """Stages of a state at a time; `now` is Unix time."""
    zero = _zero(state, now)
    known = _with_rate(usual or NOTHING, state, now)
    begun = [_begun(one, known, zero, now) for one in gone_through(state)]
    cursor = max((bar.usual_end or bar.end or 0.0 for bar in begun), default=0.0)
    cursor = max(cursor, now - zero) if state.run.status == "running" else cursor
    bars = []
    certain = True
    last = max((at for at, bar in enumerate(begun) if bar.begin is not None), default=-1)
    for at, bar in enumerate(begun):
        if bar.status == "running":
            certain = certain and bar.stage in known.stages
        elif bar.status == "pending" and at > last and certain:  # one that was passed over does not come any more
            seconds = known.stages.get(bar.stage)
            certain = seconds is not None
            if seconds is not None:
                bars.append(replace(bar, usual_begin=cursor, usual_end=cursor + seconds))
                cursor += seconds
                continue
        at_boot = bar.status == "running" and bar.stage == "boot" and state.phase is not None
        bars.append(replace(bar, progress=state.phase or "") if at_boot else bar)
    elapsed = max(now - zero, 0.0)
    late = any(
        bar.status == "running" and bar.stage in known.stages and _overdue(bar, known.stages[bar.stage]) for bar in bars
    )
    return Waterfall(tuple(bars), elapsed, max(cursor - elapsed, 0.0) if certain else None, late)


def _with_rate(usual: Usual, state: State, now: float) -> Usual:
    """The usual seconds, but those of inferences under way by their own rate, which says more."""
    infer, to_go = stage(state, "infer"), inferring(state).to_go
    if infer.status != "running" or infer.started is None or to_go is None or not several(state):
        return usual
    return msgspec.structs.replace(usual, stages=usual.stages | {"infer": now - infer.started + to_go})


def _overdue(bar: Bar, usual: float) -> bool:
    return (bar.end or 0.0) - (bar.begin or 0.0) > usual * LATE + LATE_S


def _zero(state: State, now: float) -> float:
    begins = [one.started for one in state.stages if one.started is not None]
    return state.run.created or min(begins, default=now)


def _begun(one: StageState, usual: Usual, zero: float, now: float) -> Bar:
    """A stage by what has happened of it."""
    expected = usual.stages.get(one.name)
    words = UNKNOWN if expected is None else f"{stage_seconds(expected)} s"
    if one.started is None:
        taken = "cached" if one.cached else ""
        return Bar(one.name, one.status, now=taken, usual=words)
    begin = max(one.started - zero, 0.0)
    if one.status == "running":
        return _at_work(one, begin, max(now - zero, begin), expected, words)
    seconds = one.seconds or 0.0
    end = one.finished - zero if one.finished is not None else begin + seconds
    taken = "cached" if one.cached else f"{stage_seconds(one.seconds)} s"
    return Bar(one.name, one.status, begin, max(end, begin), now=taken, usual=words)


def _at_work(one: StageState, begin: float, end: float, expected: float | None, words: str) -> Bar:
    ahead = expected is not None and begin + expected > end
    return Bar(
        one.name,
        one.status,
        begin,
        end,
        usual_begin=end if ahead else None,
        usual_end=begin + (expected or 0.0) if ahead else None,
        now=f"{int(end - begin):,} s",
        usual=words,
        progress=progress_words(one.progress) if one.progress is not None else "",
        brief=_brief(one.progress),
    )


def _brief(progress: Progress | None) -> str:
    return "" if progress is None or progress.total is None else f"{progress.done:,}/{progress.total:,}"


# -- words


def to_go_words(found: Waterfall) -> str:
    """``about 15 s to go``; empty where nothing is known of it."""
    if found.late:
        return "longer than usual"
    if found.to_go is None:
        return ""
    return f"about {_about(found.to_go)} to go"


def total_words(found: Waterfall) -> tuple[str, str]:
    """The time so far, and the rest of ``17 of about 32 s``."""
    so_far = clock(found.elapsed)
    if found.total is None or found.late:
        return so_far, ""
    about = _about(found.total)
    unit = " s"
    short = (
        so_far.removesuffix(unit) if so_far.endswith(unit) and about.endswith(unit) and "min" not in about else so_far
    )
    return short, f"of about {about}"


def _about(seconds: float) -> str:
    whole = round(seconds)
    if whole < 100:
        return f"{max(whole, 1)} s"
    return f"{round(seconds / 60)} min" if whole >= 600 else f"{whole // 60} min {whole % 60 // 10 * 10:02} s"


# -- the axis


def axis(found: Waterfall) -> float:
    """Length of the axis in seconds."""
    ends = (end for bar in found.bars for end in (bar.end, bar.usual_end) if end is not None)
    longest = max((found.elapsed, LEAST_AXIS_S, *ends))
    power = 1.0
    while longest > 10 * power:
        power *= 10
    return next((length * power for length in AXES if length * power >= longest), 10 * power)


def ticks(length: float, cells: int, apart: int) -> Iterator[tuple[float, str]]:
    """Seconds and labels of ticks on an axis of so many seconds and cells, at least so many cells apart."""
    step = next((s for s in STEPS_S if s * cells >= apart * length), STEPS_S[-1])
    at = 0
    while at <= length:
        yield at, f"{at // 60} min" if step >= 60 and at else f"{at}"
        at += step
