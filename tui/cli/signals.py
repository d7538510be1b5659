"""Signals to a command that waits for a run: they stop the run, or end only the waiting."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from tui.errors import Exit, UserError

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LeftRunning(UserError):
    """The command ends, its run does not."""

    exit = Exit.INTERRUPTED

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is still running", f"fvp-tui attach {name} shows it, fvp-tui stop {name} ends it")


def attended() -> bool:
    """Return True where a user can see the output and come back to a run: at a terminal that is not CI's."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    # A stream that was closed before the program started is None.
    streams = [stream for stream in (sys.stdin, sys.stdout, sys.stderr) if stream]
    return any(not stream.closed and stream.isatty() for stream in streams)


def _handled() -> Iterator[signal.Signals]:
    """Signals to handle: one that is ignored, as under nohup, stays ignored. SIGINT is always handled."""
    for number in NUMBERS:
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
            yield number


def interrupt() -> None:
    """Let signals raise KeyboardInterrupt from now on: no run is left that could continue."""
    for number in _handled():
        signal.signal(number, signal.default_int_handler)


class Signals:
    """The signals received since `hear`."""

    def __init__(self, *, interruptible: bool) -> None:
        """`interruptible`: Ctrl-C stops the run, not only the command that waits for it."""
        self._interruptible = interruptible
        self._attended = attended()
        self._received: list[signal.Signals] = []

    def hear(self) -> "Signals":
        """Record signals from now on, instead of dying of them."""

        def handle(number: int, _frame: Any) -> None:
            self._received.append(signal.Signals(number))

        for number in _handled():
            signal.signal(number, handle)
        return self

    @property
    def last(self) -> str:
        """The name of the last signal; empty where none was received."""
        return self._received[-1].name if self._received else ""

    @property
    def hung_up(self) -> bool:
        """True once the terminal is gone."""
        return signal.SIGHUP in self._received

    @property
    def stop(self) -> bool:
        """True when the run must stop: after Ctrl-C, or after any signal where no user could come back to the run."""
        first = self._received[:1]
        return self._interruptible and any(one == signal.SIGINT or not self._attended for one in first)

    @property
    def leave(self) -> bool:
        """True when the command must end, whatever becomes of the run: at once, or after the second signal."""
        return len(self._received) > (1 if self.stop else 0)
