"""The first start's introduction, on one screen."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

COLUMN = 8

LINES = (
    ("", "PyTorch models on Arm Ethos-U85, before silicon."),
    ("", ""),
    ("up down", "a sample, an ExecuTorch model, a file (e)"),
    ("tab", "set options: target, quantization, inputs"),
    ("enter", "compile and run it: FVP or simulator"),
    ("1-6", "time, CPU or NPU, check, memory, log, advice"),
    ("h", "history: open a run again, compare two"),
    ("w", "sweep: one model on all NPU sizes"),
    ("?", "every key and figure; ctrl+p: all commands"),
    ("q", "quit: a run continues in the background"),
)
"""Lines of at most 46 characters: they fit into 60 columns."""


class WelcomeScreen(ModalScreen[None]):
    """A few lines; escape or enter closes them."""

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape,space,q", "begin", "Begin", key_display="enter", id="welcome.begin")
    ]

    def compose(self) -> ComposeResult:
        """The lines, and the key that goes on."""
        lines = [Content.assemble((f"{key:<{COLUMN}}" if key else "", "bold $accent"), words) for key, words in LINES]
        with Vertical(classes="box"):
            yield Static(Content.assemble(("fvp-tui", "bold $accent")), markup=False)
            yield Static(Content("\n").join(lines), markup=False, id="lines")
            yield Static(Content.assemble(("enter", "bold $accent"), " Begin"), markup=False, classes="keys")

    def action_begin(self) -> None:
        """Close the introduction."""
        self.dismiss()
