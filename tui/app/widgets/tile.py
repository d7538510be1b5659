"""A headline figure with its label, its source and its proportion."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.renderables.digits import Digits
from textual.strip import Strip

from tui.app import ascii
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint, bar
from tui.app.widgets.words import fit

EDGE = "▎"
TALL, LOW = 5, 3
"""Rows with a figure of large digits, and with a figure in bold. A tile of one row has label and figure only."""
LEAST_BAR, MOST_BAR = 4, 14


class TileFace(NamedTuple):
    """Content of a tile: own words and figures, no text from outside."""

    label: str
    figure: str
    unit: str = ""
    note: str = ""
    """Source of the figure, or the number key of its panel, in the upper right corner."""
    share: float | None = None
    """Proportion of 0..1, drawn as a bar; None has no bar."""
    words: str = ""
    """Proportion in words."""
    role: str = "npu"
    """Colour of the edge and the bar."""
    pill: str = ""
    """Role of a figure that is a verdict and stands in a block; empty for a number."""
    dim: bool = False
    """True of what is expected, not yet known."""
    brief: tuple[str, ...] = ()
    """Proportion in fewer and fewer words, for a tile that has no room for `words`."""


class Tile(Lines):
    """A tile of five, three or one rows, as its height allows."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="tile")
        self._face = TileFace("", "")

    @property
    def face(self) -> TileFace:
        """The tile's content."""
        return self._face

    def show(self, face: TileFace) -> None:
        """Show another figure; rows that do not change are not drawn again."""
        if face != self._face:
            self._face = face
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the label, the figure and the proportion."""
        face, height = self._face, self.size.height
        inner = max(width - 2, 0)
        if height < LOW:
            return [_row(_small(face, inner, paint), face, paint)]
        rows = [_label(face, inner, paint)]
        rows += _large(face, inner, paint) if height >= TALL else [_figure(face, inner, paint)]
        rows.append(_proportion(face, inner, paint))
        return [_row(row, face, paint) for row in rows]


def _row(segments: Sequence[Segment], face: TileFace, paint: Paint) -> Strip:
    edge = Segment(EDGE, paint.ink("line" if face.dim else face.role))
    return Strip([edge, Segment(" ", paint.base), *segments])


def _number(face: TileFace, paint: Paint) -> Style:
    return paint.ink("faint") if face.dim else paint.ink("strong", bold=True)


def _label(face: TileFace, width: int, paint: Paint) -> list[Segment]:
    room = width - cell_len(face.label) - 2
    note = face.note if cell_len(face.note) <= room else ""
    return [
        Segment(fit(face.label, width - cell_len(note)), paint.ink("muted")),
        Segment(note, paint.ink("faint")),
    ]


def _figure(face: TileFace, width: int, paint: Paint) -> list[Segment]:
    if face.pill:
        pill = Segment(f" {face.figure} ", paint.pill(face.pill))
        unit = face.unit if pill.cell_length + 1 + cell_len(face.unit) <= width else ""
        return [pill, Segment(f" {unit}", paint.ink("muted"))]
    return [
        Segment(face.figure, _number(face, paint)),
        Segment(fit(f" {face.unit}", max(width - cell_len(face.figure), 0)), paint.ink("muted")),
    ]


def _small(face: TileFace, width: int, paint: Paint) -> list[Segment]:
    return [Segment(f"{face.label.capitalize()} ", paint.ink("muted")), *_figure(face, width, paint)]


def _large(face: TileFace, width: int, paint: Paint) -> list[list[Segment]]:
    """Three rows: the figure in large digits, the unit beside their foot."""
    digits = [] if face.pill or ascii.wanted() else _digits(face, paint)
    size = sum(cell_len(segment.text) for segment in digits[0]) if digits else 0
    if not digits or size + cell_len(face.unit) + 1 > width:
        return [[], _figure(face, width, paint), []]
    unit = Segment(f" {face.unit}", paint.ink("muted"))
    return [digits[0], digits[1], [*digits[2], unit]]


def _digits(face: TileFace, paint: Paint) -> list[list[Segment]]:
    """Large digits, where all of the figure consists of such."""
    if not face.figure or any(c not in "0123456789.,+-" for c in face.figure):
        return []
    style = _number(face, paint)
    pieces = [piece.text for piece in Digits(face.figure).render(style) if isinstance(piece, Segment)]
    return [[Segment(line, style)] for line in pieces if line != "\n"]


def _proportion(face: TileFace, width: int, paint: Paint) -> list[Segment]:
    said = (face.words, *face.brief)
    text = next((words for words in said if cell_len(words) <= width), said[-1])
    words = Segment(text, paint.ink("faint" if face.dim else "text"))
    cells = min(width - cell_len(text) - 2, MOST_BAR)
    if face.share is None or face.dim or cells < LEAST_BAR:
        return [Segment(fit(text, width), words.style)]
    return [*bar(paint, face.share, cells, face.role), Segment("  ", paint.base), words]
