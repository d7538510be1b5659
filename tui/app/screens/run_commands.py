"""Commands to a run from its screen: stop it, infer again, run it again, open its source, copy and export it."""

import shlex
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from tui.app.open_line import open_line
from tui.app.screens.again import edit_again, run_again
from tui.app.screens.baseline import MeasuredScreen
from tui.app.screens.confirm import Confirm
from tui.app.screens.export import ExportScreen
from tui.app.screens.path import InputsScreen
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.operators import SourceWanted
from tui.errors import UserError
from tui.reports.export import offline
from tui.run import control, spec
from tui.run.state import State
from tui.text import clean


class RunCommands(MeasuredScreen):
    """A screen that shows one run, and passes on what its user wants of it."""

    class Refused(Message):
        """A command that the run refused."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.state: State | None = None
        """The newest state; None until the first one is read."""

    def action_stop(self) -> None:
        """Stop the run or end its session, after a question."""

        def stop(confirmed: bool | None) -> None:
            if confirmed:
                self._tell(control.stop)

        if self.state is not None and self.state.phase == "waiting":
            question = f"End the session of {self.directory.name}?"
            self.app.push_screen(
                Confirm(question, "End session", "The platform exits; the results so far are kept."), stop
            )
            return
        self.app.push_screen(Confirm(f"Stop {self.directory.name}?", "Stop", "The results so far are kept."), stop)

    def action_rerun(self) -> None:
        """Start a run of the same spec, and go to it."""
        if self.state is not None:
            run_again(self, self.state.spec, instead=True)

    def action_edit(self) -> None:
        """Open Setup with the run's spec."""
        if self.state is not None:
            edit_again(self, self.state.spec)

    def action_infer(self) -> None:
        """Run one more inference, on the next sample."""
        self._tell(control.infer)

    def action_infer_on(self) -> None:
        """Run one more inference, on files."""

        def infer(files: tuple[str, ...] | None) -> None:
            if files:
                self._tell(lambda directory: control.infer(directory, files))

        self.app.push_screen(InputsScreen(), infer)

    def on_source_wanted(self, event: SourceWanted) -> None:
        """Open a line of the model in the user's editor, which has the terminal meanwhile."""
        open_line(self, event.line)

    def _tell(self, command: Callable[[Path], object]) -> None:
        def send() -> None:
            try:
                command(self.directory)
            except UserError as error:
                tell(self, self.Refused(str(error)))

        in_background("command", send)

    def on_run_commands_refused(self, event: Refused) -> None:
        """Say why the run refused a command."""
        self.notify(clean(event.why), severity="error", markup=False)

    def action_copy(self) -> None:
        """Put the run's command line on the clipboard."""
        if self.state is not None and self.state.spec is not None:
            self.app.copy_to_clipboard(shlex.join(spec.command_line(self.state.spec)))
            self.notify("Command line copied.", markup=False)

    def action_export(self) -> None:
        """Write the run to a file."""
        # The picture is of the screen as it is now, without the question on it.
        picture = offline(self.app.export_screenshot(title=f"fvp-tui  {self.directory.name}"))
        self.app.push_screen(ExportScreen(self.directory, picture))
