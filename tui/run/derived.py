"""Conclusions from a state: how the run stands, what its check says, and where its figures come from."""

import statistics
from typing import Literal

from tui.run import events
from tui.run.badges import BOARD, COUNTED, ESTIMATED, LOG, MEASURED, READ, UNREPRESENTATIVE
from tui.run.check import Check, broken, why_broken
from tui.run.figures import Figure, Origin
from tui.run.spec import Spec
from tui.run.state import Progress, StageState, State
from tui.toolchain import vela


def stages_of(spec: Spec | None) -> tuple[events.Stage, ...]:
    """The stages that a run may go through, by its model and by where it is to end."""
    network = spec is not None and spec.model.endswith(vela.READS)
    found = events.NETWORK_STAGES if network else events.STAGES
    if spec is None or spec.until != "emit":
        return found
    return tuple(stage for stage in found if stage in events.COMPILE_STAGES)


def now_doing(state: State) -> str:
    """The stage under way, or the run's status."""
    if state.run.status != "running":
        return state.run.status
    running = [s.name for s in state.stages if s.status == "running"]
    return running[-1] if running else "starting"


Outcome = Literal["ok", "mismatch", "failed", "stopped", "lost", "running", "unknown"]


def outcome(state: State) -> Outcome:
    """Outcome of a run: one that did not end badly, with outputs that are not the model's, is a mismatch."""
    if state.run.status in ("ok", "unknown") and (check := checked(state)) is not None and check.status == "mismatch":
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


CountedBy = Literal["fvp", "fast", "simulator", "vela", "board", "program"]
"""Kind of a latency by who counted its cycles: two of different kinds say nothing about each other. The FVP's fast mode
is one of its own; so is the time that a program took by its own clock, where it tells no cycles."""


class Latency(Figure):
    """Time of an inference, and whose it is."""

    ms: float
    by: CountedBy


def latency(state: State) -> Latency | None:
    """The median of the inferences' NPU cycles at the NPU's clock; before the first of them, the estimate's.

    Without cycles it is what the program's own clock tells. None where none of these is known, or no clock.
    """
    cycles = [inference.npu_cycles for inference in state.inferences if inference.npu_cycles is not None]
    if cycles:
        ms = npu_ms(state, statistics.median(cycles))
        by = _counted_by(state)
        if ms is not None and by is not None:
            return Latency(ms=ms, by=by)
    if by_program := [one.program_ms for one in state.inferences if one.program_ms is not None]:
        return Latency(ms=statistics.median(by_program), by="program")
    if cycles or state.estimate is None or state.estimate.inference_ms is None:
        return None
    return Latency(ms=state.estimate.inference_ms, by=state.estimate.source)


def _counted_by(state: State) -> CountedBy | None:
    """The one who counted the cycles of the inferences; None where a log does not tell."""
    if state.platform is None:
        return "simulator"
    by = platform_of(state)
    return "fast" if by == "fvp" and state.spec is not None and state.spec.fast else by


def stopped_at(state: State) -> str | None:
    """The stage that is under way, or at which a run ended that did not end well; None for one that did."""
    if state.run.status in ("ok", "unknown"):
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
    measured = UNREPRESENTATIVE if state.spec is not None and state.spec.fast else MEASURED
    match platform_of(state):
        case "fvp":
            return READ.format(measured) if platform.kind == "log" else measured
        case "board":
            return BOARD
        case "simulator":
            own = COUNTED if platform.engine == "firmware" else ESTIMATED
            return READ.format(own) if platform.kind == "log" else own
    return LOG


def badge_and_board(state: State) -> str:
    """The badge, with the name of a real board where it has one."""
    board = None if state.platform is None else state.platform.board
    return badge(state) if board is None else f"{badge(state)}: {board}"


def platform_of(state: State) -> Origin | None:
    """The kind of platform that the figures are of; None where there is none, or a log does not tell."""
    if state.platform is None or state.platform.kind == "log":
        return None if state.platform is None else state.platform.origin
    return "board" if state.platform.kind == "serial" else state.platform.kind


def gone_through(state: State) -> tuple[StageState, ...]:
    """The stages of a run: one that only compiles has no platform's, one read from a log only those that it shows."""
    if state.spec is not None and state.spec.log is not None:
        return tuple(stage for stage in state.stages if stage.status not in ("pending", "skipped"))
    own = stages_of(state.spec)
    return tuple(stage for stage in state.stages if stage.name in own)
