"""Verdict on a run of the platform, weighed from its text and its exit status.

Neither alone will do: an FVP exits 0 after an error, after a limit and after a failed test, and its last words say
"stopped by user" on every end.
"""

import re
import signal as signals
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from tui.platform.dialects import COMPLETE
from tui.platform.failure_table import Kind
from tui.platform.failures import Finding, find
from tui.platform.lines import NANO, STOPPED, Message, any_in, level, messages
from tui.run.events import Logged, PlatformExited
from tui.text import clean, counted

REASON_LIMIT = 300

_COMPLETE_KEYS = ("complete", "exiting.", "exit code", "EXITTHESIM", "terminat", "inference PASS")
_ASSERTION = re.compile(r"(?:In function .{1,200}?, assert failed|Check failed)(?: \(.*?\))?: (?P<text>.+)")
# Arm's SDS documentation: said at the end of a run by the Python inside the FVP, which then aborts; without effect.
_PYTHON_AT_EXIT = re.compile(r"Fatal Python error: .*(?:_Py_GetConfig|GIL held)")
PYTHON_AT_EXIT = (
    "the Python inside the FVP aborted at the FVP's exit (_Py_GetConfig without the GIL): Arm knows of it, and it has "
    "no effect on the results"
)
# Printed by --fast runs as errors; examples/arm/run_fvp.sh passes over the same two.
_FAST_NOISE = re.compile(r"Failed to initialize timing-adapter #\d+|Timing adapter has no effect if option")


class Failure(NamedTuple):
    """A failure in words: its reason, and what to do about it."""

    reason: str
    hint: str = ""


NOTHING = Failure("")


@dataclass(frozen=True)
class End:
    """End of the platform's process."""

    exit_status: int | None = None
    signal: int | None = None
    stopped: bool = False
    """True if the user asked for it."""
    overdue_s: float | None = None
    """Seconds after which we stopped it, since it exceeded its time limit."""
    frozen: bool = False
    """True if a signal had stopped it by then, and no other had woken it."""
    closed: bool = False
    """True if we stopped it after its last inference, having no polite end."""
    timeout_s: float | None = None
    """The time limit it was given."""
    expected: int = 1
    finished: int = 0
    """Inferences asked for and ended."""
    server: bool = False
    """True if several inferences were asked of one process."""
    server_ready: bool = False
    """True if the runner said that it runs in server mode."""
    phase: str = ""
    outputs: int | None = None
    """Inferences whose outputs were taken; None where nobody asked for any, as of a log."""
    lacking: Failure = NOTHING
    """Cause of the first outputs that are not there."""


class Evidence:
    """Evidence for the verdict, gathered from a console line by line. Keeps one finding of each kind, not the text."""

    def __init__(self, *, fast: bool = False) -> None:
        """`fast`: the NPU runs in fast mode, where two messages of the timing adapter mean nothing."""
        self._fast = fast
        self._messages = 0
        self._found: dict[Kind, tuple[int, Finding]] = {}
        self._fatal: tuple[int, Finding] | None = None
        self._error: tuple[int, Finding] | None = None
        self.complete = False
        """True if the program said that it reached its end."""
        self.in_time = False
        """True if it did so before a limit stopped the platform."""
        self.spoke = False
        """True if the program on the platform printed anything."""
        self.python_died = False
        """True if the FVP's own Python said at the FVP's exit that it aborts."""
        self.passed = False
        """True if a bundled program's test passed."""
        self._stopped = False

    def add(self, line: Logged) -> None:
        """Take up one line of the log."""
        self.spoke = self.spoke or (line.source == "uart" and bool(line.text.strip()))
        # The bulk of a console.
        if not line.text.startswith("Output["):
            for message in messages(line.text):
                self._add(message)

    def _add(self, message: Message) -> None:
        text = message.text
        if text.startswith("Output[") or (self._fast and "iming" in text and _FAST_NOISE.search(text)):
            return
        self._messages += 1
        if any_in(_COMPLETE_KEYS, text) and COMPLETE.search(text):
            self.complete = True
            self.in_time = self.in_time or Kind.LIMIT not in self._found
        self._stopped = self._stopped or STOPPED in text
        self.passed = self.passed or "Test_result: PASS" in text
        if (self.complete or self._stopped) and _PYTHON_AT_EXIT.match(text):
            self.python_died = True
        if finding := find(text):
            self._found.setdefault(finding.kind, (self._messages, finding))
        if level(message) == "error":
            self._worse(message)

    def _worse(self, message: Message) -> None:
        text = message.text
        fatal = message.letter == "F" or text.startswith("F [")
        kind = Kind.FAULT if fatal else Kind.ERROR
        finding = find(text)
        if finding is not None and finding.kind < kind:
            return
        hint = "see the lines before it in the log"
        if assertion := _ASSERTION.search(text):
            said = f"the program stopped at an assertion: {clean(assertion['text'].strip(), REASON_LIMIT)}"
            hint = f"{hint}: {clean(text[: assertion.start('text')].strip(' :'), REASON_LIMIT)}"
        elif message.garbled:
            said, hint = (
                f"the program reports an error whose text is lost: {NANO}",
                "see the name of its file in the log",
            )
        else:
            said = f"the program reports: {clean(text.strip(), REASON_LIMIT)}"
        first = self._messages, Finding(kind, said, hint, text)
        if fatal:
            self._fatal = self._fatal or first
        else:
            self._error = self._error or first

    def forget(self, kind: Kind) -> None:
        """Drop the finding of a kind, which turned out to be of something else."""
        self._found.pop(kind, None)

    def of(self, kind: Kind) -> Finding | None:
        """The first finding of a kind."""
        return self._found[kind][1] if kind in self._found else None

    def _before(self, first: tuple[int, Finding] | None, end: int) -> Finding | None:
        """A finding, if it is not later than message `end`."""
        return first[1] if first is not None and first[0] <= end else None

    @property
    def fault(self) -> Finding | None:
        """A hard fault or what a fatal line tells of, in the words of the error that led to it."""
        hard = self._found.get(Kind.FAULT)
        if hard is None:
            # After a failed test the runner aborts: that is the same failure.
            return None if self.of(Kind.TEST) else self._abort(self._messages)
        at, finding = hard
        cause = self._before(self._found.get(Kind.TEST), at) or self._abort(at) or self._error_before(at)
        if cause is None or cause.line == finding.line:
            return finding
        return replace(finding, reason=f"{cause.reason}; then {finding.reason}", hint=cause.hint or finding.hint)

    def _abort(self, end: int) -> Finding | None:
        """The failure that the first fatal line until message `end` tells of; errors after it are its consequences."""
        if self._fatal is None or self._fatal[0] > end:
            return None
        return self._before(self._found.get(Kind.ERROR), self._fatal[0]) or self._fatal[1]

    def _error_before(self, end: int) -> Finding | None:
        return self._before(self._found.get(Kind.ERROR), end) or self._before(self._error, end)

    @property
    def error(self) -> Finding | None:
        """The first error whose meaning is known, else the first error."""
        return self._error_before(self._messages)


def judge(evidence: Evidence, end: End) -> PlatformExited:
    """The verdict. Of several failures the one that explains the others is named."""
    if end.stopped:
        return _exited(end, "stopped", "stopped by the user")
    failure = _failure(evidence, end)
    if failure is None:
        own = "the program ran to its end"
        return _exited(end, "pass", "all inferences ran; the platform was then stopped" if end.closed else own)
    reason, hint = failure
    return _exited(end, "fail", clean(reason, REASON_LIMIT), clean(hint, REASON_LIMIT))


def judge_log(evidence: Evidence, end: End) -> PlatformExited:
    """The verdict on a log that was captured elsewhere, which may be an excerpt.

    What it shows counts as on the live path. Of what it does not show nothing is said: it fails only by a failure that
    is there, and passes only by inferences and an end that are there.
    """
    failure = _shown(evidence, end)
    if failure is not None:
        reason, hint = failure
        return _exited(end, "fail", clean(reason, REASON_LIMIT), clean(hint, REASON_LIMIT))
    if evidence.complete and end.finished >= end.expected:
        return _exited(end, "pass", "the program ran to its end")
    return _exited(end, "unknown", _not_shown(evidence, end), WHOLE)


WHOLE = "the whole console tells, from the platform's start to its last line"


def _not_shown(evidence: Evidence, end: End) -> str:
    inferences = "no inference" if not end.finished else counted(end.finished, "inference")
    if end.finished and evidence.complete:
        return f"the log shows the program's end, but {end.finished} of {end.expected} inferences"
    if end.finished:
        return f"the log shows {inferences}, but not the program's end"
    if evidence.complete:
        return "the log shows the program's end, but no inference"
    where = f": it ends in phase {end.phase}" if end.phase not in ("", "boot") else ""
    return f"the log shows neither an inference nor the program's end{where}"


def _shown(evidence: Evidence, end: End) -> tuple[str, str] | None:
    """The failure that a log shows; None where it shows none."""
    for finding in (evidence.of(Kind.LOADER), evidence.of(Kind.LICENCE), evidence.fault):
        if finding is not None:
            return finding.reason, finding.hint
    if not _went_on(evidence, end) and (limit := _limit(evidence, end)):
        return limit
    for finding in (evidence.of(Kind.TEST), evidence.error):
        if finding is not None:
            return finding.reason, finding.hint
    return None if evidence.python_died and evidence.complete else _status(end)


def _exited(
    end: End, verdict: Literal["pass", "fail", "stopped", "unknown"], reason: str, hint: str = ""
) -> PlatformExited:
    return PlatformExited(verdict=verdict, reason=reason, hint=hint, exit_status=end.exit_status, signal=end.signal)


def remarks(evidence: Evidence, end: End) -> list[str]:
    """Notes on a run beside its verdict."""
    notes = [PYTHON_AT_EXIT] if evidence.python_died else []
    if _went_on(evidence, end):
        notes.append(
            "the platform kept running after the program's end until a limit stopped it: the parameter "
            "uart0.shutdown_on_eot=1 or uart0.shutdown_tag=EXITTHESIM stops it at once"
        )
    return notes


def _failure(evidence: Evidence, end: End) -> tuple[str, str] | None:
    for finding in (evidence.of(Kind.LOADER), evidence.of(Kind.LICENCE), evidence.fault):
        if finding is not None:
            return finding.reason, finding.hint
    went_on = _went_on(evidence, end)
    if not went_on and (limit := _limit(evidence, end)):
        return limit
    for finding in (evidence.of(Kind.TEST), evidence.error):
        if finding is not None:
            return finding.reason, finding.hint
    if short := _short(end):
        return short
    ended_by_us = end.closed or went_on
    if not ended_by_us and not (evidence.python_died and evidence.complete) and (status := _status(end)):
        return status
    if not evidence.complete and not ended_by_us:
        return _incomplete(evidence, end)
    return _shortfall(end)


def _went_on(evidence: Evidence, end: End) -> bool:
    """True if a limit stopped a platform whose program had ended well before."""
    if evidence.of(Kind.LIMIT) is None and end.overdue_s is None:
        return False
    good = evidence.of(Kind.TEST) is None and evidence.error is None
    return evidence.in_time and good and _shortfall(end) is None


def _limit(evidence: Evidence, end: End) -> tuple[str, str] | None:
    finding = evidence.of(Kind.LIMIT)
    if finding is None and end.overdue_s is None:
        return None
    if end.frozen:
        return (
            f"the platform's process was frozen by a signal and was ended after {end.overdue_s:.0f} s",
            "kill -CONT wakes such a process",
        )
    if finding is None:
        reason = f"the platform exceeded its time limit and was stopped after {end.overdue_s:.0f} s"
    elif finding.reason.startswith("CPU time") and end.timeout_s is not None:
        reason = f"the time limit of {end.timeout_s:g} s was reached"
    else:
        reason = f"the platform stopped: {finding.reason}"
    if (error := evidence.error) is not None:
        return f"{reason}, after an error: {error.reason}", error.hint
    if evidence.complete:
        test = evidence.of(Kind.TEST)
        cause = _shortfall(end) if test is None else (test.reason, test.hint)
        why, hint = cause or ("the program had ended", "")
        return f"{why}; then {reason}", hint
    if not evidence.spoke:
        return (
            f"{reason}; the program printed nothing",
            "a runner built with SEMIHOSTING needs the semihosting parameters, one built without must not have them",
        )
    for words, option in _OTHER_LIMITS.items():
        if finding is not None and finding.reason.startswith(words):
            return reason, f"fvp-tui sets no such limit: raise {option} where this platform is started"
    return reason, "raise --timeout, or try --fast (its NPU cycles are not representative)"


_OTHER_LIMITS = {"Cycle limit": "--cyclelimit", "Simulated time": "--simlimit"}


def _short(end: End) -> tuple[str, str] | None:
    if not end.server or end.finished >= end.expected:
        return None
    reason = f"{end.finished} of {end.expected} inferences ran"
    if end.finished and not end.server_ready:
        return (
            f"{reason}: the runner has no server mode",
            "use a semihosting runner built from a newer ExecuTorch, or --inferences 1",
        )
    return None if _status(end) else (reason, "see the end of the log")


def _shortfall(end: End) -> tuple[str, str] | None:
    """Inferences that were asked for and not seen: whatever the program says of its end, that is no success."""
    if end.outputs is None:
        return None
    if end.finished < end.expected:
        return (
            f"{end.finished} of {end.expected} inferences ran, though the program reports its end",
            "check that the runner is ExecuTorch's and built for this program; see the console log",
        )
    if end.outputs < end.expected:
        why, hint = end.lacking
        return f"{end.outputs} of {end.expected} inferences gave outputs" + (f": {why}" if why else ""), hint
    return None


def _status(end: End) -> tuple[str, str] | None:
    if end.signal is not None:
        name = signals.Signals(end.signal).name if end.signal in set(signals.Signals) else f"signal {end.signal}"
        killed = end.signal == signals.SIGKILL
        hint = "often the system is out of memory: see dmesg" if killed else "see the end of the console log"
        return f"the platform was ended by {name}", hint
    if end.exit_status == 127:
        return "the platform could not be started (exit status 127)", "see the console log; fvp-tui doctor"
    if end.exit_status:
        return f"the platform exited with status {end.exit_status}", "see the end of the log"
    return None


def _incomplete(evidence: Evidence, end: End) -> tuple[str, str]:
    if not evidence.spoke:
        return (
            "the platform ended before the program printed anything",
            "check that the runner was built for this board; see the console log",
        )
    return (
        f"the platform ended before the program reported its end, in phase {end.phase or 'boot'}",
        "see the end of the log",
    )
