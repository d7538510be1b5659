"""A line of a model in the user's editor, from whatever screen names it."""

from typing import Any

from textual.app import SuspendNotSupported
from textual.screen import Screen

from tui.app import editor
from tui.errors import UserError
from tui.text import clean


def open_line(screen: Screen[Any], line: str) -> None:
    """Open ``FILE:LINE`` in the user's editor, which has the terminal meanwhile; say why where that cannot be."""
    try:
        with screen.app.suspend():
            editor.show(line)
    except UserError as error:
        screen.notify(clean(str(error)), severity="error", markup=False)
    except SuspendNotSupported:
        screen.notify(f"{clean(line)} (this terminal cannot open an editor)", markup=False)
