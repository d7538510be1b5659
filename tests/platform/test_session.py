"""The session, driven through a real pty with a stand-in for the FVP."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.platform import consoles
from tests.platform.listener import Idle
from tui.platform import command, session
from tui.platform.selection import Choice
from tui.platform.session import WAITING, Demand, Patience
from tui.platform.verdict import Failure
from tui.run import events
from tui.run.events import Event, Logged, PlatformExited
from tui.run.spec import Spec

FAKE = Path(__file__).parent / "fake_fvp.py"
IMPATIENT = Patience(poll=0.02, interrupt=0.2, terminate=0.2, kill=1.0, overdue=0.2, finish=0.2)
GENTLE = Patience(poll=0.02, interrupt=20, terminate=0.2, kill=1.0, overdue=0.2, finish=20)


@dataclass
class Run:
    """A session and what came of it."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    prepared: list[int] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    verdict: PlatformExited | None = None

    def take(self, k: int) -> None:
        assert k == len(self.outputs)
        self.outputs.append((self.folder / "out-0.bin").read_bytes())

    @property
    def console(self) -> bytes:
        return (self.folder / "console.log").read_bytes()

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def saw(self, text: str) -> bool:
        return any(text in event.text for event in self.of(Logged))

    def start(
        self,
        *options: str,
        inferences: int = 1,
        should_stop: Callable[[], bool] = lambda: False,
        patience: Patience = GENTLE,
        timeout_s: float = 60,
        argv: list[str] | None = None,
        collect: Callable[[int], Failure | None] | None = None,
        demand: Callable[[], Demand] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> PlatformExited:
        choice = Choice("fvp", (sys.executable, str(FAKE), *options), "fake", None, "", None, dict(os.environ))
        spec = Spec(model="m", inferences=inferences)
        server = inferences > 1 or demand is not None
        words = command.build(spec, choice, self.folder, inputs=1, server=server)

        request = session.Request(
            argv=argv or words,
            cwd=self.folder,
            env=choice.env,
            console=self.folder / "console.log",
            source="measured",
            timeout_s=timeout_s,
            fast=command.is_fast(words, spec.target.board),
        )
        listener = Caller(self, should_stop, collect or self.take, demand or (lambda: Demand(inferences)))
        self.verdict = session.run(request, listener, patience=patience, clock=clock)
        return self.verdict


@dataclass
class Caller(Idle):
    """What a test wants of the session, and the record of what it says."""

    run: Run
    should_stop: Callable[[], bool]
    collect: Callable[[int], Failure | None]
    demand: Callable[[], Demand]

    def prepare(self, inference: int) -> None:
        self.run.prepared.append(inference)
        (self.run.folder / "i0.bin").write_bytes(bytes([inference]) * (inference + 1))

    def started(self, pid: int) -> None:
        self.run.pids.append(pid)

    def event(self, event: Event) -> None:
        self.run.events.append(event)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int, within_s: float = 10) -> bool:
    """Whether a process that is not our child ends in time: waits for its end, not for time to pass."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)


def test_one_inference_from_start_to_end(run: Run) -> None:
    verdict = run.start()
    assert (verdict.verdict, verdict.exit_status, verdict.signal) == ("pass", 0, None)
    assert (run.prepared, run.outputs) == ([0], [b"\xff"])
    assert [e.phase for e in run.of(events.PhaseChanged)] == ["boot", "load", "prepare", "infer", "report", "exit"]
    (finished,) = run.of(events.InferenceFinished)
    assert finished.inference.npu_cycles == 1001
    assert finished.inference.pmu == {"ETHOSU_PMU_FIRST_EVENT": 10, "ETHOSU_PMU_SECOND_EVENT": 11}
    assert run.of(events.StatisticsKnown)[0].statistics.instructions == 1_250_000
    assert not run.of(PlatformExited)
    assert len(run.pids) == 1
    assert not alive(run.pids[0])


def test_the_console_log_holds_what_the_platform_wrote(run: Run) -> None:
    run.start()
    assert b"Program complete, exiting.\r\n" in run.console
    assert b"\r\r\n" not in run.console
    assert b"Listening for serial connection on port 5000\ntelnet" in run.console


def test_a_server_runs_several_inferences_in_one_process(run: Run) -> None:
    verdict = run.start(inferences=3)
    assert verdict.verdict == "pass"
    assert run.prepared == [0, 1, 2]
    assert run.outputs == [b"\xff", b"\xfe\xfe", b"\xfd\xfd\xfd"]
    assert [e.index for e in run.of(events.InferenceStarted)] == [0, 1, 2]
    inferences = [e.inference for e in run.of(events.InferenceFinished)]
    assert [i.npu_cycles for i in inferences] == [1001, 1002, 1003]
    assert all(i.wall_s is None or i.wall_s > 0 for i in inferences)
    # It was ended by the end of its input, so that its last words came.
    assert run.saw("Program complete")
    assert run.of(events.StatisticsKnown)
    assert len(run.pids) == 1


def test_an_inference_of_a_server_without_its_outputs_fails_the_run(run: Run) -> None:
    def collect(k: int) -> Failure | None:
        return Failure("out-0.bin was not written", "look") if k == 1 else None

    verdict = run.start(inferences=3, collect=collect)
    assert (verdict.verdict, verdict.hint) == ("fail", "look")
    assert verdict.reason == "2 of 3 inferences gave outputs: out-0.bin was not written"


def test_what_waits_to_be_read_has_no_time(run: Run) -> None:
    # Two lines come together; between their reads, time passes here.
    (run.folder / "bytes").write_bytes(b"Starting running 1 inferences...\n" + b"1 inferences finished\n")
    times = iter(range(1000))
    run.start("--bytes", str(run.folder / "bytes"), collect=lambda k: None, clock=lambda: float(next(times)))
    (finished,) = run.of(events.InferenceFinished)
    assert finished.inference.wall_s is None


def test_a_server_that_stays_is_ended_and_its_results_count(run: Run) -> None:
    verdict = run.start("--fault", "stay", "--amount", "2", inferences=2, patience=IMPATIENT)
    assert (verdict.verdict, len(run.outputs)) == ("pass", 2)
    assert run.of(events.StatisticsKnown)


def phases(run: Run) -> list[str]:
    return [event.phase for event in run.of(events.PhaseChanged)]


def test_one_that_stays_runs_what_is_asked_of_it_while_it_waits(run: Run) -> None:
    def demand() -> Demand:
        # Asked for one more each time it waits, twice; then let go.
        times = phases(run).count(WAITING)
        return Demand(1 + min(times, 2), stays=times < 3)

    verdict = run.start(demand=demand)
    assert verdict.verdict == "pass"
    assert run.prepared == [0, 1, 2]
    assert run.outputs == [b"\xff", b"\xfe\xfe", b"\xfd\xfd\xfd"]
    assert phases(run).count(WAITING) == 3
    # What the last one was to print came after the end of its input.
    assert run.saw("Program complete")


def test_one_that_stays_is_let_go_when_nothing_is_asked_of_it(run: Run) -> None:
    verdict = run.start(demand=lambda: Demand(1, stays=True), timeout_s=0.3)
    assert (verdict.verdict, len(run.outputs)) == ("pass", 1)
    assert [event.text for event in run.of(events.Noted) if "without a request" in event.text]


def test_one_that_stays_has_its_time_for_each_inference(run: Run) -> None:
    verdict = run.start(
        "--fault", "stuck", "--amount", "1", demand=lambda: Demand(2, True), timeout_s=0.3, patience=IMPATIENT
    )
    assert (verdict.verdict, len(run.outputs)) == ("fail", 1)
    assert "exceeded its time limit" in verdict.reason


def test_a_server_that_dies_between_inferences_fails(run: Run) -> None:
    verdict = run.start("--fault", "die-serving", inferences=3)
    assert (verdict.verdict, verdict.exit_status, len(run.outputs)) == ("fail", 3, 1)


def test_a_runner_without_server_mode_is_named_as_that(run: Run) -> None:
    verdict = run.start("--fault", "no-server", inferences=3)
    assert (verdict.verdict, "no server mode" in verdict.reason) == ("fail", True)


def test_an_error_line_fails_the_run_though_it_exits_with_0(run: Run) -> None:
    verdict = run.start("--fault", "error")
    assert (verdict.verdict, verdict.exit_status) == ("fail", 0)
    assert "the NPU refused its work" in verdict.reason


def test_the_platform_s_own_time_limit_fails_the_run(run: Run) -> None:
    verdict = run.start("--fault", "limit", timeout_s=60)
    assert (verdict.verdict, verdict.reason) == ("fail", "the time limit of 60 s was reached")
    assert "--timeout" in verdict.hint


def test_nothing_is_lost_of_a_platform_that_dies_at_once(run: Run) -> None:
    verdict = run.start("--fault", "die")
    assert (verdict.verdict, verdict.exit_status) == ("fail", 3)
    assert run.console == b"half a li\n"


def test_nothing_is_lost_of_a_long_last_word(run: Run) -> None:
    run.start("--fault", "instant", "--amount", "20000")
    assert run.console == b"".join(b"line %d\n" % n for n in range(20000))
    assert len(run.of(Logged)) == 20000


def test_a_crash_names_its_signal(run: Run) -> None:
    verdict = run.start("--fault", "crash")
    assert (verdict.verdict, verdict.signal, "SIGSEGV" in verdict.reason) == ("fail", signal.SIGSEGV, True)


def test_a_line_of_a_megabyte_passes_through(run: Run) -> None:
    run.start("--fault", "huge", "--amount", "1000000")
    assert run.saw("Program complete")
    assert run.console.startswith(b"y" * 1_000_000 + b"\r\n")
    assert len(run.of(Logged)[0].text) < 70_000


def test_every_byte_reaches_the_console_log(run: Run) -> None:
    data = bytes(range(256)) * 64 + "é漢🙂".encode() + b"\xff\xfe\x04\x1b[2J no end"
    (run.folder / "bytes").write_bytes(data)
    run.start("--bytes", str(run.folder / "bytes"))
    assert run.console == data
    assert [events.decode(events.encode(e)) for e in run.events] == run.events


@pytest.mark.parametrize("console", consoles.ALL, ids=lambda c: c.name)
def test_a_whole_console_is_judged(console: consoles.Console, run: Run) -> None:
    (run.folder / "bytes").write_bytes(console.text)
    verdict = run.start("--bytes", str(run.folder / "bytes"), collect=lambda k: None)
    assert run.console == console.text
    assert verdict.verdict == console.verdict, verdict.reason


def test_a_stop_ends_the_platform_politely(run: Run) -> None:
    verdict = run.start("--fault", "hang", should_stop=lambda: run.saw("up"))
    assert (verdict.verdict, verdict.exit_status) == ("stopped", 0)
    # The statistics come only after a polite end.
    assert run.of(events.StatisticsKnown)


@pytest.mark.parametrize(
    ("fault", "mark", "last"), [("deaf", "deaf", signal.SIGKILL), ("flood", "flood", signal.SIGTERM)]
)
def test_a_stop_ends_a_platform_that_will_not(fault: str, mark: str, last: int, run: Run) -> None:
    verdict = run.start("--fault", fault, should_stop=lambda: run.saw(mark), patience=IMPATIENT)
    assert (verdict.verdict, verdict.signal) == ("stopped", last)
    assert not alive(run.pids[0])


def test_a_stop_between_two_inferences_of_a_server(run: Run) -> None:
    verdict = run.start(inferences=1000, should_stop=lambda: len(run.outputs) == 3)
    assert verdict.verdict == "stopped"
    assert len(run.outputs) == 3


def test_a_stop_before_the_start_starts_nothing(run: Run) -> None:
    verdict = run.start(should_stop=lambda: True)
    assert (verdict.verdict, run.pids) == ("stopped", [])


@pytest.mark.parametrize("fault", ["hang", "deaf"])
def test_a_platform_that_does_not_keep_its_time_limit_is_ended(fault: str, run: Run) -> None:
    verdict = run.start("--fault", fault, timeout_s=0.3, patience=IMPATIENT)
    assert (verdict.verdict, "exceeded its time limit" in verdict.reason) == ("fail", True)
    assert not alive(run.pids[0])


def test_what_the_platform_leaves_behind_is_ended(run: Run) -> None:
    verdict = run.start("--fault", "leave")
    # It says that it is complete, and that is all: nobody has seen an inference.
    assert (verdict.verdict, verdict.exit_status) == ("fail", 0)
    assert verdict.reason == "0 of 1 inferences ran, though the program reports its end"
    (line,) = (e.text for e in run.of(Logged) if "left behind" in e.text)
    assert gone(int(line.rsplit(" ", 1)[1]))


def test_a_fault_of_a_callback_ends_the_platform(run: Run) -> None:
    def fails(_k: int) -> Failure | None:
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        run.start(inferences=2, collect=fails)
    assert not alive(run.pids[0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (None, "cannot be started"),
        (b"\x7fELF nothing this kernel knows", "another processor architecture"),
        (b"no script either", "another processor architecture"),
    ],
)
def test_a_program_that_cannot_be_executed_is_a_verdict(make: bytes | None, said: str, run: Run) -> None:
    program = run.folder / "with a space"
    if make is not None:
        program.write_bytes(make)
        program.chmod(0o755)
    for argv in ([str(program)], [str(program), "-C", "a=b"]):
        verdict = run.start(argv=argv)
        assert (verdict.verdict, said in verdict.reason) == ("fail", True), verdict.reason
    assert run.pids == []


def test_the_platform_is_in_a_session_of_its_own_with_signals_as_usual(run: Run) -> None:
    script = (
        "import os, signal, sys; s = signal;"
        "print('own', os.getsid(0) == os.getpid(), os.isatty(0), os.isatty(1),"
        " [s.getsignal(n) == s.SIG_DFL for n in (s.SIGHUP, s.SIGTERM, s.SIGUSR1)], len(os.listdir('/proc/self/fd')))"
    )
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run.start(argv=[sys.executable, "-c", script])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert run.console == b"own True True True [True, True, True] 4\n"


def test_a_killed_run_process_leaves_no_platform_behind(tmp_path: Path) -> None:
    script = f"""
import os, sys
from pathlib import Path
from tests.platform.listener import Idle
from tui.platform import session
class Caller(Idle):
    def started(self, pid):
        print(pid, flush=True)
folder = Path({str(tmp_path)!r})
argv = [sys.executable, {str(FAKE)!r}, "--fault", "deaf"]
console = folder / "console.log"
request = session.Request(
    argv=argv, cwd=folder, env=dict(os.environ), console=console, source="measured", timeout_s=60
)
session.run(request, Caller())
"""
    env = {**os.environ, "PYTHONPATH": str(FAKE.parent.parent.parent)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert gone(pid)


def test_a_frozen_platform_is_ended_by_its_time_limit_and_named(run: Run) -> None:
    frozen: list[int] = []

    def freeze() -> bool:
        # Asked for between two reads: it is up, and hangs.
        if run.saw("up") and not frozen:
            frozen.extend(run.pids)
            os.kill(run.pids[0], signal.SIGSTOP)
        return False

    verdict = run.start("--fault", "hang", should_stop=freeze, patience=IMPATIENT, timeout_s=2)
    assert (verdict.verdict, verdict.hint) == ("fail", "kill -CONT wakes such a process")
    assert verdict.reason.startswith("the platform's process was frozen by a signal and was ended after ")
    assert frozen and gone(frozen[0])
