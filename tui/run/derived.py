"""Conclusions from a state: how the run stands, what its check says, and where its figures come from."""

import statistics
from typing import Literal

from tui.run import events
from tui.run.badges import COUNTED, ESTIMATED, MEASURED, ON_BOARD, UNREPRESENTATIVE
from tui.run.check import Check, broken, why_broken
from tui.run.figures import Figure
from tui.run.state import Progress, State


def now_doing(state: State) -> str:
    """The stage under way, or the run's status."""
    if state.run.status != "running":
        return state.run.status
    running = [s.name for s in state.stages if s.status == "running"]
    return running[-1] if running else "starting"


Outcome = Literal["ok", "mismatch", "failed", "stopped", "lost", "running"]


def outcome(state: State) -> Outcome:
    """Outcome of a run: one that ended well with outputs that are not the model's is a mismatch."""
    if state.run.status == "ok" and (check := checked(state)) is not None and check.status == "mismatch":
        return "mismatch"
    return state.run.status


def checked(state: State) -> Check | None:
    """The check; before it, and of a model that was only compiled, what is known of its links; None without any."""
    if state.check is not None or not state.links:
        return state.check
    if (reason := why_broken(state.links)) is not None:
        return Check(status="mismatch", reason=reason, links=state.links)
    compiles = state.spec is not None and state.spec.until == "emit"
    why = "nothing was run: only the compiled model was checked" if compiles else "no outputs were compared"
    return Check(status="skipped", reason=why, links=state.links)


def progress_words(progress: events.StageProgressed | Progress) -> str:
    """``passes 34 of 147``."""
    if progress.total is None:
        return f"{progress.what} {progress.done:,}" if progress.done else progress.what
    return f"{progress.what} {progress.done:,} of {progress.total:,}"


def npu_ms(state: State, cycles: float | None) -> float | None:
    """NPU cycles as milliseconds at the clock of the target's system config, as Vela states it."""
    return None if cycles is None or not state.clock_hz else cycles / state.clock_hz * 1e3


CountedBy = Literal["fvp", "fast", "simulator", "vela", "board"]
"""Kind of a latency by who counted its cycles: two of different kinds say nothing about each other. The FVP's fast mode
is one of its own."""


class Latency(Figure):
    """Time of an inference, and whose it is."""

    ms: float
    by: CountedBy


def latency(state: State) -> Latency | None:
    """The median of the inferences' NPU cycles at the NPU's clock; before the first of them, the estimate's.

    None where neither is known, or no clock.
    """
    cycles = [inference.npu_cycles for inference in state.inferences if inference.npu_cycles is not None]
    if cycles:
        ms = npu_ms(state, statistics.median(cycles))
        return None if ms is None else Latency(ms=ms, by=_counted_by(state))
    if state.estimate is None or state.estimate.inference_ms is None:
        return None
    return Latency(ms=state.estimate.inference_ms, by=state.estimate.source)


def _counted_by(state: State) -> CountedBy:
    """Find who counted the cycles of a run's inferences."""
    match None if state.platform is None else state.platform.kind:
        case "serial":
            return "board"
        case "fvp":
            return "fast" if state.spec is not None and state.spec.fast else "fvp"
    return "simulator"


def stopped_at(state: State) -> str | None:
    """The stage that is under way, or at which a run ended that did not end well; None for one that did."""
    if state.run.status == "ok":
        return None
    return next((stage.name for stage in state.stages if stage.status in ("running", "failed", "stopped")), None)


def failed_at(state: State) -> str | None:
    """``FILE:LINE`` of the model that a failed stage names."""
    return next((stage.line for stage in state.stages if stage.line is not None), None)


def named_line(state: State) -> str | None:
    """``FILE:LINE`` of a failed stage, or of the operator that lowering changed."""
    link = broken(state.links)
    return failed_at(state) or (None if link is None else link.line)


def badge(state: State) -> str:
    """The platform and the source of its figures, in one short line; empty before a platform was started."""
    platform = state.platform
    if platform is None:
        return ""
    if platform.kind == "serial":
        return ON_BOARD
    if platform.kind == "fvp":
        return UNREPRESENTATIVE if state.spec is not None and state.spec.fast else MEASURED
    return COUNTED if platform.engine == "firmware" else ESTIMATED
