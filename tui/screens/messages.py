"""What screens ask of the program."""

from pathlib import Path

from textual.message import Message


class OpenRun(Message):
    """Show the run that lives in this directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
