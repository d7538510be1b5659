"""A choice among a few values drawn as segments: the chosen one filled, as many others beside it as fit."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment

from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit


def segments(paint: Paint, texts: Sequence[str], chosen: int, width: int, *, unit: str = "") -> list[Segment]:
    """Draw a choice in at most `width` cells.

    Where not all values fit, their number stands for those that are left out (``+3``); where the chosen one has no
    room for another beside it, its place does (``1 of 6``).
    """
    if not texts:
        return [Segment(fit("none", width), paint.ink("muted"))]
    shown = _beside(texts, chosen, width - cell_len(f" {unit}" if unit else ""))
    drawn = [_segment(paint, texts[at], here=at == chosen) for at in shown]
    if len(shown) == len(texts):
        return [*drawn, Segment(f" {unit}", paint.ink("muted"))] if unit else drawn
    if len(shown) > 1:
        return [*drawn, Segment(f" +{len(texts) - len(shown)}", paint.ink("faint"))]
    place = f" {chosen + 1} of {len(texts)}"
    room = max(width - 2, 0)
    if cell_len(texts[chosen]) + 2 + len(place) > width:
        return [_segment(paint, fit(texts[chosen], min(room, cell_len(texts[chosen]))), here=True)]
    return [*drawn, Segment(place, paint.ink("faint"))]


def _segment(paint: Paint, text: str, *, here: bool) -> Segment:
    return Segment(f" {text} ", paint.pill("cursor") if here else paint.ink("muted"))


def _beside(texts: Sequence[str], chosen: int, width: int) -> range:
    """The values to show: all of them, or the chosen one with its neighbours, the next ones first."""
    sizes = [cell_len(text) + 2 for text in texts]
    if sum(sizes) <= width:
        return range(len(texts))
    room = width - len(f" +{len(texts)}") - sizes[chosen]
    first = last = chosen
    while last + 1 < len(texts) and sizes[last + 1] <= room:
        last += 1
        room -= sizes[last]
    while first and sizes[first - 1] <= room:
        first -= 1
        room -= sizes[first]
    return range(first, last + 1)
