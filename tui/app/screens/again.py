"""Running a run again, as it was or after a change of its options, from wherever it is shown."""

from typing import Any

from textual.screen import Screen

from tui.app.screens.messages import EditRun, OpenRun
from tui.errors import UserError
from tui.model import catalogue
from tui.run import control, spec
from tui.run.spec import Spec
from tui.text import clean
from tui.toolchain import toolchains

OF_LOG = "A log has no options to change: r reads it again."
UNREADABLE = "What this run was asked to do cannot be read: spec.json is missing or damaged."


def run_again(screen: Screen[Any], request: Spec | None, *, instead: bool = False) -> None:
    """Start a run of this spec and show it, on top of the screen or instead of it."""
    if request is None:
        screen.notify(UNREADABLE, severity="error", markup=False)
        return
    try:
        directory = control.start(checked(request))
    except UserError as error:
        screen.notify(clean(str(error), 400), severity="error", markup=False)
        return
    screen.post_message(OpenRun(directory, instead=instead))


def checked(request: Spec) -> Spec:
    """Return a spec if it can be started.

    Raises:
        UserError: it cannot.
    """
    if request.log is None:
        catalogue.resolve(request.model, toolchains.of(request.toolchain))
    return spec.check(request)


def edit_again(screen: Screen[Any], request: Spec | None) -> None:
    """Open Setup with this spec in it."""
    if request is None:
        screen.notify(UNREADABLE, severity="error", markup=False)
    elif request.log is not None:
        screen.notify(OF_LOG, severity="warning", markup=False)
    else:
        screen.post_message(EditRun(request))
