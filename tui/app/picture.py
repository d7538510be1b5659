"""A run's screen as a picture: the program itself, without a terminal, looks at the run and is photographed."""

import asyncio
import time
from pathlib import Path

from tui.app.start import set_defaults
from tui.errors import UsageError, UserError
from tui.reports import export
from tui.run import store

SIZE = (120, 40)
SMALLEST, LARGEST = (40, 12), (500, 300)
"""Columns and lines a picture may have."""
PATIENCE_S = 60.0
POLL_S = 0.02


def size(text: str) -> tuple[int, int]:
    """Columns and lines of ``120x40``.

    Raises:
        UsageError: it is none, or not sensible.
    """
    columns, by, lines = text.partition("x")
    if not (by and columns.isdecimal() and lines.isdecimal()):
        raise UsageError(f"--size {text}: expected COLUMNSxLINES", "for example 120x40")
    found = int(columns), int(lines)
    if any(not low <= value <= high for low, value, high in zip(SMALLEST, found, LARGEST, strict=True)):
        raise UsageError(f"--size {text} is too small or too large", "from 40x12 to 500x300")
    return found


def of_run(directory: Path, size: tuple[int, int] = SIZE) -> str:
    """The Run screen of a run as it stands, as SVG.

    Raises:
        UserError: the screen did not come.
    """
    set_defaults()
    return asyncio.run(_photograph(directory, size))


async def _photograph(directory: Path, size: tuple[int, int]) -> str:
    from tui.app.screens.root import FvpApp
    from tui.app.screens.run import RunScreen

    there = store.load(directory)

    def whole() -> bool:
        """Tell whether the screen has read all events that were there at the start."""
        shown = app.screen.state if isinstance(app.screen, RunScreen) else None
        return shown is not None and (shown.last_event or 0) >= (there.last_event or 0)

    app = FvpApp(attach=directory)
    async with app.run_test(size=size) as pilot:
        limit = time.monotonic() + PATIENCE_S
        while not whole():
            if time.monotonic() > limit:
                raise UserError(f"the screen of {directory.name} was not drawn in {PATIENCE_S:.0f} s")
            await pilot.pause(POLL_S)
        await pilot.pause()
        return export.offline(app.export_screenshot(title=f"fvp-tui  {directory.name}"))
