"""One process of a platform from start to end: console kept and parsed, inferences fed, its end made sure of."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tui.platform import known
from tui.platform.child import CannotStart, Child
from tui.platform.command import is_fast
from tui.platform.uart import Parser
from tui.platform.verdict import End, Evidence, judge, remarks
from tui.run.events import Event, Logged, Noted, PhaseChanged, PlatformExited
from tui.run.figures import Source
from tui.toolchain.boards import Board

GO = b"go\n"
"""What starts an inference of the runner's server mode: any line."""


WAITING = "waiting"
"""The phase of a platform that stays for further inferences."""


@dataclass(frozen=True)
class Demand:
    """What is asked of a platform by now."""

    inferences: int
    stays: bool = False
    """Whether it waits for further ones when it has done those."""


@dataclass(frozen=True)
class Patience:
    """How long what is waited for, in seconds."""

    poll: float = 0.1
    """A wait for output; the user's stop is noticed this soon."""
    interrupt: float = 5.0
    """From SIGINT to SIGTERM: an FVP takes seconds to end and to print its statistics."""
    terminate: float = 2.0
    """From SIGTERM to SIGKILL."""
    kill: float = 2.0
    """From SIGKILL to giving up."""
    overdue: float = 30.0
    """Beyond the platform's own time limit, which leaves out start and shutdown."""
    finish: float = 10.0
    """For a server to end after its last inference."""


def run(
    argv: Sequence[str],
    *,
    board: Board,
    cwd: Path,
    env: Mapping[str, str],
    console: Path,
    emit: Callable[[Event], None],
    source: Source,
    demand: Callable[[], Demand],
    prepare: Callable[[int], None],
    collect: Callable[[int], tuple[str, str] | None],
    timeout_s: float,
    should_stop: Callable[[], bool],
    on_started: Callable[[int], None],
    follow: Callable[[], Sequence[Event]] = list,
    first: int = 0,
    patience: Patience = Patience(),
    clock: Callable[[], float] = time.monotonic,
) -> PlatformExited:
    """Run the platform to its end and judge it. What it prints goes to `console` byte for byte, then to `emit`.

    `prepare(k)` writes the input files of inference k, `collect(k)` takes its outputs, or says why they are not there
    and what to do; `follow` is asked for events from elsewhere, such as a trace that is being written, before what the
    console says next. Where `demand` is of more than one inference, or to stay, the runner must have been asked for its
    server mode; one that stays is ended when nothing was asked of it for `timeout_s`. `first` is the number of the
    first inference. The verdict is returned, not emitted.

    Raises:
        OSError: the console log cannot be written. What the callbacks raise is passed on. The process is ended first.
    """
    prepare(first)
    if should_stop():
        return judge(Evidence(), End(stopped=True))
    try:
        child = Child(argv, cwd=cwd, env=env)
    except CannotStart as error:
        return _cannot_start(argv[0], error)
    try:
        with console.open("ab", buffering=0) as log:
            on_started(child.pid)
            evidence = Evidence(fast=is_fast(argv, board))
            session = _Session(
                child, source, first, evidence, emit, follow, log, demand, timeout_s, patience, clock, collect
            )
            return session.run(prepare, should_stop)
    finally:
        child.close()


def _cannot_start(program: str, error: CannotStart) -> PlatformExited:
    if finding := known.find(error.what):
        return PlatformExited(verdict="fail", reason=finding.reason, hint=finding.hint)
    reason = f"the platform cannot be started: {error.what}"
    return PlatformExited(verdict="fail", reason=reason, hint=f"is {program} there and executable?")


class _Session:
    """The state of one run; everything happens in the thread that calls `run`."""

    def __init__(
        self,
        child: Child,
        source: Source,
        first: int,
        evidence: Evidence,
        emit: Callable[[Event], None],
        follow: Callable[[], Sequence[Event]],
        log: BinaryIO,
        demand: Callable[[], Demand],
        timeout_s: float,
        patience: Patience,
        clock: Callable[[], float],
        collect: Callable[[int], tuple[str, str] | None],
    ) -> None:
        self._child = child
        self._parser = Parser(source, lambda: self._came, first)
        self._evidence = evidence
        self._emit = emit
        self._follow = follow
        self._log = log
        self._demand = demand
        self._timeout_s = timeout_s
        self._patience = patience
        self._clock = clock
        self._collect_outputs = collect
        self._came = clock()
        """When what is being read came, which may be before it is read."""
        self._started = self._watched_since = clock()
        wanted = demand()
        self._stays = wanted.stays
        self._server = wanted.inferences > 1 or wanted.stays
        self._waiting = False
        self._asked = 0
        self._collected = 0
        self._outputs = 0
        self._lacking: tuple[str, str] | None = None
        self._stopped = False
        self._overdue_s: float | None = None
        self._frozen = False
        self._closed = False
        self._finish_by: float | None = None
        self._escalation: list[tuple[float, signal.Signals | None]] = []

    def run(
        self,
        prepare: Callable[[int], None],
        should_stop: Callable[[], bool],
    ) -> PlatformExited:
        while (data := self._read()) is not None:
            self._pass_on(self._follow())
            if data:
                self._take(data)
            if self._server:
                self._serve(prepare)
            now = self._clock()
            if not self._stopped and should_stop():
                self._stopped = True
                self._end(now)
            elif self._waiting:
                if now - self._watched_since > self._timeout_s:
                    self._emit(Noted(text=f"ended, since nothing was asked of it for {self._timeout_s:g} s"))
                    self._finish(now)
            elif now - self._watched_since > self._timeout_s + self._patience.overdue and self._overdue_s is None:
                self._overdue_s = now - self._watched_since
                self._frozen = self._child.frozen()
                self._end(now)
            elif self._finish_by is not None and now > self._finish_by and not self._closed:
                self._closed = True
                self._end(now)
            if not self._escalate(now):
                break
        self._pass_on(self._follow())
        for rest in self._child.drain():
            self._take(rest)
        self._pass_on(self._parser.close())
        if self._collected < self._parser.finished and not self._server:
            self._collect()
        status, number = self._child.close()
        end = self._how_it_ended(status, number)
        for text in remarks(self._evidence, end):
            self._emit(Noted(text=text))
        return judge(self._evidence, end)

    def _read(self) -> bytes | None:
        # What was there before we asked came while we were busy, and nobody knows when.
        if not self._child.readable():
            data = self._child.read(self._patience.poll)
            self._came = self._clock()
            return data
        return self._child.read(self._patience.poll)

    def _collect(self) -> None:
        lacking = self._collect_outputs(self._collected)
        self._collected += 1
        self._outputs += lacking is None
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
            self._emit(event)

    # The runner's server mode: after its start and after each inference it waits for a line, the first included; the
    # end of its input ends it (arm_executor_runner.cpp, run_model_server).

    def _serve(self, prepare: Callable[[int], None]) -> None:
        parser = self._parser
        if not parser.server_ready or self._stopped or parser.served < self._asked or self._finish_by is not None:
            return
        if self._asked > self._collected:
            self._collect()
        wanted = self._demand()
        if self._asked >= wanted.inferences:
            if not wanted.stays:
                self._finish(self._clock())
            elif not self._waiting:
                self._waiting, self._watched_since = True, self._clock()
                self._emit(PhaseChanged(phase=WAITING))
            return
        if self._stays:
            # One that stays is given its time for each inference.
            self._waiting, self._watched_since = False, self._clock()
        if self._asked:
            prepare(self._asked)
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
        """Whether there is still something to wait for."""
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
            timeout_s=self._timeout_s,
            expected=max(self._demand().inferences, self._asked) if self._server else 1,
            finished=self._parser.finished,
            server=self._server,
            server_ready=self._parser.server_ready,
            phase=self._parser.phase,
            outputs=self._outputs,
            lacking=self._lacking or ("", ""),
        )
