"""The part of the Run screen that stands in for the panels while there is little or nothing in them."""

import math
import time
from time import monotonic
from typing import ClassVar, Literal

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer

from tui.app.widgets.answer import AnswerView
from tui.app.widgets.card import Card
from tui.app.widgets.inferences import InferencesView
from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.waterfall import WaterfallView
from tui.reports.inferring import inferring, several
from tui.reports.waterfall import total_words, waterfall
from tui.run.derived import named_line
from tui.run.state import State, stage
from tui.run.usual import BESIDES, Usual

Stand = Literal["stages", "inferences", "nothing", ""]
"""Stand-in for the panels: a waterfall of stages, a row of inferences, of a run of which nothing is known the network
of an earlier one; empty where the panels show it."""

PACE_S = 0.5
"""Least seconds between two pictures."""

LEAST_ANSWER = 6
"""Rows of an answer, however few there are beside it."""

NO_HISTORY = "no earlier run of this model to compare with"


def stand(state: State) -> Stand:
    """The stand-in for a state: stages until the inferences begin, and those where there are several."""
    if state.run.status != "running":
        return "" if state.run.status == "ok" or _known(state) else "nothing"
    infers = state.inferences or state.inference_running is not None or stage(state, "infer").status != "pending"
    if not infers:
        return "stages"
    return "inferences" if several(state) else ""


def _known(state: State) -> bool:
    """Tell whether there is anything for the panels to show, but for the log."""
    known = state.operators or state.inferences or state.memory
    return state.estimate is not None or state.delegation is not None or bool(known)


class LiveArea(Vertical):
    """Cards: stages as a waterfall, inferences with the newest answer, or the network of an earlier run."""

    DEFAULT_CSS: ClassVar[str] = """
    LiveArea {
        height: auto;
        Card, Horizontal, Lines { height: auto; }
        #inferences, #answer { width: 1fr; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state: State | None = None
        self._usual: Usual | None = None
        self._stand: Stand = ""
        self._now = 0.0
        self._drawn = -math.inf
        """Time of the last picture."""
        self._later: Timer | None = None

    def compose(self) -> ComposeResult:
        """Make all cards; which of them are shown depends on the state."""
        with Card(id="waterfall"):
            yield WaterfallView()
        with Horizontal(id="inferring"):
            with Card(id="inferences"):
                yield InferencesView()
            with Card(id="answer"):
                yield AnswerView()
        with Card(id="earlier"):
            yield Ribbon()

    def take(self, state: State, usual: Usual | None, now: float) -> None:
        """Show a newer state, `PACE_S` after the last one at the earliest, but another stand-in at once."""
        another = stand(state) != self._stand or not self._stand or usual is not self._usual
        self._state, self._usual, self._now, self._stand = state, usual, now, stand(state)
        wait = PACE_S - (monotonic() - self._drawn)
        if another or wait <= 0:
            self.redraw()
        elif self._later is None:
            self._later = self.set_timer(wait, self.redraw)

    def tick(self, now: float) -> None:
        """Move the clock on."""
        self._now = now
        if self._stand and self._later is None:
            self.redraw()

    def redraw(self) -> None:
        """Draw the newest state."""
        state = self._state
        if state is None or not self.is_mounted:
            return
        if self._later is not None:
            self._later.stop()
            self._later = None
        self._drawn = monotonic()
        alone = self.screen.has_class("-single")
        self.query_one("#waterfall").display = self._stand == "stages"
        self.query_one("#inferring").display = self._stand == "inferences"
        self.query_one("#answer").display = state.answer is not None and not alone
        earlier = None if self._usual is None or alone else self._usual.last
        self.query_one("#earlier").display = self._stand == "nothing" and earlier is not None
        if self._stand == "stages":
            self._draw_stages(state)
        elif self._stand == "inferences":
            self._draw_inferences(state, alone=alone)
        elif self._stand == "nothing" and earlier is not None:
            self._draw_earlier(state, earlier)

    def _draw_stages(self, state: State) -> None:
        found, usual = waterfall(state, self._usual, self._now), self._usual
        so_far, rest = total_words(found)
        self.query_one(WaterfallView).show(found)
        foot = "" if usual is None else f"┄ usual: {usual.words}" if usual.stages else NO_HISTORY
        self.query_one("#waterfall", Card).caption(
            title=_titled("Stages"),
            figure=Content.assemble((so_far, "bold $strong"), (f" {rest}" if rest else "", "$muted")),
            foot=Content.styled(foot, "$faint"),
        )

    def _draw_inferences(self, state: State, *, alone: bool) -> None:
        found = inferring(state)
        inferences = self.query_one(InferencesView)
        inferences.show(found, state.answer if alone else None)
        of = f" of {found.asked:,}" if found.asked is not None else ""
        self.query_one("#inferences", Card).caption(
            title=_titled("Inferences"),
            figure=Content.assemble((f"{found.done:,}", "bold $strong"), (of, "$muted")),
            foot=Content.styled(f"cycles {found.source}" if found.source else "", "$faint"),
        )
        self.query_one(AnswerView).show(state.answer, max(inferences.rows, LEAST_ANSWER))
        self.query_one("#answer", Card).caption(title="Answer", figure="newest")

    def _draw_earlier(self, state: State, earlier: State) -> None:
        """The network of an earlier run, with the operator lit whose line failed."""
        line = named_line(state)
        at = next((at for at, one in enumerate(earlier.operators) if line is not None and one.line == line), None)
        self.query_one(Ribbon).take(msgspec.structs.replace(earlier, operator_running=at, step_running=None))
        began = time.strftime("%b %d, %H:%M", time.localtime(earlier.run.created)) if earlier.run.created else ""
        others = BESIDES[self._usual.last_scope] if self._usual is not None else ""
        self.query_one("#earlier", Card).caption(
            title="Network", figure=Content.styled(f"of the last run that got further, {began}{others}", "$muted")
        )


def _titled(words: str) -> Content:
    """A title with the key that leads here."""
    return Content.assemble(("1", "bold $accent"), f" {words}")
