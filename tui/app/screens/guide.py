"""The next steps after the first run that went well, said once."""

from textual.screen import Screen

from tui.app import remembered
from tui.run.state import State

PATIENCE_S = 30.0
"""Seconds that the line stays."""


def guide(screen: Screen[None], state: State) -> None:
    """Say in one line what can be done with a finished run, if that was never said."""
    if state.run.status == "ok" and not remembered.read().guided:
        remembered.keep(guided=True)
        screen.notify(
            "Next: x writes a report, R changes options, h lists all runs, ? explains.",
            timeout=PATIENCE_S,
            markup=False,
        )
