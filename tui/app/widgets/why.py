"""Why a run did not end well: cause, place, stage, what to try, and the keys that help."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.content import Content
from textual.strip import Strip

from tui.app.widgets.card import Card
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import ending, fit, wrapped
from tui.reports.why import Why, why
from tui.run.state import State
from tui.text import clean

LABEL = 8
MOST_CAUSE, MOST_REMEDY = 3, 3
"""Rows of the longest cause and of the longest remedy."""
AIRY, SHORT = 30, 24
"""Rows of a screen from which on there is a blank one below the cause, and below which the least is told."""
LONGEST = 1_000

Key = tuple[str, str]
"""A key and what it does."""


class WhyView(Lines):
    """Rows of a reason, each detail behind its label."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Why | None = None
        self._source = ""
        self._keys: tuple[Key, ...] = ()
        self._rows = SHORT

    def show(self, why: Why, keys: Sequence[Key], source: str = "", *, rows: int = SHORT) -> None:
        """Show a reason; `source` is the text of the line that it names, `rows` is the height of the screen."""
        shown = (why, source, tuple(keys), rows)
        if shown != (self._shown, self._source, self._keys, self._rows):
            self._shown, self._source, self._keys, self._rows = shown
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the cause over the details."""
        why = self._shown
        if why is None:
            return []
        short = self._rows < SHORT and not why.stage
        rows = [
            [Segment(line, paint.ink("strong", bold=True))]
            for line in wrapped(clean(why.cause, LONGEST), width, MOST_CAUSE - short)
        ]
        rows += [[]] if self._rows >= AIRY else []
        rows += self._where(why, width, paint)
        if not short:
            rows += _detail("stage", clean(why.stage, 400), paint.ink("text"), width, 2, paint)
            rows += _detail("links", clean(why.links, 400), paint.ink("text"), width, 2, paint)
        rows += _detail("try", clean(why.remedy, LONGEST), paint.ink("ok"), width, MOST_REMEDY - short, paint)
        rows += [] if short else self._help(width, paint)
        return [Strip(row) for row in rows]

    def _where(self, why: Why, width: int, paint: Paint) -> list[list[Segment]]:
        if why.line is None:
            return _detail("where", clean(why.beside, 200), paint.ink("text"), width, 1, paint)
        room = max(width - LABEL, 1)
        place = ending(clean(why.line, 400), room)
        words = "   ".join(part for part in (clean(why.beside, 120), clean(self._source.strip(), 200)) if part)
        rest = room - cell_len(place) - 3
        beside = (
            [Segment("   ", paint.base), Segment(fit(words, rest), paint.ink("text"))]
            if words and rest >= LABEL
            else []
        )
        return [[_label("where", paint), Segment(place, paint.ink("accent", bold=True)), *beside]]

    def _help(self, width: int, paint: Paint) -> list[list[Segment]]:
        """The keys, as many rows as they take."""
        rows: list[list[Segment]] = []
        used = width
        for key, does in self._keys:
            length = cell_len(key) + 1 + cell_len(does)
            if used + 3 + length > width:
                rows.append([_label("" if rows else "keys", paint)])
                used = LABEL - 3
            else:
                rows[-1].append(Segment("   ", paint.base))
            rows[-1] += [Segment(key, paint.ink("accent", bold=True)), Segment(f" {does}", paint.ink("muted"))]
            used += 3 + length
        return rows


def _label(word: str, paint: Paint) -> Segment:
    return Segment(fit(word, LABEL), paint.ink("faint"))


def _detail(label: str, text: str, style: Style, width: int, most: int, paint: Paint) -> list[list[Segment]]:
    """A text behind its label, wrapped below itself."""
    lines = wrapped(text, max(width - LABEL, 1), most)
    return [[_label("" if at else label, paint), Segment(line, style)] for at, line in enumerate(lines)]


class WhyCard(Card):
    """The reason of a run that did not end well; nothing for any other."""

    DEFAULT_CSS: ClassVar[str] = "WhyCard { height: auto; display: none; WhyView { height: auto; } }"

    def compose(self) -> ComposeResult:
        """Make the rows."""
        yield WhyView()

    def take(self, state: State, hint: str, keys: Sequence[Key], source: str) -> None:
        """Show a newer state: `hint` stands in where it has none, `source` is the text of the line it names."""
        found = why(state, hint)
        self.display = found is not None
        if found is not None:
            self.query_one(WhyView).show(found, keys, source, rows=self.app.size.height)
            self.caption(title="Why", figure=Content.styled(found.figure, f"bold ${found.role}"))
