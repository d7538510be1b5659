"""Verdict on a run of a board, from what it said and from how listening to it ended: it has no exit status."""

from tui.platform.failure_table import Kind
from tui.platform.serial_line import LineEnd
from tui.platform.verdict import REASON_LIMIT, End, Evidence, Failure
from tui.run.events import PlatformExited
from tui.text import clean, counted

GARBLED_SHARE = 0.15
"""Share of bytes that are no text from which on a console is one at another speed; a line or two of noise is less."""
GARBLED_LEAST = 8
"""Bytes that are no text, at least."""
USUAL_BAUDS = (115200, 921600, 460800, 230400, 57600, 38400, 9600)


def judge_board(evidence: Evidence, end: End, line: LineEnd) -> PlatformExited:
    """Judge a run: it is good only by inferences that were seen, or a test that passed."""
    if end.stopped:
        return PlatformExited(verdict="stopped", reason="stopped by the user")
    failure = _failure(evidence, end, line)
    if failure is None:
        return PlatformExited(verdict="pass", reason=f"all inferences were seen; {ended(line)}")
    reason, hint = failure
    return PlatformExited(verdict="fail", reason=clean(reason, REASON_LIMIT), hint=clean(hint, REASON_LIMIT))


def ended(line: LineEnd) -> str:
    """Say how listening ended."""
    match line.by:
        case "text":
            return f"ended by the text: {clean(line.text, 120)}"
        case "silence":
            return f"ended by silence of {line.seconds:g} s"
        case "limit":
            return f"ended by the time limit, {line.seconds:g} s: the board went on"
        case "unplugged":
            return f"ended by the loss of {line.port}"
        case "stopped":
            return "ended by the user"


def remarks_on(line: LineEnd) -> list[str]:
    """Notes on the line beside the verdict."""
    notes = [f"the board was listened to on {line.port} at {line.baud} baud: {ended(line)}"]
    if line.no_text and not is_garbled(line):
        notes.append(f"{counted(line.no_text, 'byte')} of {line.heard:,} on the console are no text")
    if line.errors is not None and (line.errors.framing or line.errors.overruns):
        notes.append(
            f"the driver of {line.port} counted {counted(line.errors.framing, 'framing error')} and "
            f"{counted(line.errors.overruns, 'overrun')}: parts of the console are lost"
        )
    return notes


def is_garbled(line: LineEnd) -> bool:
    """Return True if so much came that is no text that it must be a console at another speed."""
    return line.no_text >= max(GARBLED_LEAST, GARBLED_SHARE * line.heard)


def _failure(evidence: Evidence, end: End, line: LineEnd) -> Failure | None:
    seen = end.finished >= end.expected or evidence.passed
    if not seen and is_garbled(line):
        return _garbled(line)
    told = evidence.fault or evidence.of(Kind.TEST) or evidence.error
    if told is not None:
        then = f"; then {line.port} was gone" if line.by == "unplugged" else ""
        return Failure(f"{told.reason}{then}", told.hint)
    if line.by == "unplugged":
        return Failure(
            f"{line.port} was gone {_where(end, line)}: unplugged, or the board lost power",
            "plug it in and run again; a debug probe that resets its USB does the same",
        )
    if not seen:
        return _unseen(end, line)
    if end.lacking.reason:
        return Failure(f"outputs were printed, and are not whole: {end.lacking.reason}", end.lacking.hint)
    return None


def _garbled(line: LineEnd) -> Failure:
    share = f"{line.no_text:,} of {line.heard:,} bytes"
    errors = 0 if line.errors is None else line.errors.framing
    framing = f", and the driver counted {counted(errors, 'framing error')}" if errors else ""
    others = ", ".join(str(baud) for baud in USUAL_BAUDS if baud != line.baud)
    return Failure(
        f"what came from {line.port} at {line.baud} baud is no text: {share}{framing}",
        f"--baud with the speed that the board's program sets, such as {others}",
    )


def _unseen(end: End, line: LineEnd) -> Failure:
    if not line.heard:
        return Failure(
            f"nothing came from {line.port} within {line.seconds:g} s",
            "is this the port of the console, and was the board reset? --reset COMMAND, --baud N, --silence S",
        )
    ran = f"{end.finished} of {end.expected} inferences were" if end.finished else "no inference was"
    match line.by:
        case "text":
            said = clean(line.text, 80)
            return Failure(
                f"the board said its end ({said}), and {ran} seen", "see the log: is it ExecuTorch's runner?"
            )
        case "limit":
            return Failure(
                f"the time limit was reached {_where(end, line)}: {ran} seen", "raise --timeout, or see the log"
            )
    return Failure(
        f"the board was silent for {line.seconds:g} s {_where(end, line)}: {ran} seen",
        "raise --silence for a longer inference; see the end of the log",
    )


def _where(end: End, line: LineEnd) -> str:
    return f"in phase {end.phase or 'boot'}" if line.heard else "before it said anything"
