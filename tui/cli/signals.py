"""Signals to a command that waits for a run: whether they stop the run, or end only the waiting."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from tui.errors import Exit, UserError

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class GoesOn(UserError):
    """The command ends, its run does not."""

    exit = Exit.INTERRUPTED

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} goes on", f"fvp-tui attach {name} shows it, fvp-tui stop {name} ends it")


def attended() -> bool:
    """Whether somebody sees what is said now, and can come back to a run: there is a terminal, and it is not CI's."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    # A stream that was closed before we began is None.
    streams = [stream for stream in (sys.stdin, sys.stdout, sys.stderr) if stream]
    return any(not stream.closed and stream.isatty() for stream in streams)


def _heeded() -> Iterator[signal.Signals]:
    """Signals that mean something here: one that is ignored, as nohup has it, stays so. Ctrl-C always does."""
    for number in NUMBERS:
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
            yield number


def interrupt() -> None:
    """From now on a signal raises KeyboardInterrupt: there is no run any more that could go on."""
    for number in _heeded():
        signal.signal(number, signal.default_int_handler)


class Signals:
    """The signals that have come since `hear`."""

    def __init__(self, *, interruptible: bool) -> None:
        """`interruptible`: Ctrl-C is for the run, not only for the command that waits for it."""
        self._interruptible = interruptible
        self._attended = attended()
        self._heard: list[signal.Signals] = []

    def hear(self) -> "Signals":
        """From now on signals are kept, and end nothing."""

        def handle(number: int, _frame: Any) -> None:
            self._heard.append(signal.Signals(number))

        for number in _heeded():
            signal.signal(number, handle)
        return self

    @property
    def last(self) -> str:
        """The name of the last one; empty where there was none."""
        return self._heard[-1].name if self._heard else ""

    @property
    def hung_up(self) -> bool:
        """Whether the terminal is gone."""
        return signal.SIGHUP in self._heard

    @property
    def stop(self) -> bool:
        """Whether the run is to be stopped: by Ctrl-C, or by any signal where nobody could come back to it."""
        heard = self._heard[:1]
        return self._interruptible and any(one == signal.SIGINT or not self._attended for one in heard)

    @property
    def leave(self) -> bool:
        """Whether the command is to end, whatever becomes of the run: at once, or with the second signal."""
        return len(self._heard) > (1 if self.stop else 0)
