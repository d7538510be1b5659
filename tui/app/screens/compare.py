"""The Compare screen: two runs side by side, what got worse marked."""

import shlex
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from tui.analysis.compare import Comparison, Profile, compare
from tui.app.screens.again import edit_again, run_again
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.keybar import KeyBar
from tui.reports.compare import WORSE, summary
from tui.run import store
from tui.text import clean


class CompareScreen(Screen[None]):
    """A text that scrolls."""

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False, id="compare.up"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="compare.down"),
        Binding("pageup", "scroll(-15)", "Page up", show=False, id="compare.page-up"),
        Binding("pagedown,space", "scroll(15)", "Page down", key_display="pgdn", id="compare.page-down"),
        Binding("o", "swap", "Swap A and B", tooltip="Compare the other way round", id="compare.swap"),
        Binding(
            "r",
            "again",
            "Run B again",
            show=False,
            tooltip="Start a run with B's model and options",
            id="compare.again",
        ),
        Binding(
            "R", "edit", "Edit and run", show=False, tooltip="Change B's options in Setup, then run", id="compare.edit"
        ),
        Binding("y", "copy", "Copy", tooltip="Copy the command line of this comparison", id="compare.copy"),
        Binding("q,escape", "back", "Back", id="compare.back"),
    ]

    class Compared(Message):
        """The comparison, or why there is none."""

        def __init__(self, found: Comparison | str) -> None:
            super().__init__()
            self.found = found

    def __init__(self, a: Path, b: Path) -> None:
        super().__init__()
        self._a, self._b = a, b

    def compose(self) -> ComposeResult:
        """Heading, text, keys."""
        yield Static(Content.assemble(("fvp-tui", "bold $accent"), "  Compare"), id="top", markup=False)
        with VerticalScroll(can_focus=False):
            yield Static("reading...", id="found", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Read both runs beside the event loop."""
        self._compare()

    def _compare(self) -> None:
        a, b = self._a, self._b

        def work() -> None:
            try:
                found: Comparison | str = compare(store.load(a), store.load(b), Profile())
            except OSError as error:
                found = f"cannot read it: {error}"
            tell(self, self.Compared(found))

        in_background("compare", work)

    def on_compare_screen_compared(self, event: Compared) -> None:
        """Show the comparison."""
        text = f"! {clean(event.found)}" if isinstance(event.found, str) else summary(event.found)
        lines = [
            Content.assemble((line, "bold $fail")) if WORSE in line else Content(line) for line in text.split("\n")
        ]
        self.query_one("#found", Static).update(Content("\n").join(lines))

    def action_scroll(self, lines: int) -> None:
        """Scroll up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_swap(self) -> None:
        """Compare the other way round."""
        self._a, self._b = self._b, self._a
        self._compare()

    def action_again(self) -> None:
        """Run B again."""
        run_again(self, store.load_spec(self._b))

    def action_edit(self) -> None:
        """Open Setup with what B was asked to do."""
        edit_again(self, store.load_spec(self._b))

    def action_copy(self) -> None:
        """Put the command line on the clipboard."""
        self.app.copy_to_clipboard(shlex.join(["fvp-tui", "compare", self._a.name, self._b.name]))
        self.notify("Command line copied.", markup=False)

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()
