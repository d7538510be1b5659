"""Whether a run on the platform was good, weighed from its text and its exit status.

Neither alone will do: an FVP exits 0 after an error, after a limit and after a failed test, and its last words say
"stopped by user" on every end.
"""

import re
import signal as signals
from dataclasses import dataclass
from typing import Literal

from tui.events import Logged, PlatformExited
from tui.platform.known import Finding, Kind, find
from tui.platform.lines import any_in, level, messages
from tui.text import clean

REASON_LIMIT = 300

_COMPLETE = re.compile(r"Program complete|Application exit code: 0\b|Inference completed")
_COMPLETE_KEYS = ("complete", "exit code")
# Printed by --fast runs as errors; examples/arm/run_fvp.sh passes over the same two.
_FAST_NOISE = re.compile(r"Failed to initialize timing-adapter #\d+|Timing adapter has no effect if option")


@dataclass(frozen=True)
class End:
    """How the platform's process ended."""

    exit_status: int | None = None
    signal: int | None = None
    stopped: bool = False
    """The user asked for it."""
    overdue_s: float | None = None
    """It was stopped by us so many seconds after its start, since it did not keep its time limit."""
    closed: bool = False
    """It was stopped by us after its last inference, having no polite end."""
    timeout_s: float | None = None
    """The time limit it was given."""
    expected: int = 1
    finished: int = 0
    """Inferences asked for and ended."""
    server: bool = False
    """Whether several inferences were asked of one process."""
    server_ready: bool = False
    """Whether the runner said that it runs in server mode."""
    phase: str = ""


class Evidence:
    """What of a console bears on the verdict, gathered line by line. Keeps one finding of each kind, not the text."""

    def __init__(self, *, fast: bool = False) -> None:
        """`fast`: the NPU runs in fast mode, where two messages of the timing adapter mean nothing."""
        self._fast = fast
        self._found: dict[Kind, Finding] = {}
        self._fatal: Finding | None = None
        self._error: Finding | None = None
        self.complete = False
        """Whether the program said that it reached its end."""
        self.spoke = False
        """Whether the program on the platform printed anything."""

    def add(self, line: Logged) -> None:
        """Take up one line of the log."""
        self.spoke = self.spoke or (line.source == "uart" and bool(line.text.strip()))
        if line.text.startswith("Output["):
            return
        for message in messages(line.text):
            text = message.text
            if self._fast and "iming" in text and _FAST_NOISE.search(text):
                continue
            if any_in(_COMPLETE_KEYS, text) and _COMPLETE.search(text):
                self.complete = True
            if finding := find(text):
                self._found.setdefault(finding.kind, finding)
            if level(message) == "error":
                fatal = message.letter == "F" or text.startswith("F [")
                self._worse(text, fatal=fatal)

    def _worse(self, text: str, *, fatal: bool) -> None:
        kind = Kind.FAULT if fatal else Kind.ERROR
        finding = find(text)
        if finding is not None and finding.kind < kind:
            return
        said = f"the program reports: {clean(text.strip(), REASON_LIMIT)}"
        finding = Finding(kind, said, "see the lines before it in the log", text)
        if fatal:
            self._fatal = self._fatal or finding
        else:
            self._error = self._error or finding

    def of(self, kind: Kind) -> Finding | None:
        """The first finding of a kind."""
        return self._found.get(kind)

    @property
    def fault(self) -> Finding | None:
        """A hard fault, else the failure a fatal line tells of, in the words of the error that led to it if known."""
        if hard := self.of(Kind.FAULT):
            return hard
        if self._fatal is None or self.of(Kind.TEST):
            # After a failed test the runner aborts: that is the same failure.
            return None
        return self.of(Kind.ERROR) or self._fatal

    @property
    def error(self) -> Finding | None:
        """The first error whose meaning is known, else the first error."""
        return self.of(Kind.ERROR) or self._error


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


def _exited(end: End, verdict: Literal["pass", "fail", "stopped"], reason: str, hint: str = "") -> PlatformExited:
    return PlatformExited(verdict=verdict, reason=reason, hint=hint, exit_status=end.exit_status, signal=end.signal)


def _failure(evidence: Evidence, end: End) -> tuple[str, str] | None:
    for finding in (evidence.of(Kind.LOADER), evidence.of(Kind.LICENCE), evidence.fault):
        if finding is not None:
            return finding.reason, finding.hint
    if limit := _limit(evidence, end):
        return limit
    for finding in (evidence.of(Kind.TEST), evidence.error):
        if finding is not None:
            return finding.reason, finding.hint
    if short := _short(end):
        return short
    if not end.closed and (status := _status(end)):
        return status
    if not evidence.complete and not end.closed:
        return _incomplete(evidence, end)
    return None


def _limit(evidence: Evidence, end: End) -> tuple[str, str] | None:
    finding = evidence.of(Kind.LIMIT)
    if finding is None and end.overdue_s is None:
        return None
    if finding is None:
        reason = f"the platform did not keep its time limit and was stopped after {end.overdue_s:.0f} s"
    elif finding.reason.startswith("CPU time") and end.timeout_s is not None:
        reason = f"the time limit of {end.timeout_s:g} s was reached"
    else:
        reason = f"the platform stopped: {finding.reason}"
    if evidence.error is not None:
        return f"{reason}, after an error: {evidence.error.reason}", evidence.error.hint
    if evidence.complete:
        return f"{reason}, after the program had ended", "set uart0.shutdown_on_eot=1, so that its end stops the FVP"
    if not evidence.spoke:
        return (
            f"{reason}; the program printed nothing",
            "a runner built with SEMIHOSTING needs the semihosting parameters, one built without must not have them",
        )
    return reason, "raise --timeout, or try --fast (its NPU cycles are not representative)"


def _short(end: End) -> tuple[str, str] | None:
    if not end.server or end.finished >= end.expected:
        return None
    reason = f"{end.finished} of {end.expected} inferences ran"
    if end.finished and not end.server_ready:
        return (
            f"{reason}: the runner has no server mode",
            "take a semihosting runner built from a newer ExecuTorch, or --inferences 1",
        )
    return None if _status(end) else (reason, "see the end of the log")


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
            "was the runner built for this board? see the console log",
        )
    return (
        f"the platform ended before the program was complete, in phase {end.phase or 'boot'}",
        "see the end of the log",
    )
