"""The head of the Run screen: the verdict, what ran for which target and where."""

import time

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import Clock, fit, model_name, since
from tui.reports.format import duration
from tui.reports.text import OUTCOMES
from tui.reports.waterfall import to_go_words, waterfall
from tui.run.derived import badge, now_doing, outcome, progress_words
from tui.run.events import STAGES
from tui.run.spec import asked_words
from tui.run.state import State, stage
from tui.run.usual import Usual
from tui.text import clean
from tui.toolchain import boards

VERDICTS = {
    "ok": ("✓", "ok"),
    "mismatch": ("✗", "fail"),
    "failed": ("✗", "fail"),
    "lost": ("✗", "fail"),
    "stopped": ("■", "warn"),
    "running": ("●", "accent"),
    "unknown": ("?", "warn"),
}
"""Glyph and role of colour of how a run stands."""

GAP = "  "

Word = tuple[str, str]
"""Text and the role of its colour; a name in capitals would be a verdict."""


class RunHeader(Lines):
    """One line: the verdict, time, model and target on the left, the platform on the right."""

    def __init__(self, clock: Clock = time.time, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._state: State | None = None
        self._usual: Usual | None = None

    def take(self, state: State, usual: Usual | None = None) -> None:
        """Show a newer state; `usual` tells how long such a run takes, where that is known."""
        self._state, self._usual = state, usual
        self.draw()

    def tick(self) -> None:
        """Go on with the clock."""
        self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the line; what has no room is left out from the end."""
        state = self._state
        if state is None:
            return [Strip([])]
        stands = outcome(state)
        glyph, role = VERDICTS[stands]
        pill = f" {glyph} {OUTCOMES[stands]} "
        platform = _platform(state, width)
        room = width - cell_len(pill) - sum(cell_len(text) + 1 for text, _ in platform) - 1
        words = _fitting([word for word in self._words(state) if word[0]], room)
        left = [Segment(pill, paint.pill(role))]
        for text, tone in words:
            left.append(Segment(f" {text} ", paint.ink(tone, bold=tone == "strong")))
        gap = width - sum(segment.cell_length for segment in left) - sum(cell_len(text) + 1 for text, _ in platform)
        right = [Segment(f"{text} ", paint.ink(tone, bold=tone == "warn")) for text, tone in platform]
        return [Strip([*left, Segment(" " * max(gap, 0), paint.base), *right])]

    def _words(self, state: State) -> list[Word]:
        """All there is to say, the most important first."""
        run, spec = state.run, state.spec
        name = (model_name(spec.model) if spec else clean(run.id), "strong")
        asked = asked_words(spec) if spec else ()
        about = [
            (clean(boards.short_system_config(word), 40), "muted" if at else "text") for at, word in enumerate(asked)
        ]
        if run.status != "running":
            took = (duration(run.seconds) if run.seconds is not None else "", "muted")
            at = (_failed_in(state), "text")
            return [at, name, *about, took, (clean(run.id) if spec else "", "faint")]
        taken = since(run.created, self._clock()) if run.created else ""
        far = next(
            (s.progress for s in state.stages if s.status == "running" and s.progress and s.name != "infer"), None
        )
        return [
            (now_doing(state), "strong"),
            (taken, "text"),
            (to_go_words(waterfall(state, self._usual, self._clock())), "muted"),
            (clean(progress_words(far), 60) if far else "", "accent"),
            name,
            *about,
        ]


def _failed_in(state: State) -> str:
    """The stage that a run failed or was stopped in."""
    if state.run.status in ("ok", "unknown"):
        return ""
    return next((name for name in STAGES if stage(state, name).status in ("failed", "stopped", "running")), "")


def _platform(state: State, width: int) -> list[Word]:
    """The platform, and whose figures it gives where there is room."""
    known = badge(state)
    if not known:
        compiles = state.spec is not None and state.spec.until == "emit"
        words = "no platform yet" if state.run.status == "running" else "no platform started"
        words = "compiled only" if compiles else words
        return [(words, "muted")] if width >= 100 else []
    name, _, source = known.partition(" - ")
    return [(name, "warn"), *([(f" {source}", "muted")] if width >= 100 else [])]


def _fitting(words: list[Word], room: int) -> list[Word]:
    """As many words as there is room for; the first that does not fit is cut where that leaves something to read."""
    found: list[Word] = []
    for text, tone in words:
        if cell_len(text) + 2 > room:
            if tone == "accent":
                continue  # half of a figure is another figure
            # Half a name of a run names none.
            if tone != "faint" and ((room >= 8 and not found) or room >= 12):
                found.append((fit(text, room - 2), tone))
            break
        found.append((text, tone))
        room -= cell_len(text) + 2
    return found
