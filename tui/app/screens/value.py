"""Typing the value of a parameter."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.text import clean, printable_name


class ValueScreen(ModalScreen[str | None]):
    """A named value; closes with it when `problem` finds nothing wrong with it."""

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="value.leave")]

    def __init__(
        self, name: str, value: str, about: str, problem: Callable[[str], str | None] = lambda _: None
    ) -> None:
        super().__init__()
        self._title, self._value, self._about, self._problem = name, value, about, problem

    def compose(self) -> ComposeResult:
        """Name, field, problem, description."""
        with Vertical(classes="box"):
            yield Static(Content.assemble((printable_name(self._title, 200), "bold")), markup=False)
            yield Input(self._value, select_on_focus=False)
            yield Static("", markup=False, classes="problem")
            yield Static(clean(self._about, 400), markup=False)
            keys = Content.assemble(("enter", "bold $accent"), " OK   ", ("esc", "bold $accent"), " Cancel")
            yield Static(keys, markup=False, classes="keys")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the value, if it fits."""
        value = event.value.strip()
        if why := self._problem(value):
            self.query_one(".problem", Static).update(Content(clean(f"! {why}", 300)))
            return
        self.dismiss(value)

    def action_cancel(self) -> None:
        """Leave it as it was."""
        self.dismiss(None)
