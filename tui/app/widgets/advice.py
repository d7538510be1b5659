"""Panel: suggestions with the run's evidence, and what came of trying them."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.timer import Timer

from tui.analysis import advice, trials
from tui.analysis.advice import Advice, Advised
from tui.analysis.what_if import WhatIf
from tui.app.widgets.advice_list import AdviceList
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.operators import SourceWanted
from tui.app.widgets.panel import Panel
from tui.errors import UserError
from tui.run import store
from tui.run.state import State
from tui.text import clean

LOOK_S = 1.0
"""Interval between looks at a trial under way, in seconds."""

USUAL_WIDTH = 48
"""Cells of the list before its size is known."""


class TrialWanted(Message):
    """Show the run that tries, or has tried, a suggestion."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory


class AdvicePanel(Panel):
    """Advice that the run's figures give; with the focus on it, Vela is asked about other targets, too."""

    TITLE = "Advice"
    FIGURES: ClassVar = (
        ("share", "Share of the estimated cycles that a change concerns: the most it can save."),
        ("tried", "Change of the estimated cycles in the run that tried it, and whether its outputs match."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "line", "Line", tooltip="Open the line it names in $EDITOR", id="advice.line"),
    ]

    class Looked(Message):
        """The outcomes of trials were read."""

        def __init__(self, advised: Advised) -> None:
            super().__init__()
            self.advised = advised

    class Asked(Message):
        """Vela's estimates for other targets are there."""

        def __init__(self, what_if: WhatIf) -> None:
            super().__init__()
            self.what_if = what_if

    def __init__(self, *, id: str, number: int) -> None:
        super().__init__(id=id, number=number)
        self._advised = Advised(run="")
        self._what_if: WhatIf | None = None
        self._asking = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """A list that scrolls."""
        with VerticalScroll(can_focus=False):
            yield AdviceList()

    @property
    def list(self) -> AdviceList:
        """The suggestions."""
        return self.query_one(AdviceList)

    @property
    def trying(self) -> Path | None:
        """The run that tries one of them now."""
        running = (one.tried for one in self._advised.advice if one.tried and one.tried.status == "running")
        tried = next(running, None)
        return None if tried is None else store.folder() / tried.run

    def wanted_rows(self) -> int:
        """Count the lines of all suggestions."""
        return max(len(self.list.drawn(self.list.size.width or USUAL_WIDTH, self.list.paint())), 1)

    def summary(self, state: State) -> str:
        """Number of suggestions."""
        found = advice.of(state, self._what_if).advice
        return str(len(found)) if found else ""

    def retitle(self) -> None:
        """Show title and number, and what can be done about the suggestion under the cursor."""
        super().retitle()
        self.caption(foot=clean(self.foot(), 120))

    def draw(self, state: State) -> None:
        """Show the suggestions, and look for what came of them."""
        known = {(one.kind, str(one.change)): one.tried for one in self._advised.advice}
        found = advice.of(state, self._what_if)
        self._show(advice.with_tried(found, lambda one: known.get((one.kind, str(one.change)))))
        if state.run.status == "ok":
            self.look()

    def _show(self, advised: Advised) -> None:
        self._advised = advised
        self.list.take(advised, self._note())
        self.screen.refresh_bindings()

    def _note(self) -> str:
        if self._asking:
            return "asking Vela about other memory modes and NPUs ..."
        if self._advised.advice or self._state is None:
            return ""
        return "No suggestions yet." if self._state.run.status == "running" else "No suggestions for this run."

    def foot(self) -> str:
        """Say what can be done about the suggestion under the cursor."""
        piece = self.list.current
        if piece is None:
            return ""
        source = "estimated  " if piece.cycles is not None else ""
        if piece.change:
            return source + ("a opens its run" if piece.tried else f"a tries it: {' '.join(piece.options)}")
        return source + ("e opens the line" if piece.line else "")

    def on_advice_list_moved(self, event: AdviceList.Moved) -> None:
        """Say what can be done about this suggestion."""
        event.stop()
        self.caption(foot=clean(self.foot(), 120))

    # -- other targets

    def focus_inside(self) -> None:
        """Focus the list, and ask Vela about other targets if that was not done yet."""
        super().focus_inside()
        state, directory = self._state, self.directory
        if self._asking or self._what_if is not None or directory is None or state is None or state.run.status != "ok":
            return
        self._asking = True
        self.list.take(self._advised, self._note())

        def ask() -> None:
            # Only now: with it comes numpy.
            from tui.analysis import prediction

            try:
                found = prediction.ask(directory, state)
            except (UserError, OSError):
                found = WhatIf()  # without Vela, or without the graphs, there is no such advice
            tell(self, self.Asked(found))

        in_background("what if", ask)

    def on_advice_panel_asked(self, event: Asked) -> None:
        """Show what Vela says of other targets."""
        event.stop()
        self._asking, self._what_if = False, event.what_if
        self.redraw()
        self.retitle()

    # -- trials

    def look(self) -> None:
        """Read what came of the trials."""
        state, directory, advised = self._state, self.directory, self._advised
        if state is None or directory is None or not any(one.change for one in advised.advice):
            return

        def read() -> None:
            tell(self, self.Looked(trials.with_outcomes(advised, state, directory)))

        in_background("trials", read)

    def on_advice_panel_looked(self, event: Looked) -> None:
        """Show the outcomes, and look again while there is one to come."""
        event.stop()
        known = {str(one.change): one.tried for one in event.advised.advice if one.tried}
        self._show(advice.with_tried(self._advised, lambda one: known.get(str(one.change), one.tried)))
        if self.trying is not None and self._timer is None:
            self._timer = self.set_interval(LOOK_S, self.look)
        elif self.trying is None and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def try_it(self) -> None:
        """Try the suggestion under the cursor; one that was tried, or one under way, is shown instead."""
        if (trying := self.trying) is not None:
            self.post_message(TrialWanted(trying))
            return
        piece = self.list.seek_trial()
        if piece is None or not piece.change or self._state is None or self.directory is None:
            self.notify("No option tries this: it is a change of the model.", markup=False)
        elif piece.tried is not None:
            self.post_message(TrialWanted(store.folder() / piece.tried.run))
        else:
            self._start(piece, self._state, self.directory)

    def _start(self, piece: Advice, state: State, directory: Path) -> None:
        try:
            trials.start(directory, state, piece)
        except UserError as error:
            self.notify(clean(str(error), 400), severity="error", markup=False)
            return
        self.notify(f"Trying {' '.join(piece.options)}: a shows that run.", markup=False)
        self.look()

    @property
    def can_try(self) -> bool:
        """True where one of the suggestions is a change of options."""
        return any(one.change for one in self._advised.advice)

    def action_line(self) -> None:
        """Open the line that the suggestion names."""
        piece = self.list.current
        if piece is not None and piece.line:
            self.post_message(SourceWanted(piece.line))
        else:
            self.notify("This suggestion names no line.", markup=False)
