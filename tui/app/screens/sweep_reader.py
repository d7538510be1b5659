"""Estimates beside the event loop for the Sweep screen: a model is lowered once for NPUs that take the same graphs."""

import threading
import time
from pathlib import Path

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from tui.analysis import sweep
from tui.analysis.prediction import lowered
from tui.analysis.sweep import Point
from tui.app.widgets.background import in_background, tell
from tui.errors import UserError
from tui.run import control, store
from tui.run.derived import now_doing
from tui.run.spec import Spec, lowering_of
from tui.toolchain import vela
from tui.toolchain.boards import Npu
from tui.toolchain.target import Target, on_board_of

POLL_S = 0.2


class PointKnown(Message):
    """A point of the map is known."""

    def __init__(self, point: Point) -> None:
        super().__init__()
        self.point = point


class SweepSaid(Message):
    """Progress, or a problem; empty when there is nothing to say any more."""

    def __init__(self, text: str, *, problem: bool = False) -> None:
        super().__init__()
        self.text = text
        self.problem = problem


class SweepReader:
    """Estimates a model for families of NPUs, one system config after the other; tells by `PointKnown`."""

    def __init__(self, listener: MessagePump, request: Spec, ethosu: str | None) -> None:
        """`ethosu` is the folder of the Vela of the request's toolchain; None is this Python's own."""
        self._listener = listener
        self._request = request
        self._ethosu = ethosu
        self._asked: set[str] = set()
        """System configs whose points are known, or on their way."""
        self._working = threading.Lock()
        self._left = threading.Event()
        self._runs: dict[str, Path] = {}
        """Runs that lowered the model, by the profile of the NPUs that take their graphs."""
        self.at_work: tuple[str, float] | None = None
        """The system config whose points are under way, and the monotonic time at which they were asked for."""

    def ask(self, npu: Npu, system: str) -> None:
        """Begin to estimate an NPU's sizes and memory modes in a system config, unless that was asked for already."""
        if system not in self._asked:
            self._asked.add(system)
            in_background("sweep", lambda: self._work(npu, system))

    def leave(self) -> None:
        """Stop estimating. A compilation in progress continues: its run is one of the history's."""
        self._left.set()

    def _work(self, npu: Npu, system: str) -> None:
        with self._working:
            if self._left.is_set():
                return
            targets: list[Target] = []
            try:
                targets = sweep.grid(vela.lists(npu).accelerators, npu.memory_modes, (system,), self._ethosu)
                run = self._runs.get(npu.profile) or self._lowered(npu)
                if run is None:
                    return
                self._runs[npu.profile] = run
                self.at_work = (system, time.monotonic())
                for _, point in sweep.points(run, targets, vela=self._request.vela):
                    if self._left.is_set() or not tell(self._listener, PointKnown(point)):
                        return
            except (UserError, vela.VelaMissing) as error:
                tell(self._listener, SweepSaid(str(error), problem=True))
                for target in targets:
                    tell(self._listener, PointKnown(sweep.refused(target, str(error))))

    def _lowered(self, npu: Npu) -> Path | None:
        """Return an earlier run that lowered the model, where its file has not changed since, else a new one.

        None where the user leaves meanwhile.

        What code reads beside its file may have changed, too: it is run again, and the cache knows what it makes.
        """
        target = self._request.target
        if target.board.npu is not npu:
            target = on_board_of(npu.default_accelerator)
        request = msgspec.structs.replace(self._request, target=target)
        found = lowered(request)
        if found is not None and not found.edited and not request.model.endswith(".py"):
            return found.run
        directory = control.start(msgspec.structs.replace(lowering_of(request), target=target, until="emit"))
        live = store.Live(directory)
        while (folded := live.state()).run.status == "running":
            if self._left.wait(POLL_S):
                return None
            tell(self._listener, SweepSaid(f"compiling the model once for {npu.name}: {now_doing(folded)}"))
        if folded.run.status != "ok":
            raise UserError(f"{directory.name} {folded.run.status}: {folded.run.reason}")
        tell(self._listener, SweepSaid(""))
        if not sweep.graphs(directory):
            raise UserError(f"no part of this model runs on {npu.name}: there is nothing to sweep")
        return directory
