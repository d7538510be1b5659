"""The first line of the History screen: how many runs there are, and how they stand."""

from collections import Counter
from collections.abc import Iterable

from textual.content import Content

from tui.app.widgets.masthead import PILL
from tui.app.widgets.run_columns import GLYPHS
from tui.run.derived import Outcome
from tui.run.index import Row

WORDS: dict[Outcome, str] = {
    "ok": "ok",
    "mismatch": "wrong",
    "failed": "failed",
    "stopped": "stopped",
    "lost": "lost",
    "running": "running",
    "unknown": "not known",
}
"""Words of the outcomes, in their order."""
SAME_SIGN = frozenset[Outcome]({"mismatch", "failed"})
"""Outcomes that their sign does not tell apart: these keep their words."""


def counts(runs: Iterable[Row], width: int, amount: str, *, reading: bool, filtered: bool) -> Content:
    """Draw title and counts on the left, the `amount` of runs at the end.

    Where the width is short, the program's name goes first, then words beside signs, then an amount of all runs.
    """
    found = Counter(run.outcome for run in runs)
    known = [outcome for outcome in WORDS if found[outcome]]
    name, title = Content.assemble(PILL, " "), Content.assemble(("History", "bold $strong"))
    end = Content.assemble((f"{amount}, reading..." if reading else amount, "$muted"))
    shorter = end if filtered or reading else Content()
    left = title
    for before, worded, right in (
        (name, WORDS.keys(), end),
        (Content(), WORDS.keys(), end),
        (Content(), SAME_SIGN, end),
        (Content(), SAME_SIGN, shorter),
    ):
        counted = Content("  ").join(_count(outcome, found[outcome], outcome in worded) for outcome in known)
        left = Content.assemble(before, title, "   ", counted)
        gap = width - left.cell_length - right.cell_length
        if gap >= 2 or (gap >= 0 and not right):
            return Content.assemble(left, " " * gap, right)
    return Content.assemble(left.truncate(max(width - end.cell_length - 2, 0), ellipsis=True), "  ", end)


def _count(outcome: Outcome, amount: int, worded: bool) -> Content:
    glyph, role = GLYPHS[outcome]
    word = (f" {WORDS[outcome]}", "$muted") if worded else ""
    return Content.assemble((glyph, f"bold ${role}"), (f" {amount:,}", "bold $strong"), word)
