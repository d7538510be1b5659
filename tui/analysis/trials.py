"""The outcome of advice that was tried: the figures of the run that tried it against those of the run before."""

import statistics
from pathlib import Path

from tui.analysis import advice
from tui.analysis.advice import Advice, Advised, Measured, Tried
from tui.errors import UserError
from tui.run import control, spec, store, trials
from tui.run.derived import latency
from tui.run.state import State


def start(directory: Path, state: State, piece: Advice) -> Path:
    """Start a run that tries a piece of advice of the run in `directory`; return the directory of the new one.

    Raises:
        UserError: the changed spec cannot be run, or no process can be started.
    """
    if state.spec is None or not piece.change:
        raise UserError("this advice changes the model, which is yours to do")
    run = control.start(spec.check(advice.changed(state.spec, piece.change)))
    trials.keep(directory, run, piece.change)
    return run


def outcome(before: State, directory: Path) -> Tried:
    """Outcome of the run in `directory`, which tried a change, against the run before."""
    return compared(before, directory.name, store.load(directory))


def compared(before: State, name: str, after: State) -> Tried:
    """Outcome of a trial by its state."""
    was = before.estimate.total_cycles if before.estimate else None
    now = after.estimate.total_cycles if after.estimate else None
    return Tried(
        run=name,
        status=after.run.status,
        reason=after.run.reason,
        total_cycles=now,
        change_pct=100 * (now - was) / was if was and now is not None else None,
        measured=_measured(before, after),
        sram_kib=after.estimate.sram_kib if after.estimate else None,
        sqnr_db=after.check.sqnr_db if after.check else None,
        check=after.check.status if after.check else None,
    )


def _measured(before: State, after: State) -> Measured | None:
    """Measured cycles of both runs; None where one has none: an estimate says nothing about a measurement."""
    was, now = _cycles(before), _cycles(after)
    if not was or now is None:
        return None
    return Measured(before=was, after=now, change_pct=100 * (now - was) / was)


def _cycles(state: State) -> float | None:
    """Median of the inferences' NPU cycles, where the FVP counted them; its fast mode counts otherwise."""
    if (found := latency(state)) is None or found.by != "fvp":
        return None
    known = [one.npu_cycles for one in state.inferences if one.npu_cycles is not None and one.source == "measured"]
    return statistics.median(known) if known else None


def with_outcomes(advised: Advised, state: State, directory: Path) -> Advised:
    """Advice with what came of the newest trial of each piece."""
    known = trials.read(directory)
    if not known:
        return advised

    def tried(piece: Advice) -> Tried | None:
        run = next((run for run, change in known if piece.change and change == piece.change), None)
        return None if run is None else outcome(state, run)

    return advice.with_tried(advised, tried)
