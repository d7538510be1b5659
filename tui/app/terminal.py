"""The terminal of the full-screen program: checking that there is one, and giving it back."""

import asyncio
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType

from tui.errors import UserError

GRACE_S = 3.0
"""Time in which the program may leave the terminal by itself, in seconds."""

RESTORE = (
    "\x1b[?2004l\x1b[?7h"  # bracketed paste off, line wrap on
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l"  # reports of mouse and focus off
    "\x1b[<u\x1b[?1049l\x1b[?25h"  # plain keys, main screen, cursor
)


def served() -> bool:
    """Tell whether a browser shows the program: ``textual serve`` sets the driver."""
    return bool(os.environ.get("TEXTUAL_DRIVER"))


def check() -> None:
    """Refuse to start where there is nothing to draw on.

    Raises:
        UserError: no terminal, or one that cannot move its cursor.
    """
    if served():
        return
    hint = "without a screen: fvp-tui run MODEL"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        # Keys come from stdin and the screen goes to stderr; stdout may well be a pipe.
        raise UserError("the full-screen program needs a terminal on stdin and stderr", hint)
    if os.environ.get("TERM", "dumb") in ("dumb", ""):
        raise UserError("the terminal cannot move its cursor (TERM is dumb or not set)", hint)


def leave_on_signals(loop: asyncio.AbstractEventLoop, leave: Callable[[int], None]) -> None:
    """On SIGTERM and SIGHUP have `leave` called with the exit status, in the loop, and see to it that the program ends.

    Not a handler of the loop: that one would wait for ever when the loop is stuck on a terminal that takes no more
    output. When the connection to the terminal breaks, every write fails, and leaving in good order may be impossible.
    """
    before = termios.tcgetattr(sys.stdin.fileno())

    def ended(number: int, frame: FrameType | None) -> None:
        watchdog = threading.Timer(GRACE_S, _force, (before, 128 + number))
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(leave, 128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)


def _force(attributes: list[object], status: int) -> None:
    def write() -> None:
        try:
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, RESTORE.encode())
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, attributes)  # type: ignore[arg-type]
        except (OSError, termios.error):
            return  # the terminal is gone: nothing to restore

    # In a thread, as a terminal that takes no output would block it.
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(0.5)
    os._exit(status)
