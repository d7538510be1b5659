"""Setup with what a run was asked to do, to be changed and run again."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.app.screens.messages import Back
from tui.app.screens.setup import SetupScreen
from tui.run.spec import Spec


class EditScreen(SetupScreen):
    """Setup above the screen that shows the run; the new run takes its place."""

    AUTO_FOCUS = ""
    IN_PLACE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back", "Back", tooltip="Go back without a run", id="edit.back"),
        Binding("escape", "back", "Back", show=False, tooltip="Go back without a run", id="edit.leave"),
    ]

    def __init__(self, request: Spec) -> None:
        super().__init__(request.model)
        self._base = request

    def on_mount(self) -> None:
        """Begin with the options: the model is chosen."""
        if self.children:
            self._form.enter(self._form.picker)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Go back instead of leaving the program."""
        return action != "leave" and super().check_action(action, parameters)

    def action_back(self) -> None:
        """Close the screen."""
        self.post_message(Back(self))
