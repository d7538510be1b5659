"""A board in place of a platform's process: flashed, reset, and listened to for one inference."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tui.model import tensors
from tui.pipeline.boot import Boot, Platform, Share
from tui.pipeline.outputs import Outputs
from tui.pipeline.record import Record
from tui.pipeline.requests import Requests
from tui.platform import board_choice, command, hooks, selection, serial_port, session
from tui.platform.hooks import Hook, HookEnd
from tui.platform.lines import Splitter
from tui.platform.serial_line import SerialLine, Terms, beginning
from tui.platform.verdict import Failure
from tui.run import events

BEFORE = "said before the run, and no part of it"
FIRST = "artifacts/{}.log"


def boot(
    record: Record, platform: Platform, requests: Requests, outputs: Outputs, share: Share
) -> events.PlatformExited:
    """Flash the board before its first boot, reset it, and listen to it until that ends; the verdict.

    Raises:
        PlatformUnavailable: the port cannot be opened.
    """
    serial = record.spec.serial
    assert serial.port is not None  # as the spec's check sees to
    console = share.console(record)
    terms = Terms(silence_s=serial.silence_s, limit_s=record.spec.timeout_s, end_text=serial.end_text)
    with serial_port.opened(serial.port, serial.baud) as port:
        if not share.first:
            _tell_of_board(record, platform)
        line = SerialLine(port, terms)
        outside = _Outside(record, console)
        if (failed := _reset(record, platform, line, outside, first=not share.first)) is not None:
            return failed
        request = session.Listening(
            console=console,
            source=platform.source,
            timeout_s=record.spec.timeout_s,
            first=share.first,
            on_board=True,
        )
        with np.load(record.artifacts / tensors.INPUTS) as samples:
            listener = _Listener(record, platform, requests, outputs, request, share, samples)
            verdict = session.listen(line, request, listener)
        outside.take(line.after())
        outside.close()
    return verdict


def _tell_of_board(record: Record, platform: Platform) -> None:
    choice = platform.choice
    record.emit(events.PlatformStarted(platform=selection.describe(choice, ()), pid=None))
    if record.state.clock_hz:
        record.note(
            f"times are NPU cycles at {record.state.clock_hz / 1e6:g} MHz, the clock of"
            f" {record.spec.target.system_config}: that of the board is not known"
        )
    if (why := board_choice.unknown(record.spec, choice.runner)) is not None:
        record.note(f"it was not checked that the board runs this program: {why}")


class _Outside:
    """The part of a console that is not the run's: kept in the log as it came, and shown as lines of no weight."""

    def __init__(self, record: Record, console: Path) -> None:
        self._record = record
        self._console = console
        self._lines = Splitter()

    def take(self, data: bytes) -> None:
        """Keep what the board has said."""
        if not data:
            return
        with self._console.open("ab") as file:
            file.write(data)
        for line in self._lines.feed(data):
            self._record.emit(events.Logged(source="uart", text=line.shown, level="debug"))

    def close(self) -> None:
        """Show the last line, where it has no end."""
        for line in self._lines.close():
            self._record.emit(events.Logged(source="uart", text=line.shown, level="debug"))


def _reset(
    record: Record, platform: Platform, line: SerialLine, outside: _Outside, *, first: bool
) -> events.PlatformExited | None:
    """Run the user's commands, and begin to listen; the verdict where one fails."""
    plan = board_choice.plan(record.spec, platform.folder / command.PROGRAM)
    due = [hook for hook in (plan.flash if first else None, plan.reset) if hook is not None]
    talk = bytearray()
    for hook in due:
        # Only what comes after the begin of the last command, which resets, can be the run's.
        last = hook is due[-1]
        if last:
            _drain(line, outside)
        talked = talk.extend if last else outside.take
        end = _run(record, hook, line, talked)
        talked(line.receive(0) or b"")
        if end.stopped or end.failure is not None or line.gone:
            outside.take(bytes(talk))
            outside.close()
            return _failed(hook, end, record)
    at = beginning(bytes(talk))
    outside.take(bytes(talk[:at]))
    outside.close()
    if not due:
        record.emit(events.Logged(source="run", text="no command resets the board: reset it by its button"))
    line.begin(bytes(talk[at:]))
    return None


def _drain(line: SerialLine, outside: _Outside) -> None:
    while data := line.receive(0):
        outside.take(data)


def _run(record: Record, hook: Hook, line: SerialLine, talked: Callable[[bytes], None]) -> HookEnd:
    """Run one command; its output goes to the log and to a file of its own."""
    record.emit(events.PhaseChanged(phase=hook.name))
    record.emit(events.Logged(source="run", text=f"{hook.name}: {hook}"))
    log = record.artifacts / f"{hook.name}.log"

    def said(text: str) -> None:
        record.emit(events.Logged(source=hook.name, text=text))

    end = hooks.run(hook, log, line, said=said, talked=talked, should_stop=record.stopping)
    if log.exists():
        record.keep(log)
    return end


def _failed(hook: Hook, end: HookEnd, record: Record) -> events.PlatformExited:
    if end.stopped:
        return events.PlatformExited(verdict="stopped", reason="stopped by the user")
    if end.failure is None:
        return events.PlatformExited(
            verdict="fail",
            reason=f"{record.spec.serial.port} was gone while the {hook.name} command ran",
            hint="a debug probe that resets its USB takes the port along: flash the board before the run",
        )
    said = f": {end.last}" if end.last else ""
    return events.PlatformExited(
        verdict="fail",
        reason=f"the {hook.name} command {end.failure}{said}",
        hint=f"its output is in {FIRST.format(hook.name)}; the command: {hook}",
    )


class _Listener(Boot):
    """The listener of a board. It need not print its outputs: then there is nothing to check."""

    def started(self, pid: int | None) -> None:
        """Say nothing: the board was told of before it was flashed."""

    def collect(self, inference: int) -> Failure | None:
        taken = self._taken()
        if taken.outputs is None and taken.absent:
            self._record.note(f"the outputs are not known: {taken.why}")
            return None
        if taken.outputs is None:
            return Failure(taken.why, taken.hint)
        self._outputs.take(inference, taken.outputs)
        return None
