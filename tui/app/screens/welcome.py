"""The first start's introduction, on one screen: one key goes on to a result."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.app.widgets.masthead import PILL
from tui.app.widgets.words import model_name

COLUMN = 8
MOST = 24
"""Cells of the name of a model."""

WITHOUT = "goes on: run a .pte, or compile: --toolchain"
"""The first line where there is no compiler."""
LINES = (
    ("tab", "set NPU, memory and quantization first"),
    ("w", "which NPU? one model on all sizes"),
    ("h", "earlier runs: open, compare, run again"),
    ("?", "the keys and figures of the screen"),
    ("ctrl+p", "any command by its name"),
    ("q", "quit; a run goes on without this screen"),
)
"""Lines of at most 46 characters: they fit into 60 columns."""


class WelcomeScreen(ModalScreen[bool]):
    """A few lines; closes with True if the model is to be run."""

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin(True)", "Run", key_display="enter", id="welcome.run"),
        Binding("escape,space,q", "begin(False)", "Choose", key_display="esc", id="welcome.begin"),
    ]

    def __init__(self, model: str | None = None, *, compiles: bool = True) -> None:
        """`model` is the one that was asked for; without it, a sample is selected, which is to be compiled."""
        super().__init__()
        self._model = "the sample" if model is None else model_name(model, MOST)
        self._runs = compiles or model is not None
        """False where the model that is selected cannot be run: then all keys go on."""

    def compose(self) -> ComposeResult:
        """The lines, and the keys that go on."""
        entries = [("enter", f"runs {self._model}; no FVP is needed" if self._runs else WITHOUT), *LINES]
        lines = [Content.assemble((f"{key:<{COLUMN}}", "bold $accent"), words) for key, words in entries]
        with Vertical(classes="box"):
            yield Static(Content.assemble(PILL), markup=False)
            yield Static("PyTorch models on Arm Ethos-U, before silicon", markup=False, classes="about")
            yield Static(Content("\n").join(lines), markup=False, id="lines")
            run = (("enter", "bold $accent"), f" Run {self._model}  ") if self._runs else ()
            choose = " Choose another" if self._runs else " Choose a model"
            keys = Content.assemble(*run, ("esc" if self._runs else "enter", "bold $accent"), choose)
            yield Static(keys, markup=False, classes="keys")

    def action_begin(self, runs: bool) -> None:
        """Close the introduction."""
        self.dismiss(runs and self._runs)
