"""A question before something that cannot be undone."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.text import clean


class Confirm(ModalScreen[bool]):
    """A question to answer with yes or no; anything but a clear yes is a no."""

    CSS_PATH = "modal.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,q,escape", "answer(False)", "No", id="confirm.no"),
    ]

    def __init__(self, question: str, yes: str, consequence: str) -> None:
        super().__init__()
        self._question, self._yes, self._consequence = question, yes, consequence

    def compose(self) -> ComposeResult:
        """Question, consequence, keys."""
        with Vertical(classes="box"):
            yield Static(Content.assemble((clean(self._question), "bold")), markup=False)
            yield Static(clean(self._consequence), markup=False)
            keys = Content.assemble(("y", "bold $accent"), f" {self._yes}    ", ("n", "bold $accent"), " Cancel")
            yield Static(keys, markup=False, classes="keys")

    def action_answer(self, yes: bool) -> None:
        """Take the answer."""
        self.dismiss(yes)
