"""The choice between the full-screen program and plain lines."""

import os
import sys

from tui.app import terminal


def available() -> bool:
    """Return True where the full-screen program can be drawn."""
    can_move_cursor = os.environ.get("TERM", "dumb") != "dumb"
    return terminal.served() or (sys.stdin.isatty() and sys.stderr.isatty() and can_move_cursor)
