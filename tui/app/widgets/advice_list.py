"""The list of suggestions on the Advice card, with a cursor."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.analysis.advice import Advice, Advised
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit
from tui.reports.advice import REWRITES, at_stake, effect, title
from tui.reports.format import number
from tui.text import clean

STAKE = 4
"""Width of the shares of cycles."""
INDENT = 1 + STAKE + 2
"""Column of the words, after the cursor's mark and the share."""
CURSOR = "▌"
ROOMY = 60
"""Cells from which on there is room for the place in the model."""


class AdviceList(Lines, can_focus=True):
    """Each suggestion with the share of cycles at stake, its evidence, and what came of trying it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="advice.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="advice.down"),
    ]

    class Moved(Message):
        """The cursor is on another suggestion, or there are others."""

    def __init__(self) -> None:
        super().__init__()
        self._advised: Advised | None = None
        self._note = ""
        self._at = 0

    @property
    def current(self) -> Advice | None:
        """The suggestion under the cursor."""
        pieces = self._advised.advice if self._advised else ()
        return pieces[self._at] if self._at < len(pieces) else None

    def take(self, advised: Advised, note: str = "") -> None:
        """Show these suggestions, and a last line; the cursor stays on the one it was on."""
        before = self.current
        self._advised, self._note = advised, note
        same = (at for at, piece in enumerate(advised.advice) if before and _same(piece, before))
        self._at = next(same, min(self._at, max(len(advised.advice) - 1, 0)))
        self.draw()
        self.post_message(self.Moved())

    def seek_trial(self) -> Advice | None:
        """Put the cursor on the first suggestion that can be tried, unless it is on one; return that."""
        if self._advised is not None and (self.current is None or not self.current.change):
            self._at = next((at for at, piece in enumerate(self._advised.advice) if piece.change), self._at)
            self._show()
        return self.current

    def action_move(self, step: int) -> None:
        """Move the cursor by a suggestion."""
        count = len(self._advised.advice) if self._advised else 0
        at = min(max(self._at + step, 0), max(count - 1, 0))
        if at != self._at:
            self._at = at
            self._show()

    def _show(self) -> None:
        self.draw()
        rows, holder = self._rows(), self.parent
        if rows and isinstance(holder, Widget):
            first, last = rows[self._at]
            holder.scroll_to_region(Region(0, first, self.size.width, last - first), animate=False)
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        """Draw the cursor."""
        self.draw()

    def on_blur(self) -> None:
        """Draw no cursor."""
        self.draw()

    # -- drawing

    def _rows(self) -> list[tuple[int, int]]:
        """First line of each suggestion, and the line after its last."""
        found, y = [], 0
        for piece in self._advised.advice if self._advised else ():
            count = len(list(self._lines(piece, self.size.width)))
            found.append((y, y + count))
            y += count
        return found

    def drawn(self, width: int, paint: Paint) -> Sequence[Strip]:
        """Draw all suggestions."""
        strips: list[Strip] = []
        for at, piece in enumerate(self._advised.advice if self._advised else ()):
            here = at == self._at and self.has_focus
            for stake, words, kind in self._lines(piece, width):
                strips.append(_strip(stake, words, kind, width, paint, here=here))
        if self._note:
            lines = textwrap.wrap(self._note, max(width - 2, 10))
            strips += [Strip([Segment(f" {words}", paint.ink("faint"))]) for words in lines]
        return strips

    def _lines(self, piece: Advice, width: int) -> Iterator[tuple[str, str, str]]:
        """Share, words and role of each line of a suggestion."""
        assert self._advised is not None
        room = max(width - INDENT, 10)
        stake = at_stake(piece, self._advised)
        place = f"; {_place(piece)}" if piece.change and piece.line and width >= ROOMY else ""
        # The share stands before it.
        evidence = clean(piece.evidence, 300).removesuffix(f", {stake.replace(' ', '')}")
        evidence = evidence.replace(f" of {number(self._advised.total_cycles)} cycles", " cycles")
        parts = [(title(piece), "strong"), (f"{evidence}{place}", "muted")]
        if not piece.change:
            parts.append((f"in the model: {_instead(piece)}", "text"))
        if piece.tried is not None:
            parts.append((_tried(piece, self._advised), _verdict(piece)))
        for words, role in parts:
            for line in textwrap.wrap(words, room, break_on_hyphens=False):
                yield stake, line, role
                stake = ""


def _instead(piece: Advice) -> str:
    """Say what to do where no option does it."""
    rest = piece.what.partition(":")[2].strip() if piece.kind in REWRITES else ""
    return f"{clean(rest, 200)}, {_place(piece)}" if rest else _place(piece)


def _place(piece: Advice) -> str:
    """``FILE:LINE`` without the file's folders."""
    return clean(PurePath(piece.line).name, 120) if piece.line else "line not known"


def _same(piece: Advice, other: Advice) -> bool:
    return (piece.kind, piece.change, piece.line, piece.what) == (other.kind, other.change, other.line, other.what)


def _verdict(piece: Advice) -> str:
    """Role of an outcome: a lost match outweighs any gain."""
    tried = piece.tried
    if tried is None or tried.status == "running":
        return "accent"
    if tried.status != "ok" or tried.check == "mismatch":
        return "fail"
    return "ok" if (tried.change_pct or 0) <= 0 else "warn"


def _tried(piece: Advice, advised: Advised) -> str:
    mark = {"ok": "✓ ", "fail": "✗ ", "warn": "! ", "accent": "> "}[_verdict(piece)]
    return f"{mark}{effect(piece, advised)}"


def _strip(stake: str, words: str, role: str, width: int, paint: Paint, *, here: bool) -> Strip:
    on = "cursor" if here else ""

    def ink(kind: str, *, bold: bool = False) -> Style:
        # In the terminal's own colours only one can be read on the cursor's.
        return paint.pill("cursor") if here and paint.plain else paint.ink(kind, bold=bold, on=on)

    readable = "text" if here and role == "muted" else role
    stake_role = "ok" if stake.endswith("%") else "faint"
    return Strip(
        [
            Segment(CURSOR if here else " ", ink("accent")),
            Segment(f"{stake:>{STAKE}}  ", ink(stake_role, bold=True)),
            Segment(fit(words, width - INDENT), ink(readable, bold=role not in ("muted", "text"))),
        ]
    )
