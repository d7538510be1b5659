"""Requests of screens to the application."""

from pathlib import Path
from typing import Any

from textual.message import Message
from textual.screen import Screen

from tui.run.spec import Spec


class OpenRun(Message):
    """Show a run, on top of the screen that asks or instead of it."""

    def __init__(self, directory: Path, *, instead: bool = False) -> None:
        super().__init__()
        self.directory = directory
        self.instead = instead


class EditRun(Message):
    """Open Setup with a run's spec, to be changed and run again."""

    def __init__(self, request: Spec) -> None:
        super().__init__()
        self.request = request


class Back(Message):
    """Close a screen and go back to where it was opened from; with `leaves` that may be the shell."""

    def __init__(self, screen: Screen[Any], *, leaves: bool = True) -> None:
        super().__init__()
        self.screen = screen
        self.leaves = leaves
