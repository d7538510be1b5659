"""Lines on stderr that tell how a run proceeds."""

import shutil
import sys
from typing import Any

import click

from tui.run import events
from tui.run.derived import progress_words
from tui.text import clean

INTERVAL_S = 10.0
"""Time between two lines about the same stage, where lines cannot be overwritten."""


class Progress:
    """Stages, errors and, if verbose, the log.

    The progress of a long stage is one line that is overwritten on a terminal; elsewhere it is a line now and then.
    """

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self._overwrites = sys.stderr.isatty()
        self._width = shutil.get_terminal_size().columns - 1
        self._last_told = 0.0
        self._line_is_open = False
        """A line is on the terminal that the next one overwrites."""

    def tell(self, event: Any) -> None:
        """Write the line of an event, if it has one."""
        if isinstance(event, events.StageProgressed):
            words = f"  {event.stage:9} {clean(progress_words(event), 120)}"
            if self._overwrites:
                click.echo(f"\r{words[: self._width]:{self._width}}\r", err=True, nl=False)
                self._line_is_open = True
            elif event.t - self._last_told >= INTERVAL_S:
                self._last_told = event.t
                click.echo(words, err=True)
        elif isinstance(event, events.StageStarted):
            self._last_told = event.t
        elif (line := self.line(event)) is not None:
            blank = f"\r{' ' * self._width}\r" if self._line_is_open else ""
            self._line_is_open = False
            click.echo(f"{blank}{line}", err=True)

    def line(self, event: Any) -> str | None:
        """Return the line of an event, or None."""
        match event:
            case events.StageFinished(status="failed"):
                return f"  {event.stage:9} FAILED"
            case events.StageFinished(status="stopped"):
                return f"  {event.stage:9} stopped"
            case events.StageFinished(status="ok", seconds=None):
                return None  # read from a log, which does not tell
            case events.StageFinished(status="ok"):
                return f"  {event.stage:9} {event.seconds:6.1f} s{' (cached)' if event.cached else ''}"
            case events.PhaseChanged(phase="waiting"):
                return "  waiting for: fvp-tui infer last; Ctrl-C or fvp-tui stop ends the session"
            case events.PlatformStarted():
                return f"  {event.platform.name}: {clean(event.platform.why or '')}"
            case events.Logged() if self.verbose or event.level == "error":
                return f"  {event.source:9} | {clean(event.text, 400)}" if event.level != "debug" else None
        return None
