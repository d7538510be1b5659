"""Saving the points of a sweep as a table."""

from pathlib import Path

from tui.analysis.sweep import Sweep
from tui.app import path_completion
from tui.app.screens.path import FileScreen, new_file
from tui.errors import UserError
from tui.files import write_whole
from tui.reports.sweep import to_csv
from tui.text import clean, counted


class SavePointsScreen(FileScreen[Path]):
    """Dialog for the file's path; writes the points that are known."""

    TITLE = "Save the points as CSV"
    PLACEHOLDER = "./sweep.csv"

    def __init__(self, sweep: Sweep, name: str) -> None:
        super().__init__(name)
        self._sweep = sweep

    def candidates(self, text: str) -> list[str]:
        """List folders and tables."""
        return path_completion.completions(text, (".csv",))

    def taken(self, text: str) -> Path:
        """Write the file, and return its path."""
        path = new_file(text)
        try:
            write_whole(path, to_csv(self._sweep).encode())
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        self.app.notify(clean(f"{counted(len(self._sweep.points), 'point')} saved to {path}", 400), markup=False)
        return path
