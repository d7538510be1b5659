"""Base of the panels of the Run screen.

A panel is a view of a `State`. A new one is a subclass and one line in `tui.app.widgets.panels.PANELS`.
"""

import re
import time
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Static

from tui.app.vitals import Vitals
from tui.app.widgets.card import Card
from tui.app.widgets.drawing import Reads, show
from tui.app.widgets.table import FigureTable
from tui.app.widgets.words import Clock
from tui.run.events import COMPILE_STAGES, Stage
from tui.run.state import State, stage
from tui.text import counted

USUAL_ROWS = 12
"""Rows of a panel that does not tell what it could use."""


class Panel(Card, can_focus=True):
    """A titled part of the screen that draws one or a few parts of a state."""

    TITLE: ClassVar[str]
    """Title and, with the number key, how it is reached."""
    FIGURES: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Meaning and source of its figures, for the help screen: (figure, explanation)."""

    def __init__(self, *, id: str, number: int) -> None:
        super().__init__(id=id, classes="panel")
        self.number = number
        self.clock: Clock = time.time
        """Tells the Unix time; that of a replayed run is another."""
        self.directory: Path | None = None
        """Directory of the run that is shown."""
        self._state: State | None = None
        self._drawn, self._titled = Reads(), Reads()
        """Parts of the state that the panel and its title were drawn from."""
        self._hidden: tuple[str, ...] = ()

    # -- for subclasses

    def draw(self, state: State) -> None:
        """Show the state. The panel is drawn again when a part that is read here has changed."""
        raise NotImplementedError

    def summary(self, state: State) -> str:
        """Summarize the panel for its title, in own words and figures: no text from outside."""
        raise NotImplementedError

    def legend(self, state: State) -> Content:
        """Give source or legend of the panel's figures, for the foot of its frame; like `summary`."""
        return Content()

    def brief(self, state: State) -> str:
        """Shorten `summary` for the tab of a panel that is not shown."""
        return self.summary(state)

    def alarms(self, state: State) -> bool:
        """Tell whether `brief` reports a failure: the tab keeps it where others lose theirs."""
        return False

    def tick(self, state: State, vitals: Vitals | None) -> None:
        """Update a clock once a second during the run; `vitals` are the platform's, where it runs on this machine."""

    def wanted_rows(self) -> int:
        """Count the rows that all of the panel's content takes, without its frame."""
        return USUAL_ROWS

    # -- for the screen

    def take(self, state: State) -> None:
        """Show a newer state, if it differs in what this panel reads of it."""
        first = self._state is None
        self._state = state
        if first or not self._drawn.same(state):
            self.redraw()
        if first or not self._titled.same(state):
            self.retitle()

    def redraw(self) -> None:
        """Draw the newest state, where there is one, after a change of it, of the size or of the user's choice."""
        if self._state is not None:
            self.draw(self._drawn.record(self._state))

    def retitle(self) -> None:
        """Show title, summary, and what the width hides."""
        if self._state is None:
            return
        state = self._titled.record(self._state)
        words = self.summary(state)
        hidden = self._hidden_words()
        self.caption(
            title=Content.assemble((f"{self.number} ", "bold $accent"), (self.TITLE, "bold $strong")),
            figure=_figure(words),
            foot=hidden or self.legend(state),
        )

    def on_resize(self, event: Resize) -> None:
        """Say what the new size hides, or has room for."""
        super().on_resize(event)
        self.retitle()

    def _hidden_words(self) -> str:
        """Name the columns that do not fit; beside other panels, count them and say what makes room."""
        if not self._hidden:
            return ""
        if self.screen.has_class("-single"):
            return f"hidden: {', '.join(self._hidden)}"
        return f"+{counted(len(self._hidden), 'column')}: z"

    def on_figure_table_hidden(self, event: FigureTable.Hidden) -> None:
        """Name the columns that do not fit."""
        event.stop()
        self._hidden = event.titles
        self.retitle()

    def focus_inside(self) -> None:
        """Focus what can be scrolled, or the panel itself while it is empty."""
        inside = next((w for w in self.query(Widget) if w.focusable and self._is_shown(w)), self)
        self.screen.set_focus(inside, scroll_visible=False)

    def _is_shown(self, inside: Widget) -> bool:
        """Tell whether a widget and all that contain it are displayed."""
        return all(above.display for above in inside.ancestors_with_self if self in above.ancestors)


def _figure(words: str) -> Content:
    """A summary with the number that it begins with standing out."""
    number = re.match(r"[\d,.]+", words)
    at = number.end() if number else 0
    return Content.assemble((words[:at], "bold $strong"), (words[at:], "$muted"))


class TextPanel(Panel):
    """A panel of text that scrolls."""

    def compose(self) -> ComposeResult:
        """Text that scrolls."""
        with VerticalScroll(can_focus=True):
            yield Static("", markup=False, classes="text")

    def wanted_rows(self) -> int:
        """Count the lines of the text."""
        text, size = self.query_one(Static), self.content_size
        # Not the height it has: that is of the text before, until the next layout.
        return text.get_content_height(size, size, size.width) if size.width else str(text.content).count("\n") + 1

    def content(self, state: State) -> Content:
        """Return the panel's text."""
        raise NotImplementedError

    def draw(self, state: State) -> None:
        """Show the text."""
        show(self.query_one(Static), self.content(state))


FILLED_BY: dict[Stage, str] = {
    "lower": "lowering",
    "vela": "the Vela stage",
    "infer": "inference",
    "check": "the check",
}
"""Stages that fill a panel, as people call them."""


NOT_IN_LOGS = "a log tells nothing of compiling"


def awaited(state: State, after: Stage) -> str:
    """Say why a panel is still empty; `after` is the stage that fills it."""
    run, filling, name = state.run, stage(state, after), FILLED_BY.get(after, f"stage {after}")
    if state.spec is not None and state.spec.until == "emit" and after not in COMPILE_STAGES:
        return "Not available: this run only compiles."
    if state.spec is not None and state.spec.log is not None and filling.status in ("pending", "skipped"):
        return f"Not available: {NOT_IN_LOGS if after in COMPILE_STAGES else 'the log does not show it'}."
    if filling.status == "skipped":
        return f"Not available: {name} was skipped" + (f" ({filling.reason})" if filling.reason else "") + "."
    if run.status == "running":
        return f"Available after {name}."
    if run.status in ("ok", "unknown"):
        return "Not available: see the notes."
    verb = {"lost": "was lost", "stopped": "was stopped"}.get(run.status, "failed")
    return f"Not available: the run {verb} before {name} was complete."
