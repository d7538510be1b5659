"""``python -m tui.campaign.process FOLDER``: the process of a campaign.

It takes each cell to its outcome, once: what an earlier process of this campaign has begun it goes on with, what a
campaign before it did for the same content it takes over. Of the cells that get the same lowered graphs one comes
first; the others find its graphs in the cache, or, of mere estimates, Vela runs on them at once.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil

from tui.analysis import sweep
from tui.campaign import cells, events, plan, pool, store
from tui.campaign.batch import Batch
from tui.campaign.engine import Emit, Engine, Then
from tui.campaign.events import (
    END,
    CampaignFinished,
    CampaignStarted,
    CellFinished,
    CellStarted,
)
from tui.campaign.plan import Cell, Plan
from tui.campaign.pool import Pool
from tui.campaign.scheduler import Scheduler
from tui.errors import Exit, UserError
from tui.run import control, journal
from tui.run import store as runs
from tui.run.belonging import Belonging
from tui.run.derived import stopped_at
from tui.run.events import Event

CUT_SHORT = ("lost", "stopped")
"""States of runs that say nothing of their cell: another one is begun."""

BEFORE_VELA = ("load", "export", "quantize", "lower")
"""Stages whose failure is the model's, whatever the target."""


class Campaign:
    """A campaign under way."""

    def __init__(self, directory: Path, count: int, workers: Scheduler | Batch | None) -> None:
        """Raises:
        UserError: the scheduler cannot be used, or the batch system takes no jobs.
        """
        self._directory = directory
        self._plan = store.plan(directory)
        self._journal = journal.Journal(directory / journal.FILE)
        self._before = store.load(directory)
        self._begun = time.time()
        try:
            self._pool = _pool(directory, count, workers, self._plan, self._emit)
        except UserError:
            # Whoever follows it sees that it was taken up again, and broken off.
            self._emit(_started(0))
            raise
        self._left = 0
        self._broken = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._mine: dict[str, tuple[Path, Belonging]] = {}
        """The newest run of this campaign for each cell."""
        self._estimates: dict[str, CellFinished] = {}
        self._others: dict[str, Path] = {}
        """The newest run of another campaign for the same content, of those that ended."""

    def _emit(self, event: Event) -> None:
        try:
            self._journal.write(event)
        except OSError:
            # What cannot be written down is not done: the same command goes on once there is room.
            self._broken = True
            self.stop()
            self._over.set()
            raise

    # -- from beginning to end

    def run(self) -> int:
        """Take all cells to their outcome; return the exit status.

        Raises:
            UserError: there is nobody to take them.
        """
        self._look()
        self._emit(_started(self._pool.count))
        server = control.Server(self._directory, self._handle)
        try:
            if (self._directory / runs.STOP).exists():
                self.stop()
            self._pool.ready()
            groups = plan.groups(self._plan.cells)
            self._left = len(groups)
            for group in groups:
                self._begin([self._plan.cells[at] for at in group])
            self._over.wait()
        finally:
            self._pool.close()
            server.close()
        if self._broken:
            return Exit.FAILED
        stopped, seconds = self._pool.stopped, time.time() - self._begun
        self._emit(CampaignFinished(status="stopped" if stopped else "ok", seconds=seconds))
        return Exit.INTERRUPTED if stopped else Exit.OK

    def stop(self) -> None:
        """Begin nothing more, stop what is under way, and end."""
        self._pool.stop()

    def _handle(self, message: dict[str, Any]) -> str | None:
        if message.get("command") != "stop":
            return f"unknown command {message.get('command')!r}"
        self.stop()
        return None

    def _look(self) -> None:
        """Find what there is already for our cells: runs, and estimates of other campaigns."""
        wanted = {cell.key for cell in self._plan.cells}
        if any(cell.until == "estimate" for cell in self._plan.cells):
            self._estimates = store.estimates(wanted, but=self._directory)
        for directory, belongs in store.cells():
            if belongs.key not in wanted:
                continue
            if belongs.campaign == self._directory.name:
                self._mine.setdefault(belongs.key, (directory, belongs))
            elif belongs.key not in self._others and runs.load(directory).run.status in ("ok", "failed"):
                self._others[belongs.key] = directory

    # -- cells that get the same lowered graphs

    def _begin(self, group: Sequence[Cell]) -> None:
        """Take up the first cell of a group that is to be done, then the others."""
        first, *rest = group
        self._take(first, lambda run: self._go_on(rest, run))

    def _go_on(self, rest: Sequence[Cell], run: Path | None) -> None:
        if not rest:
            self._group_is_over()
            return
        if (why := _not_lowered(run)) is not None:
            for cell in rest:
                if self._before.of(cell.key).status not in END:
                    self._emit(CellFinished(key=cell.key, outcome="failed", run=run.name if run else None, reason=why))
            self._group_is_over()
            return
        if rest[0].until == "estimate" and run is not None and sweep.graphs(run):
            self._pool.call(lambda: self._estimate(rest, run))
            return
        left, lock = len(rest), threading.Lock()

        def over(_: Path | None) -> None:
            nonlocal left
            with lock:
                left -= 1
                last = left == 0
            if last:
                self._group_is_over()

        for cell in rest:
            self._take(cell, over)

    def _group_is_over(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._over.set()

    def _take(self, cell: Cell, then: Then) -> None:
        """Have a cell done, unless it is."""
        before = self._before.of(cell.key)
        if before.status in END:
            then(self._run(before.run))
        elif (known := self._mine.get(cell.key)) is not None and runs.load(known[0]).run.status not in CUT_SHORT:
            self._pool.add(cell, known[1].attempt, known[0], then)
        elif (other := self._others.get(cell.key)) is not None:
            self._emit(pool.finished(cell, other, runs.load(other), self._plan.limits, seconds=None, reused=True))
            then(other)
        else:
            attempt = 1 if known is None else known[1].attempt + 1
            self._pool.add(cell, attempt, None, then)

    @staticmethod
    def _run(name: str | None) -> Path | None:
        directory = None if name is None else runs.folder() / name
        return directory if directory is not None and directory.is_dir() else None

    def _estimate(self, rest: Sequence[Cell], run: Path) -> None:
        """Estimate the other cells of a group on the graphs of the first."""
        wanted: dict[str, Cell] = {}
        for cell in rest:
            if (known := self._estimates.get(cell.key)) is not None:
                self._emit(self._weighed(msgspec.structs.replace(known, reused=True, seconds=None)))
            elif self._before.of(cell.key).status not in END:
                wanted[cell.key] = cell
                self._emit(CellStarted(key=cell.key, run=run.name))
        outcome: events.Outcome = "cancelled"
        reason = "the campaign was stopped"
        try:
            self._ask_vela(wanted, run)
        except Exception as error:  # noqa: BLE001 - cells that cannot be estimated leave the others
            outcome, reason = "failed", str(error) or type(error).__name__
        finally:
            for key in wanted:
                self._emit(CellFinished(key=key, outcome=outcome, reason=reason))
            self._group_is_over()

    def _ask_vela(self, wanted: dict[str, Cell], run: Path) -> None:
        """Estimate cells on a run's graphs, and take out those that are known.

        Raises:
            UserError: the version of Vela cannot be had.
        """
        asked, begun = list(wanted.values()), time.time()
        vela = asked[0].spec.vela if asked else None
        for at, point in self._pool.points(run, [cell.spec.target for cell in asked], vela):
            if self._pool.stopped:
                return
            found = CellFinished(
                key=asked[at].key, outcome="ok", run=run.name, reason=point.reason, figures=cells.of_point(point)
            )
            self._emit(self._weighed(msgspec.structs.replace(found, seconds=time.time() - begun)))
            del wanted[asked[at].key]
            begun = time.time()

    def _weighed(self, found: CellFinished) -> CellFinished:
        """The outcome of an estimate against the limits."""
        if found.figures.total_cycles is None:
            return msgspec.structs.replace(found, outcome="failed")
        excess = cells.excess(cells.limits(self._plan.limits, found.figures))
        return msgspec.structs.replace(found, outcome="ok" if excess is None else "limit", reason=excess)


def _started(count: int) -> CampaignStarted:
    me = psutil.Process()
    return CampaignStarted(pid=me.pid, pid_created=me.create_time(), host=socket.gethostname(), workers=count)


def _not_lowered(run: Path | None) -> str | None:
    """The reason why a run came to no lowered graphs, which other targets would not come to either; None if it did."""
    state = None if run is None else runs.load(run)
    if state is None or state.run.status != "failed":
        return None
    return state.run.reason if stopped_at(state) in BEFORE_VELA else None


def _pool(directory: Path, count: int, workers: Scheduler | Batch | None, wanted: Plan, emit: Emit) -> Engine:
    if workers is None:
        return Pool(directory.name, count, wanted.limits, emit)
    # With it comes Dask, which is an extra.
    from tui.campaign.cluster import Cluster

    return Cluster(directory, workers, wanted, emit)


def main() -> int:
    """Take a campaign to its end."""
    directory, count = Path(sys.argv[1]), int(sys.argv[2])
    workers = msgspec.json.decode(sys.argv[3], type=Scheduler | Batch) if len(sys.argv) > 3 else None
    try:
        campaign = Campaign(directory, count, workers)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: campaign.stop())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, control.BLOCKED_SIGNALS)
        return campaign.run()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit)


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
