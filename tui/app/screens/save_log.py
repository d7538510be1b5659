"""Saving lines of the log to a file."""

from collections.abc import Iterator
from pathlib import Path

from tui.app import path_completion
from tui.app.screens.path import FileScreen, new_file
from tui.app.widgets.background import in_background
from tui.app.widgets.log_panel import SaveWanted
from tui.files import write_parts
from tui.text import clean


class SaveScreen(FileScreen[Path]):
    """Dialog for the file's path; writes the lines beside the event loop, and says when they are saved."""

    TITLE = "Save log lines to a file"
    PLACEHOLDER = "./run.log"

    def __init__(self, wanted: SaveWanted, name: str) -> None:
        super().__init__(name)
        self._wanted = wanted

    def candidates(self, text: str) -> list[str]:
        """List folders and files."""
        return path_completion.completions(text, ("",))

    def taken(self, text: str) -> Path:
        """Begin to write the file, and return its path."""
        path = new_file(text)
        app, wanted = self.app, self._wanted

        def save() -> None:
            try:
                write_parts(path, _lines(wanted))
            except OSError as error:
                app.notify(clean(f"cannot write {path}: {error.strerror}", 400), severity="error", markup=False)
            else:
                app.notify(clean(f"{len(wanted.numbers):,} lines saved to {path}", 400), markup=False)

        in_background("save-log", save)
        return path


def _lines(wanted: SaveWanted) -> Iterator[bytes]:
    """Format lines as ``fvp-tui log`` prints them, but whole."""
    for number in wanted.numbers:
        line = wanted.log.whole(number)
        yield f"{line.level[0].upper()} {line.source:9} {line.text}\n".encode()
