"""Engines: what a campaign hands its cells to, on this machine (`tui.campaign.pool`) or elsewhere (`cluster`)."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tui.analysis import sweep
from tui.analysis.sweep import Point
from tui.campaign.events import CellFinished
from tui.campaign.plan import Cell
from tui.run.events import Event
from tui.run.spec import Limits
from tui.toolchain.target import Target

ATTEMPTS = 3
"""Most attempts at a cell whose process dies."""

Emit = Callable[[Event], None]
Then = Callable[[Path | None], None]
"""Called at the end of a cell with its run; None where there is none."""


class Engine(ABC):
    """Takes cells to their outcome, `count` at once. `emit` gets what happens to them, from several threads."""

    def __init__(self, campaign: str, count: int, limits: Limits, emit: Emit, threads: int) -> None:
        self.count = count
        self._campaign, self._limits, self._emit = campaign, limits, emit
        self._threads = ThreadPoolExecutor(threads)
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @abstractmethod
    def _take(self, cell: Cell, attempt: int, run: Path | None, then: Then) -> None:
        """Take up a cell, in a thread of its own."""

    def ready(self) -> None:  # noqa: B027 - this machine always is
        """Wait until there is somebody who takes cells, or the campaign is stopped.

        Raises:
            UserError: nobody will, or only with other versions.
        """

    def add(self, cell: Cell, attempt: int, run: Path | None, then: Then) -> None:
        """Take up a cell: in a new run, or in `run`, which an earlier process began; `then` gets the run at its end.

        `then` gets None where there is none.
        """
        self._threads.submit(self._take, cell, attempt, run, then)

    def call(self, work: Callable[[], None]) -> None:
        """Do something else in a cell's place."""
        self._threads.submit(work)

    def points(self, run: Path, targets: Sequence[Target], vela: str | None) -> Iterator[tuple[int, Point]]:
        """Estimate targets on the graphs of a run: the place and the point of each, as they become known.

        Raises:
            UserError: this version of Vela cannot be had.
        """
        return sweep.points(run, targets, vela=vela)

    @property
    def stopped(self) -> bool:
        """True once nothing new is to be begun."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begin nothing more, and stop what is under way."""
        self._stopped.set()

    def close(self) -> None:
        """Wait until all is over."""
        self._threads.shutdown(wait=True)

    def _cancel(self, cell: Cell) -> None:
        """Say that a cell is not begun any more."""
        self._emit(CellFinished(key=cell.key, outcome="cancelled", reason="the campaign was stopped"))
