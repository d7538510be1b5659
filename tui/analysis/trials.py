"""The outcome of advice that was tried: the figures of the run that tried it against those of the run before."""

import statistics
from pathlib import Path
from typing import Literal

from tui.analysis import advice
from tui.analysis.advice import Advice, Advised, Measured, Tried
from tui.errors import UserError
from tui.run import control, spec, store, trials
from tui.run.derived import CountedBy, latency
from tui.run.figures import Source
from tui.run.state import State

COUNTED: dict[CountedBy, Source] = {"fvp": "measured", "board": "measured", "simulator": "estimated"}
"""Counters whose cycles of one run say something about those of another, and what these are."""


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
    one_vela = before.versions.vela == after.versions.vela
    return Tried(
        run=name,
        status=after.run.status,
        reason=after.run.reason,
        total_cycles=now,
        change_pct=100 * (now - was) / was if was and now is not None and one_vela else None,
        measured=_measured(before, after, "fvp" if one_vela else None),
        sram_kib=after.estimate.sram_kib if after.estimate else None,
        sqnr_db=after.check.sqnr_db if after.check else None,
        check=after.check.status if after.check else None,
    )


def _measured(before: State, after: State, by: Literal["fvp"] | None) -> Measured | None:
    """Cycles of both runs, of those that count alike, or `by` the FVP alone; None where one has none.

    Between two versions of Vela, the simulator's are the only ones there may be: the estimates are of two models.
    """
    for counted, source in COUNTED.items():
        if by not in (None, counted):
            continue
        was, now = _cycles(before, counted), _cycles(after, counted)
        if was and now is not None:
            return Measured(before=was, after=now, change_pct=100 * (now - was) / was, source=source)
    return None


def _cycles(state: State, by: CountedBy) -> float | None:
    """Median of the inferences' NPU cycles, by those who counted them; the FVP's fast mode counts otherwise."""
    if (found := latency(state)) is None or found.by != by:
        return None
    known = [one.npu_cycles for one in state.inferences if one.npu_cycles is not None and one.source == COUNTED[by]]
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
