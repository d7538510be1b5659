"""Start of the full-screen program: settings for Textual, the terminal, the first screen."""

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tui import processes
from tui.app import terminal

if TYPE_CHECKING:
    from tui.run.replay import Player


def set_defaults() -> None:
    """Settings that Textual reads when it is imported. What the user has set stays."""
    defaults = {"TEXTUAL_ANIMATIONS": "none"}
    if "SSH_CONNECTION" in os.environ:
        # Every frame and every pixel of a smooth scroll is bytes on the wire.
        defaults |= {"TEXTUAL_FPS": "15", "TEXTUAL_SMOOTH_SCROLL": "0"}
    if "NO_COLOR" in os.environ:
        # Any other theme would only be turned to shades of grey.
        defaults["TEXTUAL_THEME"] = "ansi-dark"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def run_app(
    model: str | None = None,
    attach: Path | None = None,
    *,
    replay: "tuple[Path, Player] | None" = None,
    mouse: bool = False,
) -> int:
    """Run the full-screen program, on its Setup screen, attached to a run or replaying one; the exit status.

    Raises:
        UserError: there is no terminal to draw on.
    """
    terminal.check()
    set_defaults()
    processes.suspend_collection()  # until the first picture is there
    from tui.app.screens.root import FvpApp

    app = FvpApp(model, attach, replay)
    # Without reports of the mouse the terminal's own selection works, the wheel sends arrow keys, and less is sent.
    app.run(mouse=mouse)
    status = app.return_code or 0
    # One that went wrong says so itself; a signal is told of nowhere else, and after a hangup there is nobody to tell.
    if status == 0 or status > SIGNALLED:
        with contextlib.suppress(OSError):
            _name_what_goes_on(app.opened)
    return status


SIGNALLED = 128
"""The exit status after a signal is its number above this."""


def _name_what_goes_on(opened: list[Path]) -> None:
    """Say how to come back to the runs that outlive the screen."""
    from tui.run import store

    for directory in opened:
        if directory.is_dir() and store.load(directory).run.status == "running":
            sys.stderr.write(f"{directory.name} is still running: fvp-tui attach {directory.name}\n")
