"""A cell of a heat map: a block in the colour of its step with a figure in it, and a frame under the cursor."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit

SIGN = "#"
WIDE = 11
"""Cells from which on a step has two signs."""
BOTH_ENDS = 4
"""Rows from which on the frame has a top and a bottom, and a half row parts the cells."""


@dataclass(frozen=True)
class CellFace:
    """Content of a cell."""

    figure: str
    second: str = ""
    """A second figure, for a cell of four rows or more."""
    signs: str = ""
    """Marks left of the figure."""
    step: int | None = None
    """Step of the scale, which is the block's colour; None is a block that stays in the background."""


def cell_lines(
    face: CellFace, width: int, rows: int, paint: Paint, *, signs: bool = False, cursor: bool = False
) -> list[list[Segment]]:
    """Draw a cell; with `signs` its upper row tells the step, too."""
    role = "" if paint.plain and face.step is None else "track" if face.step is None else f"heat-{face.step}"
    fill = paint.ink("muted", on=role) if face.step is None else paint.fill(role)
    bold = fill + Style(bold=True)
    figure_at = (rows - 1) // 2 if rows >= BOTH_ENDS else rows - 1
    texts = [""] * rows
    texts[figure_at] = _marked(face, width)
    if rows >= BOTH_ENDS:
        texts[figure_at + 1] = _centred(face.second, width)
    told = SIGN * (face.step or 0)
    if signs and rows > 1:
        texts[0] = (told * (2 if width >= WIDE else 1))[:width]
    elif signs and not texts[0][: len(told) + 2].strip():
        texts[0] = f" {told} {texts[0][len(told) + 2 :]}"
    lines = [(fit(text, width), bold if at == figure_at else fill) for at, text in enumerate(texts)]
    if cursor:
        return _framed(lines, role, bold, paint)
    if rows >= BOTH_ENDS and not signs and role:
        half = paint.ink(role)
        lines[0], lines[-1] = ("▄" * width, half), ("▀" * width, half)
    return [[Segment(text, style)] for text, style in lines]


def _marked(face: CellFace, width: int) -> str:
    """The figure in the middle, and the marks left of it."""
    row = _centred(face.figure, width)
    if not face.signs:
        return row
    left = len(row) - len(row.lstrip())
    begin = max(left - len(face.signs) - 1, 1 if left > len(face.signs) else 0)
    return row[:begin] + face.signs + row[begin + len(face.signs) :]


def _centred(text: str, width: int) -> str:
    return fit(" " * ((width - cell_len(text)) // 2) + text, width)


def _framed(lines: list[tuple[str, Style]], role: str, style: Style, paint: Paint) -> list[list[Segment]]:
    """The lines in a frame; few have only its sides."""
    tall, width = len(lines) >= BOTH_ENDS, len(lines[0][0])
    if tall:
        told = lines[0][0].rstrip()[: width - 2]
        framed = [[Segment("┃", style), Segment(text[1:-1], inner), Segment("┃", style)] for text, inner in lines]
        framed[0] = [Segment(f"┏{told}{'━' * (width - 2 - len(told))}┓", style)]
        framed[-1] = [Segment(f"┗{'━' * (width - 2)}┛", style)]
        return framed
    left, right = ("[", "]") if paint.plain else ("▌", "▐")
    side = paint.ink("strong", bold=True, on=role)
    return [[Segment(left, side), Segment(text[1:-1], inner), Segment(right, side)] for text, inner in lines]
