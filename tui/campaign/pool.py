"""A pool on this machine: cells as runs, several at once, as many as there are cores and room in memory.

A run is a process of its own, which outlives the pool: who starts the campaign again finds it and goes on waiting.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tui.campaign import cells
from tui.campaign.engine import ATTEMPTS, Emit, Engine, Then
from tui.campaign.events import CellFinished, CellStarted, Outcome
from tui.campaign.plan import Cell
from tui.errors import Exit, UserError
from tui.pipeline import check
from tui.run import belonging, control, store
from tui.run.belonging import Belonging
from tui.run.spec import Limits
from tui.run.state import State

POLL_S = 0.1
LEAST_ROOM = 2 << 30
"""Bytes of memory that are free where another cell is begun beside others."""


class Pool(Engine):
    """Runs of cells on this machine."""

    def __init__(self, campaign: str, count: int, limits: Limits, emit: Emit) -> None:
        super().__init__(campaign, count, limits, emit, threads=count)
        self._begun = 0

    def _take(self, cell: Cell, attempt: int, run: Path | None, then: Then) -> None:
        try:
            done = self._one(cell, attempt, run)
        except Exception as error:  # noqa: BLE001 - a cell that cannot be run leaves the others
            self._emit(CellFinished(key=cell.key, outcome="failed", reason=str(error) or type(error).__name__))
            done = None
        then(done)

    def _one(self, cell: Cell, attempt: int, run: Path | None) -> Path | None:
        while not self._stopped.is_set():
            begun = time.time()
            with self._room(needed=run is None):
                if run is None:
                    if self._stopped.is_set():
                        break
                    run = self._start(cell, attempt)
                if run is None:
                    return None
                self._emit(CellStarted(key=cell.key, run=run.name, attempt=attempt))
                state = self._until_ended(run)
            if state.run.status == "lost" and attempt < ATTEMPTS and not self._stopped.is_set():
                attempt, run = attempt + 1, None
                continue
            self._emit(finished(cell, run, state, self._limits, seconds=time.time() - begun))
            return run
        self._cancel(cell)
        return None

    def _start(self, cell: Cell, attempt: int) -> Path | None:
        try:
            return control.start(cell.spec, belonging.encode(Belonging(self._campaign, cell.key, attempt)))
        except UserError as error:
            self._emit(CellFinished(key=cell.key, outcome=_outcome(int(error.exit)), reason=str(error)))
            return None

    @contextlib.contextmanager
    def _room(self, *, needed: bool) -> Iterator[None]:
        """Wait until there is memory for one more, unless it is there already; one alone always has room."""
        while not self._stopped.is_set():
            with self._lock:
                if not needed or self._begun == 0 or psutil.virtual_memory().available >= LEAST_ROOM:
                    break
            time.sleep(POLL_S)
        with self._lock:
            self._begun += 1
        try:
            yield
        finally:
            with self._lock:
                self._begun -= 1

    def _until_ended(self, run: Path) -> State:
        live, asked = store.Live(run), False
        while (state := live.state()).run.status == "running":
            if self._stopped.is_set() and not asked:
                asked = True
                try:
                    control.stop(run)
                except UserError:
                    continue  # it has just ended
            time.sleep(POLL_S)
        return state


def finished(
    cell: Cell, run: Path, state: State, limits: Limits, *, seconds: float | None, reused: bool = False
) -> CellFinished:
    """The outcome of a cell, by the state of its run."""
    outcome, reason = _outcome(state.run.exit_status), state.run.reason
    if state.run.status == "stopped":
        outcome = "cancelled"
    elif state.run.status == "lost":
        outcome = "lost"
    elif state.run.status == "ok" and (excess := _excess(cell, state, limits)) is not None:
        outcome, reason = "limit", excess
    return CellFinished(
        key=cell.key, outcome=outcome, run=run.name, reason=reason, seconds=seconds, reused=reused,
        figures=cells.of_run(state),
    )  # fmt: skip


def _excess(cell: Cell, state: State, limits: Limits) -> str | None:
    """The limits that a cell breaks: one that is estimated alone has no inferences."""
    if cell.until == "estimate":
        return cells.excess(cells.limits(limits, cells.of_run(state)))
    return cells.excess(check.limits(limits, state))


def _outcome(status: int | None) -> Outcome:
    match status:
        case Exit.OK:
            return "ok"
        case Exit.LIMIT:
            return "limit"
        case Exit.NO_PLATFORM:
            return "unavailable"
    return "failed"
