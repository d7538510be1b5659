"""Session with a process of the platform: console kept and parsed, inferences fed, its end made sure of."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from tui.platform import failures
from tui.platform.board_verdict import judge_board, remarks_on
from tui.platform.child import CannotStart, Child
from tui.platform.serial_line import LineEnd, SerialLine
from tui.platform.uart import Parser
from tui.platform.verdict import NOTHING, End, Evidence, Failure, judge, remarks
from tui.run.events import Event, Logged, Noted, PhaseChanged, PlatformExited
from tui.run.figures import Source

GO = b"go\n"
"""Line that starts an inference of the runner's server mode: any would do."""

WAITING = "waiting"
"""The phase of a platform that stays for further inferences."""


@dataclass(frozen=True)
class Demand:
    """Inferences asked of a platform by now."""

    inferences: int
    stays: bool = False
    """True if it waits for further ones when it has done those."""


@dataclass(frozen=True)
class Patience:
    """Time limits of a session, in seconds."""

    poll: float = 0.1
    """A wait for output; the user's stop is noticed this soon."""
    interrupt: float = 5.0
    """Between SIGINT and SIGTERM: an FVP takes seconds to end and to print its statistics."""
    terminate: float = 2.0
    """Between SIGTERM and SIGKILL."""
    kill: float = 2.0
    """Between SIGKILL and giving up."""
    overdue: float = 30.0
    """Grace beyond the platform's own time limit, which leaves out start and shutdown."""
    finish: float = 10.0
    """Time for a server to end after its last inference."""


@dataclass(frozen=True, kw_only=True)
class Listening:
    """A console: where it goes, what its figures are, and how long it may take."""

    console: Path
    """The log that what it prints is appended to, byte for byte."""
    source: Source
    """Kind of its PMU figures."""
    timeout_s: float
    """Time limit; for a process that stays, of each inference and of waiting for a further one."""
    fast: bool = False
    """True if its NPU runs in fast mode."""
    first: int = 0
    """Number of its first inference."""
    argv: Sequence[str] = ()
    """Command line of its process; none for a board."""
    on_board: bool = False
    """True if it is that of a real board."""


@dataclass(frozen=True, kw_only=True)
class Request(Listening):
    """A process of the platform, and how to start it."""

    cwd: Path
    env: Mapping[str, str]


class FarEnd(Protocol):
    """The far end of a console: a process in a pty (`tui.platform.child`), or a board (`tui.platform.serial_line`)."""

    @property
    def pid(self) -> int | None:
        """The process; None of a board."""

    @property
    def end(self) -> LineEnd | None:
        """The way in which listening to a board ended; None of a process, which has an exit status."""

    def read(self, timeout_s: float) -> bytes | None:
        """Read what comes; empty when nothing came in time, None when it is over."""

    def readable(self) -> bool:
        """True if something has come that was not read yet."""

    def write(self, data: bytes) -> None:
        """Give `data` to its input."""

    def end_input(self) -> None:
        """End its input."""

    def frozen(self) -> bool:
        """Return True if a signal has stopped it, and none has woken it since."""

    def signal(self, number: signal.Signals) -> None:
        """Have it end."""

    def drain(self) -> list[bytes]:
        """Read what has still come after its end."""

    def close(self) -> tuple[int | None, int | None]:
        """End it; its exit status and the signal it died of, where it has such."""


class Listener(Protocol):
    """The side that asks for inferences and hears of what happens. What it raises ends the process and is passed on."""

    def demand(self) -> Demand:
        """Inferences asked for by now. More than one, or to stay, needs a runner started in its server mode."""

    def should_stop(self) -> bool:
        """Return True if the user wants the run to end."""

    def prepare(self, inference: int) -> None:
        """Write the inputs of an inference, before it begins."""

    def started(self, pid: int | None) -> None:
        """Take note of the process; a board has none."""

    def event(self, event: Event) -> None:
        """Take an event of the console, or one of `elsewhere`."""

    def elsewhere(self) -> Sequence[Event]:
        """Events from other sources than the console, such as a trace; passed on before what the console says next."""

    def collect(self, inference: int) -> Failure | None:
        """Take the outputs of an inference that has ended, or say why they are not there."""


def run(
    request: Request,
    listener: Listener,
    *,
    patience: Patience = Patience(),
    clock: Callable[[], float] = time.monotonic,
) -> PlatformExited:
    """Run a process of the platform to its end and judge it. The verdict is returned, not told to the listener.

    Raises:
        OSError: the console log cannot be written. The process is ended first.
    """
    listener.prepare(request.first)
    if listener.should_stop():
        return judge(Evidence(), End(stopped=True))
    try:
        child = Child(request.argv, cwd=request.cwd, env=request.env)
    except CannotStart as error:
        return _cannot_start(request.argv[0], error)
    try:
        return _follow(child, request, listener, patience, clock)
    finally:
        child.close()


def listen(
    line: SerialLine,
    request: Listening,
    listener: Listener,
    *,
    patience: Patience = Patience(),
    clock: Callable[[], float] = time.monotonic,
) -> PlatformExited:
    """Listen to a board that was reset until that ends, and judge it. The verdict is returned, not told.

    Raises:
        OSError: the console log cannot be written.
    """
    return _follow(line, request, listener, patience, clock)


def _follow(
    far_end: FarEnd, request: Listening, listener: Listener, patience: Patience, clock: Callable[[], float]
) -> PlatformExited:
    with request.console.open("ab", buffering=0) as log:
        listener.started(far_end.pid)
        return _Session(far_end, request, listener, log, patience, clock).run()


def _cannot_start(program: str, error: CannotStart) -> PlatformExited:
    if finding := failures.find(error.what):
        return PlatformExited(verdict="fail", reason=finding.reason, hint=finding.hint)
    reason = f"the platform cannot be started: {error.what}"
    return PlatformExited(verdict="fail", reason=reason, hint=f"check that {program} exists and is executable")


class _Session:
    """The state of one run; everything happens in the thread that calls `run`.

    A line of the console travels `_read` (pexpect) -> `_take` (log, then parser) -> `_pass_on` (verdict, listener).
    """

    def __init__(
        self,
        child: FarEnd,
        request: Listening,
        listener: Listener,
        log: BinaryIO,
        patience: Patience,
        clock: Callable[[], float],
    ) -> None:
        self._child = child
        self._request = request
        self._listener = listener
        self._log = log
        self._patience = patience
        self._clock = clock
        self._parser = Parser(request.source, lambda: self._came, request.first, on_board=request.on_board)
        self._evidence = Evidence(fast=request.fast)
        self._came = clock()
        """Arrival of what is being read, which may be before it is read."""
        self._watched_since = clock()
        demand = listener.demand()
        self._stays = demand.stays
        self._server = demand.inferences > 1 or demand.stays
        self._waiting = False
        self._asked = 0
        self._collected = 0
        self._outputs = 0
        self._lacking: Failure | None = None
        self._stopped = False
        self._overdue_s: float | None = None
        self._frozen = False
        self._closed = False
        self._finish_by: float | None = None
        self._escalation: list[tuple[float, signal.Signals | None]] = []

    def run(self) -> PlatformExited:
        """Follow the process to its end."""
        while (data := self._read()) is not None:
            self._pass_on(self._listener.elsewhere())
            if data:
                self._take(data)
            if self._server:
                self._serve()
            now = self._clock()
            self._watch(now)
            if not self._escalate(now):
                break
        self._pass_on(self._listener.elsewhere())
        for rest in self._child.drain():
            self._take(rest)
        self._pass_on(self._parser.close())
        if self._collected < self._parser.finished and not self._server:
            self._collect()
        end = self._how_it_ended(*self._child.close())
        line = self._child.end
        for text in remarks(self._evidence, end) if line is None else remarks_on(line):
            self._listener.event(Noted(text=text))
        return judge(self._evidence, end) if line is None else judge_board(self._evidence, end, line)

    def _watch(self, now: float) -> None:
        """End the process where the user wants it, or where its time is over."""
        idle_s, limit_s = now - self._watched_since, self._request.timeout_s
        if not self._stopped and self._listener.should_stop():
            self._stopped = True
            self._end(now)
        elif self._waiting:
            if idle_s > limit_s:
                self._listener.event(Noted(text=f"ended after {limit_s:g} s without a request"))
                self._finish(now)
        elif idle_s > limit_s + self._patience.overdue and self._overdue_s is None:
            self._overdue_s = idle_s
            self._frozen = self._child.frozen()
            self._end(now)
        elif self._finish_by is not None and now > self._finish_by and not self._closed:
            self._closed = True
            self._end(now)

    def _read(self) -> bytes | None:
        # What was there before we asked came while we were busy, and nobody knows when.
        if not self._child.readable():
            data = self._child.read(self._patience.poll)
            self._came = self._clock()
            return data
        return self._child.read(self._patience.poll)

    def _collect(self) -> None:
        lacking = self._listener.collect(self._request.first + self._collected)
        self._collected += 1
        if lacking is None:
            self._outputs += 1
        self._lacking = self._lacking or lacking

    def _take(self, data: bytes) -> None:
        # First kept, then read: whatever the parser makes of it, the bytes are there.
        view = memoryview(data)
        while view:
            view = view[self._log.write(view) :]
        self._pass_on(self._parser.feed(data))

    def _pass_on(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Logged):
                self._evidence.add(event)
            self._listener.event(event)

    # The runner's server mode: after its start and after each inference it waits for a line, the first included; the
    # end of its input ends it (arm_executor_runner.cpp, run_model_server).

    def _serve(self) -> None:
        parser = self._parser
        if not parser.server_ready or self._stopped or parser.served < self._asked or self._finish_by is not None:
            return
        if self._asked > self._collected:
            self._collect()
        demand = self._listener.demand()
        if self._asked >= demand.inferences:
            if not demand.stays:
                self._finish(self._clock())
            elif not self._waiting:
                self._waiting, self._watched_since = True, self._clock()
                self._listener.event(PhaseChanged(phase=WAITING))
            return
        if self._stays:
            # One that stays is given its time for each inference.
            self._waiting, self._watched_since = False, self._clock()
        if self._asked:
            self._listener.prepare(self._request.first + self._asked)
        self._asked += 1
        self._came = self._clock()
        self._pass_on(parser.begin())
        self._child.write(GO)

    def _finish(self, now: float) -> None:
        """No further inference: the end of its input ends a server."""
        self._waiting = False
        self._finish_by = now + self._patience.finish
        self._child.end_input()

    # The end

    def _end(self, now: float) -> None:
        """Begin to end the process, ever less politely; what it prints meanwhile is still read."""
        if self._escalation:
            return
        self._child.signal(signal.SIGINT)
        terminate = now + self._patience.interrupt
        kill = terminate + self._patience.terminate
        self._escalation = [
            (terminate, signal.SIGTERM),
            (kill, signal.SIGKILL),
            (kill + self._patience.kill, None),
        ]

    def _escalate(self, now: float) -> bool:
        """Send the next signal when its time has come; False when there is nothing left to wait for."""
        while self._escalation and now > self._escalation[0][0]:
            _, number = self._escalation.pop(0)
            if number is None:
                return False
            self._child.signal(number)
        return True

    def _how_it_ended(self, status: int | None, number: int | None) -> End:
        return End(
            exit_status=status,
            signal=number,
            stopped=self._stopped,
            overdue_s=self._overdue_s,
            frozen=self._frozen,
            closed=self._closed,
            timeout_s=self._request.timeout_s,
            expected=max(self._listener.demand().inferences, self._asked) if self._server else 1,
            finished=self._parser.finished,
            server=self._server,
            server_ready=self._parser.server_ready,
            phase=self._parser.phase,
            outputs=self._outputs,
            lacking=self._lacking or NOTHING,
        )
