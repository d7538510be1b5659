"""The part of the Run screen that shows a run that goes on, or why it did not end well."""

import time
from collections.abc import Sequence
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer

from tui.app.widgets.answer import AnswerView
from tui.app.widgets.card import Card
from tui.app.widgets.inferences import InferencesView
from tui.app.widgets.waterfall import WaterfallView
from tui.app.widgets.why import Key, WhyView
from tui.reports.inferring import inferring, several
from tui.reports.waterfall import total_words, waterfall
from tui.reports.why import Why, why
from tui.run.state import State, stage
from tui.run.usual import Usual

Face = Literal["stages", "inferences", ""]
"""Kind of picture of a run that goes on; empty where the panels show it."""

PACE_S = 0.5
"""Least seconds between two pictures."""

AIRY = 30
"""Rows of a screen from which on a reason has a blank one below its cause."""

NO_HISTORY = "no earlier run of this model to go by"


def face(state: State) -> Face:
    """The picture of a state: stages until the inferences begin, and those where there are several."""
    if state.run.status != "running":
        return ""
    infers = state.inferences or state.inference_running is not None or stage(state, "infer").status != "pending"
    if not infers:
        return "stages"
    return "inferences" if several(state) else ""


def known(state: State) -> bool:
    """Tell whether there is anything for the panels to show, but for the log."""
    return state.estimate is not None or state.delegation is not None or bool(state.operators)


class LiveArea(Vertical):
    """Cards: stages as a waterfall, inferences with the newest answer, or a reason."""

    DEFAULT_CSS: ClassVar[str] = """
    LiveArea {
        height: auto;
        #inferring { height: auto; }
        #why, #waterfall, #inferences, #answer { height: auto; }
        #why { border-title-color: $fail; }
        #inferences, #answer { width: 1fr; }
        #inferences { min-height: 12; }
        .waterfall, .inferences, .answer, .why { height: auto; }
    }
    .-single LiveArea #answer { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state: State | None = None
        self._usual: Usual | None = None
        self._face: Face = ""
        self._drawn = 0.0
        """Time of the last picture."""
        self._later: Timer | None = None
        self._now = 0.0

    def compose(self) -> ComposeResult:
        """Make all cards; which of them are shown depends on the state."""
        with Card(id="why"):
            yield WhyView()
        with Card(id="waterfall"):
            yield WaterfallView()
        with Horizontal(id="inferring"):
            with Card(id="inferences"):
                yield InferencesView()
            with Card(id="answer"):
                yield AnswerView()

    def on_mount(self) -> None:
        """Show nothing before the first state."""
        self._arrange(None)

    def take(self, state: State, usual: Usual | None, now: float) -> None:
        """Show a newer state, `PACE_S` after the last one at the earliest, but another kind of picture at once."""
        another = face(state) != self._face or state.run.status != "running"
        self._state, self._usual, self._now = state, usual, now
        self._face = face(state)
        wait = PACE_S - (time.monotonic() - self._drawn)
        if another or wait <= 0:
            self._redraw()
        elif self._later is None:
            self._later = self.set_timer(wait, self._redraw)

    def tick(self, now: float) -> None:
        """Move the clock on."""
        self._now = now
        if self._face and self._later is None:
            self._redraw()

    def _redraw(self) -> None:
        state = self._state
        if state is None or not self.is_mounted:
            return
        if self._later is not None:
            self._later.stop()
            self._later = None
        self._drawn = time.monotonic()
        if self._face == "stages":
            self._draw_stages(state)
        elif self._face == "inferences":
            self._draw_inferences(state)
        self._arrange(state)

    def _draw_stages(self, state: State) -> None:
        found = waterfall(state, self._usual, self._now)
        so_far, rest = total_words(found)
        self.query_one(WaterfallView).show(found)
        source = "" if self._usual is None else self._usual.words or NO_HISTORY
        self.query_one("#waterfall", Card).caption(
            title=Content.assemble(("1", "bold $accent"), " Stages"),
            figure=Content.assemble((so_far, "bold $strong"), (f" {rest}" if rest else "", "$muted")),
            foot=f"┄ usual: {source}" if self._usual is not None and self._usual.stages else source,
        )

    def _draw_inferences(self, state: State) -> None:
        found = inferring(state)
        self.query_one(InferencesView).show(found, state.answer if self.screen.has_class("-single") else None)
        of = f" of {found.asked:,}" if found.asked is not None else ""
        self.query_one("#inferences", Card).caption(
            title=Content.assemble(("1", "bold $accent"), " Inferences"),
            figure=Content.assemble((f"{found.done:,}", "bold $strong"), (of, "$muted")),
            foot=f"cycles {found.source}" if found.source else "",
        )
        self.query_one(AnswerView).show(state.answer)
        self.query_one("#answer", Card).caption(title="Answer", figure="newest")

    def explain(self, state: State, keys: Sequence[Key], hint: str, source: str) -> Why | None:
        """Show why a run did not end well, if it did not; return the reason."""
        found = why(state, hint)
        card = self.query_one("#why", Card)
        card.display = found is not None
        if found is not None:
            self.query_one(WhyView).show(found, keys, source, airy=self.app.size.height >= AIRY)
            figure = Content.assemble((found.figure, f"bold ${found.role}"))
            card.caption(title="Why", figure=figure)
        return found

    def _arrange(self, state: State | None) -> None:
        self.query_one("#waterfall").display = self._face == "stages"
        self.query_one("#inferring").display = self._face == "inferences"
        self.query_one("#answer").display = state is not None and state.answer is not None
        if state is None:
            self.query_one("#why").display = False
