"""Reading a log as a run, from a screen."""

from textual.screen import Screen

from tui.app.screens.messages import OpenRun
from tui.errors import UserError
from tui.run.spec import Spec
from tui.text import clean


class LogReader(Screen[None]):
    """A screen with the action of reading a log."""

    def action_read_log(self) -> None:
        """Ask for a log, read it and show the run."""
        from tui.app.screens.path import LogScreen
        from tui.run import control

        def take(request: Spec | None) -> None:
            if request is None:
                return
            try:
                self.post_message(OpenRun(control.start(request)))
            except UserError as error:
                self.notify(clean(str(error), 400), severity="error", markup=False)

        self.app.push_screen(LogScreen(), take)
