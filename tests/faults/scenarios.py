"""The scenarios in which one run meets one fault: whom it hits, with what, and what may then be shown of the run."""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import psutil

from tests.faults import judging
from tests.faults.judging import NONE, Outcome
from tests.faults.world import MODEL, Machine, Viewer, World, finished, machine, until
from tests.watching import LIMIT_S
from tui.errors import UserError
from tui.run import control

LEFT = "is still running"
"""What a command says that leaves its run."""
LEFT_STATUS = 130

EXITS: Mapping[str, frozenset[int]] = {
    "ok": frozenset({0}),
    "failed": frozenset({1, 3, 4}),
    "stopped": frozenset({130}),
    "lost": frozenset({1}),
    # Before it has a run, a command ends as signals end it; one that is told to stop no run says that there is none.
    NONE: frozenset({130, -2, -15, -1, -9}),
}
"""Exit status of ``run`` by what becomes of its run."""


@dataclass(frozen=True)
class Scenario:
    """One fault."""

    name: str
    victim: str
    """``viewer``, ``run``, ``platform``, ``server``; ``stop`` is no victim, but the command."""
    number: int = 0
    """The signal."""
    allowed: frozenset[str] = frozenset({"ok"})
    ready: bool = True
    """Whether the run takes a ready program, and needs no compiler."""
    terminal: bool = False
    options: tuple[str, ...] = ()
    afterwards: Callable[[Machine, Viewer, psutil.Process], list[str]] | None = None
    """What is done to a victim that was hit; what is wrong with it."""
    slow: bool = False
    """Whether each try takes half a minute, most of it waiting."""

    def arguments(self, world: World) -> tuple[str, ...]:
        """The command line of the run."""
        return "run", str(world.program) if self.ready else MODEL, "--platform", "simulator", *self.options


PARTS = {"run": 0.7, "stop": 0.7, "platform": 0.3}
"""How much of the command's time is theirs."""


def moment(random: Random, span_s: float) -> float:
    """A moment of a span: half of them anywhere, half of them crowded at its beginning."""
    if random.random() < 0.5:
        return random.uniform(0.001, span_s)
    return float(0.001 * (span_s * 1000) ** random.random())


def _victim(scenario: Scenario, made: Machine, viewer: Viewer) -> psutil.Process | None:
    """The process that is to be hit, once it is there; None where the run is over without it."""
    if scenario.victim == "viewer":
        return psutil.Process(viewer.process.pid)
    find = {"run": made.run_process, "platform": made.platform, "server": made.server}[scenario.victim]
    over = False
    while not over:
        # What comes and goes between two looks was there, and is not missed for another reason than that.
        over = viewer.process.poll() is not None
        if (found := find()) is not None:
            return found
    return None


def tried(scenario: Scenario, world: World, number: int, seed: str) -> Outcome:
    """One try."""
    random = Random(f"{seed} {scenario.name} {number}")
    begun = time.monotonic()
    with machine(world, f"{scenario.name.replace(' ', '-')}-{number}") as made:
        viewer = made.start(*scenario.arguments(world), terminal=scenario.terminal)
        span_s = world.ready_s if scenario.ready else world.compile_s
        if scenario.victim == "stop":
            met, wrong = _stop(made, random, span_s)
        else:
            met, wrong = _hit(scenario, made, viewer, random, span_s)
        status = viewer.wait(judging.REST_S)
        wrong += judging.at_rest(made)
        left = judging.left_behind(made)
        ended, more = judging.verdict(made, scenario.allowed)
        wrong += more + _exit(scenario, ended, status, viewer)
        if ended == "lost" and scenario.victim == "viewer" and (made.runs()[0] / "events.jsonl").exists():
            wrong.append("the run process is gone with its viewer")
        tracebacks = judging.tracebacks(judging.texts(made))
    seconds = time.monotonic() - begun
    return Outcome(scenario.name, number, ended, tuple(wrong), tuple(tracebacks), tuple(left), seconds, met)


def _hit(scenario: Scenario, made: Machine, viewer: Viewer, random: Random, span_s: float) -> tuple[bool, list[str]]:
    """Send the signal at a moment; whether it met its victim, and what is wrong after that."""
    victim = _victim(scenario, made, viewer)
    if victim is None:
        return False, []
    if scenario.victim == "viewer" and random.random() < 0.6:
        # Most of them when there is something to lose.
        until(made.runs, LIMIT_S)
    time.sleep(moment(random, span_s * PARTS.get(scenario.victim, 1.0)))
    try:
        if victim.status() == psutil.STATUS_ZOMBIE:
            return False, []
        victim.send_signal(scenario.number)
    except psutil.Error:
        return False, []
    return True, [] if scenario.afterwards is None else scenario.afterwards(made, viewer, victim)


def _stop(made: Machine, random: Random, span_s: float) -> tuple[bool, list[str]]:
    """Stop the run at a moment from its first on, half of the times by the command, which takes a while to start."""
    by_command = random.random() < 0.5
    if until(made.runs, LIMIT_S, 0.0005) is None:
        return False, ["there is no run"]
    (directory,) = made.runs()
    time.sleep(moment(random, span_s * PARTS["stop"]))
    said = ""
    if by_command:
        done = made.command("stop", directory.name)
        if judging.FAULT.search(done.stderr):
            return False, [f"stop: {done.stderr}"]
        said = done.stderr if done.returncode else ""
    else:
        try:
            control.stop(directory)
        except UserError as error:
            said = str(error)
    if said:
        return False, [] if "is not running" in said or "just ended" in said else [f"stop: {said}"]
    made.viewers[0].wait(LIMIT_S)
    ended, _ = judging.verdict(made, {"stopped"})
    return True, [] if ended == "stopped" else [f"stop was taken, and the run is {ended}"]


def _exit(scenario: Scenario, ended: str, status: int | None, viewer: Viewer) -> list[str]:
    """What is wrong with the exit status of ``run``."""
    if status is None:
        return ["run did not end"]
    if scenario.victim == "viewer" and scenario.number == signal.SIGKILL and status == -signal.SIGKILL:
        return []
    if status == LEFT_STATUS and ended in ("ok", "lost") and scenario.terminal:
        # After a hangup there was nothing to say it on.
        said = LEFT in viewer.text() or scenario.number == 0
        return [] if said else [f"run ended with 130 and did not say that the run goes on: {viewer.text()[-300:]}"]
    if ended == NONE and judging.interpreters(viewer.text()):
        return []
    if status not in EXITS.get(ended, frozenset()):
        return [f"run ended with {status}, and the run is {ended}: {viewer.text()[-300:]}"]
    return []


def _run_ends_meanwhile(made: Machine, viewer: Viewer, victim: psutil.Process) -> list[str]:
    """A frozen viewer changes nothing: its run, where it had begun one, ends; then the viewer goes on."""
    wrong = []
    if until(made.runs, 0.5) and not until(lambda: _over(made), LIMIT_S, 0.02):
        wrong.append("a frozen viewer keeps the run from its end")
    victim.send_signal(signal.SIGCONT)
    return wrong


def _over(made: Machine) -> bool:
    """Whether the run has ended; one whose process was not yet started, as its viewer is frozen, waits."""
    (directory,) = made.runs()
    return finished(directory) if (directory / "events.jsonl").exists() else made.run_process() is None


def _stopped_when_woken(made: Machine, viewer: Viewer, victim: psutil.Process) -> list[str]:
    """A frozen run is running; it cannot answer, which is said with its cause; woken, it hears the word."""
    wrong = []
    (directory,) = made.runs()
    if not finished(directory) if (directory / "events.jsonl").exists() else True:
        before = made.command("show", directory.name, "--json")
        if '"running"' not in before.stdout and not finished(directory):
            wrong.append(f"a frozen run is not shown as running: {before.stdout[:200]}")
    done = made.command("stop", directory.name)
    known = ("is frozen: kill -CONT", "is not running")
    if done.returncode != 0 and not any(words in done.stderr for words in known):
        wrong.append(f"stop of a frozen run: {done.stderr}")
    victim.send_signal(signal.SIGCONT)
    return wrong


def _hung_up(made: Machine, viewer: Viewer, victim: psutil.Process) -> list[str]:
    viewer.hang_up()
    return []


STOPPED = frozenset({"stopped", "ok", NONE})
LOST = frozenset({"lost", "ok"})
WATCHED = frozenset({"ok", "lost", NONE})
"""Of a run whose command is ended: it goes on. Lost is one that had no process yet, which is looked for."""

SCENARIOS = (
    Scenario("viewer killed", "viewer", signal.SIGKILL, WATCHED),
    Scenario("viewer frozen", "viewer", signal.SIGSTOP, afterwards=_run_ends_meanwhile),
    Scenario("viewer SIGINT", "viewer", signal.SIGINT, STOPPED),
    Scenario("viewer SIGTERM", "viewer", signal.SIGTERM, STOPPED),
    Scenario("viewer SIGHUP", "viewer", signal.SIGHUP, STOPPED),
    Scenario("viewer SIGTERM, terminal", "viewer", signal.SIGTERM, WATCHED, terminal=True),
    Scenario("viewer SIGHUP, terminal", "viewer", signal.SIGHUP, WATCHED, terminal=True),
    Scenario("terminal gone", "viewer", 0, WATCHED, terminal=True, afterwards=_hung_up),
    Scenario("run killed", "run", signal.SIGKILL, LOST),
    Scenario("run killed, compiling", "run", signal.SIGKILL, LOST, ready=False),
    Scenario("run frozen, then stop", "run", signal.SIGSTOP, STOPPED, afterwards=_stopped_when_woken),
    Scenario("run SIGTERM", "run", signal.SIGTERM, STOPPED - {NONE}),
    Scenario("run SIGTERM, compiling", "run", signal.SIGTERM, STOPPED - {NONE}, ready=False),
    Scenario("run SIGINT", "run", signal.SIGINT, STOPPED - {NONE}),
    Scenario("run SIGHUP", "run", signal.SIGHUP),
    Scenario("stop", "stop", 0, STOPPED - {NONE}),
    Scenario("stop, compiling", "stop", 0, STOPPED - {NONE}, ready=False),
    Scenario("platform killed", "platform", signal.SIGKILL, frozenset({"failed", "ok"})),
    Scenario(
        "platform frozen",
        "platform",
        signal.SIGSTOP,
        frozenset({"failed", "ok"}),
        options=("--timeout", "1"),
        slow=True,
    ),
    Scenario("server killed", "server", signal.SIGKILL, ready=False),
    Scenario("server frozen", "server", signal.SIGSTOP, ready=False),
)
