"""What screens ask the application for."""

from pathlib import Path
from typing import Any

from textual.message import Message
from textual.screen import Screen


class OpenRun(Message):
    """Show a run, on top of the screen that asks or instead of it."""

    def __init__(self, directory: Path, *, instead: bool = False) -> None:
        super().__init__()
        self.directory = directory
        self.instead = instead


class Back(Message):
    """Close a screen, and go back to where it was opened from. Only if `leaves` may that be out of the program."""

    def __init__(self, screen: Screen[Any], *, leaves: bool = True) -> None:
        super().__init__()
        self.screen = screen
        self.leaves = leaves
