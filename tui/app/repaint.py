"""Updates of the screen, of which only that is sent which the terminal does not show yet.

After each change of its layout Textual 8 sends the whole screen, and a widget that is refreshed sends all of its lines,
also where they look as before; opening a screen takes several such changes. Over a slow connection that is seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple, cast

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Offset
from textual.strip import Strip


class Piece(NamedTuple):
    """Part of a row."""

    x: int
    y: int
    strip: Strip


class Pieces(CompositorUpdate):
    """Parts of rows, as they are sent."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces

    def render_segments(self, console: Console) -> str:
        """Return the parts, each with its place."""
        return "".join(
            f"{Control.move_to(x, y).segment.text}{_sent(strip).render(console)}" for x, y, strip in self._pieces
        )


class Shown:
    """The rows that the terminal shows, as far as they are known."""

    def __init__(self) -> None:
        self._rows: dict[int, Strip] = {}
        self._cursor: Offset | None = None

    def forget(self) -> None:
        """Take it that the terminal shows something else: it was resized, or somebody else wrote to it."""
        self._rows.clear()
        self._cursor = None

    def missing(self, update: RenderableType | None, cursor: Offset) -> RenderableType | None:
        """Return what has to be sent of an update, and take it to be shown then; None where that is nothing."""
        match update:
            case LayoutUpdate():
                pieces = [p for y, strips in enumerate(update.strips) for p in self._row(y, Strip.join(strips))]
            case ChopsUpdate():
                pieces = list(self._parts(update))
            case None:
                return None
            case _:
                self.forget()
                return update
        moved, self._cursor = cursor != self._cursor, cursor
        return cast("RenderableType", Pieces(pieces)) if pieces or moved else None

    def _row(self, y: int, new: Strip) -> Iterator[Piece]:
        """Return the part of a row that differs, where its old content is known."""
        old, self._rows[y] = self._rows.get(y), new
        if old is None or old.cell_length != new.cell_length:
            yield Piece(0, y, new)
            return
        before, now = _bare(old), _bare(new)
        if before == now:
            return
        # A part of a wide or a composed character is not what the terminal makes of it: such rows are sent whole.
        first, last = _differing(before, now) if _even(before) and _even(now) else (0, new.cell_length)
        yield Piece(first, y, new.crop(first, last))

    def _parts(self, update: ChopsUpdate) -> Iterator[Piece]:
        """Return what differs of some spans of some rows."""
        rows: dict[int, list[Piece]] = {}
        for y, x1, x2 in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is not None and x < x2 and end > x1:
                    rows.setdefault(y, []).append(Piece(max(x, x1), y, strip.crop(max(x1 - x, 0), min(end, x2) - x)))
        for y, pieces in rows.items():
            new = self._rows.get(y)
            for piece in pieces if new is not None else ():
                behind = piece.x + piece.strip.cell_length
                new = Strip.join([new.crop(0, piece.x), piece.strip, new.crop(behind)]) if new else None
            if new is None or not (_even(new) and _even(self._rows[y])):
                self._rows.pop(y, None)
                yield from pieces
            else:
                yield from self._row(y, new)


@lru_cache(maxsize=4096)
def _visible(style: Style | None) -> Style:
    """Return what is seen of a style."""
    return Style() if style is None else style.clear_meta_and_links()


def _bare(strip: Strip) -> list[Segment]:
    """Return a row as it looks: neighbours of one style are one segment."""
    return list(Segment.simplify(Segment(text, _visible(style)) for text, style, _ in strip))


def _sent(strip: Strip) -> Strip:
    """Return a part of a row in as few segments as look the same, each of which is sent with all of its style.

    Of blanks only the ground is seen: they go with what is before them, or with what follows.
    """
    joined: list[tuple[str, Style]] = []
    for segment in _bare(strip):
        text, style = segment.text, segment.style or Style()
        if joined and _alike(*joined[-1], text, style):
            before, own = joined[-1]
            joined[-1] = before + text, style if before.isspace() else own
        else:
            joined.append((text, style))
    return Strip([Segment(text, style) for text, style in joined], strip.cell_length)


def _alike(before: str, one: Style, text: str, other: Style) -> bool:
    """Tell whether two neighbours look the same in one style."""
    if one == other:
        return True
    if not (before.isspace() or text.isspace()):
        return False
    return one.bgcolor == other.bgcolor and not (_lined(one) or _lined(other))


def _lined(style: Style) -> bool:
    """Tell whether a style is seen on blanks, too."""
    return bool(style.underline or style.underline2 or style.strike or style.overline or style.reverse)


def _even(row: Iterable[Segment]) -> bool:
    """Return True if each character of a row has one cell."""
    return all(_even_text(segment.text) for segment in row)


@lru_cache(maxsize=4096)
def _even_text(text: str) -> bool:
    return text.isascii() or all(cell_len(character) == 1 for character in text)


def _differing(old: list[Segment], new: list[Segment]) -> tuple[int, int]:
    """Return the first cell from which on two rows of one length differ, and the one behind the last.

    Each of their characters has one cell.
    """
    length = sum(segment.cell_length for segment in new)
    before = _common(old, new)
    if before == length:
        return length, length
    return before, length - _common([_reversed(s) for s in reversed(old)], [_reversed(s) for s in reversed(new)])


def _common(old: list[Segment], new: list[Segment]) -> int:
    """Count the cells that both begin with."""
    cells = 0
    for one, other in zip(old, new, strict=False):
        if one == other:
            cells += other.cell_length
            continue
        if one.style == other.style:
            cells += next((at for at, (a, b) in enumerate(zip_longest(one.text, other.text)) if a != b), 0)
        break
    return cells


def _reversed(segment: Segment) -> Segment:
    return Segment(segment.text[::-1], segment.style)
