"""Draws the rows of a ribbon."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.app import ascii
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit
from tui.reports.format import number, percentage
from tui.reports.ribbon_layout import Block, Span, label

HATCH, SEPARATOR, SEPARATOR_ASCII = "▒", "▏", "│"
POINTER = "▲"
LEAST_LABEL = 3
"""Cells from which on a name that must be cut is worth showing."""
LONGEST_LABEL = 12
"""Cells of a name above blocks that are too narrow for theirs: the others want some too."""

Phase = Literal["rest", "work", "open", "cursor"]
"""A block of a network at rest or done, at work, to come, or under the cursor."""


class Pen:
    """Rows of blocks in a theme's colours."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint
        self._shades = [paint.fill(role) for role in ("npu-2", "npu-3")]
        # Of sixteen colours the CPU has one: the hatching would not be seen on it.
        self._kernel = paint.ink("cpu", bold=True) if paint.ansi else paint.fill("cpu-2", bold=True)
        self._hatch = paint.ink("cpu") if paint.ansi else paint.ink("cpu", on="cpu-2")
        self._plain = paint.plain
        self._separator = (SEPARATOR_ASCII if ascii.wanted() else SEPARATOR) if paint.plain else " "

    def _styled(self, blocks: Sequence[Block], phases: Sequence[Phase]) -> Iterator[tuple[Block, Style, Style]]:
        """Blocks with the styles of their words and of their hatching."""
        shade = 0
        for block, phase in zip(blocks, phases, strict=True):
            if block.side == "cpu":
                words, hatch = self._kernel, self._hatch
            else:
                words = hatch = self._shades[shade % 2]
                shade += 1
            if phase in ("cursor", "work"):
                words = hatch = self._paint.pill("accent")
            elif phase == "open":
                words = hatch = self._paint.ink("muted", on="raised")
            yield block, words, hatch

    def names(self, blocks: Sequence[Block], phases: Sequence[Phase]) -> list[Segment]:
        """The upper row."""
        return [self._filled(block, self._name(block), words) for block, words, _ in self._styled(blocks, phases)]

    def crowded(self, blocks: Sequence[Block]) -> bool:
        """Tell whether most of the width belongs to blocks that have no room for their names."""
        return 2 * sum(block.cells for block in blocks if self._name(block)) < sum(block.cells for block in blocks)

    def _name(self, block: Block) -> str:
        """Name as far as it is worth showing; empty where there is no room."""
        room = self._room(block)
        name = label(block, room)
        if name != block.name and room == block.cells:
            name = label(block, room - 1)  # cut, it would run into the neighbour's
        return "" if room < LEAST_LABEL and name != block.name else name

    def labels(self, blocks: Sequence[Block], at: int | None, width: int) -> list[Segment]:
        """Names above blocks too narrow for them: that of the block at this place, then the slowest that fit."""
        starts = list(accumulate((block.cells for block in blocks), initial=0))
        placed: dict[int, tuple[int, str]] = {}
        free = [True] * width
        known = [i for i, block in enumerate(blocks) if i == at or block.cycles is not None]
        for i in sorted(known, key=lambda i: (i != at, -(blocks[i].cycles or 0), i)):
            name = label(blocks[i], min(LONGEST_LABEL, width))
            cells = cell_len(name)
            start = min(starts[i], width - cells)
            if name and start >= 0 and all(free[max(start - 1, 0) : start + cells + 1]):
                placed[start] = i, name
                free[start : start + cells] = [False] * cells
        row, x = [], 0
        for start, (i, name) in sorted(placed.items()):
            role = "accent" if i == at else "cpu" if blocks[i].side == "cpu" else "npu"
            row += [Segment(" " * (start - x), self._paint.base), Segment(name, self._paint.ink(role, bold=i == at))]
            x = start + cell_len(name)
        return [*row, Segment(" " * (width - x), self._paint.base)]

    def shares(self, blocks: Sequence[Block], phases: Sequence[Phase], total: int) -> list[Segment]:
        """The lowest row: shares of all cycles."""

        def share(block: Block) -> str:
            return percentage(block.cycles / total) if total and block.cycles is not None else ""

        return self.words(blocks, phases, share)

    def words(self, blocks: Sequence[Block], phases: Sequence[Phase], words: Callable[[Block], str]) -> list[Segment]:
        """A lower row: words of each block of the NPU that has room for all of them, and hatching for the CPU."""
        row = []
        for block, style, hatch in self._styled(blocks, phases):
            if block.side == "npu":
                text = words(block)
                row.append(self._filled(block, text if cell_len(text) <= self._room(block) else "", style))
            else:
                first = self._separator if self._plain and block.cells > 1 else HATCH
                row.append(Segment(first + HATCH * (block.cells - 1), hatch))
        return row

    def _room(self, block: Block) -> int:
        """Cells for the words of a block: one is left where that, not its colour, ends the neighbour's."""
        return block.cells - 1 if self._plain or block.cells > LEAST_LABEL else block.cells

    def _filled(self, block: Block, text: str, style: Style) -> Segment:
        room = self._room(block)
        return Segment(self._separator * (block.cells - room) + fit(text, room), style)

    def brackets(self, stretches: Sequence[Span], width: int) -> list[Segment]:
        """A bracket below each partition, with its number and cycles where they fit."""
        row, x = [], 0
        for span in stretches:
            row.append(Segment(" " * (span.start - x), self._paint.base))
            row += self._bracket(span)
            x = span.start + span.cells
        return [*row, Segment(" " * (width - x), self._paint.base)]

    def _bracket(self, span: Span) -> list[Segment]:
        npu = self._paint.ink("npu")
        if span.cells < 2:
            return [Segment("┴", npu)]
        inner = span.cells - 2
        name = f"P{span.partition}"
        figure = name if span.cut else f"{name} {'again' if span.again else number(span.cycles)}"
        texts = (f" {figure} ", figure, f" {name} ", name)
        text = next((text for text in texts if len(text) <= inner), "")
        left = (inner - len(text)) // 2
        return [
            Segment("╰" + "─" * left, npu),
            Segment(text, self._paint.ink("npu", bold=True)),
            Segment("─" * (inner - len(text) - left) + "╯", npu),
        ]

    def pointed(self, row: Sequence[Segment], blocks: Sequence[Block], at: int | None) -> list[Segment]:
        """A row with a pointer to the block at this place."""
        if at is None:
            return list(row)
        x = sum(block.cells for block in blocks[:at]) + (blocks[at].cells - 1) // 2
        return _replaced(row, x, Segment(POINTER, self._paint.ink("accent", bold=True)))

    def handovers(self, blocks: Sequence[Block], width: int) -> list[Segment]:
        """An arrow wherever the work changes hands: down to the CPU, up to the NPU."""
        row = [Segment(" " * width, self._paint.base)]
        starts = accumulate(block.cells for block in blocks)
        for (one, other), x in zip(pairwise(blocks), starts, strict=False):
            if one.side != other.side and x < width:
                role, arrow = ("cpu", "↓") if other.side == "cpu" else ("npu", "↑")
                row = _replaced(row, x, Segment(arrow, self._paint.ink(role, bold=True)))
        return row

    def legend(self, unknown: str, width: int) -> list[Segment]:
        """Meaning of the two fillings, on the right."""
        npu, cpu, muted = (self._paint.ink(role) for role in ("npu", "cpu", "muted"))
        words = [("■", npu), (" NPU, as wide as its cycles, at least a cell", muted)]
        if unknown:
            words += [("  ", self._paint.base), (HATCH, cpu), (f" {unknown}", muted)]
        length = sum(cell_len(text) for text, _ in words)
        blank = Segment(" " * max(width - length, 0), self._paint.base)
        return [blank, *(Segment(text, style) for text, style in words)]


def _replaced(row: Sequence[Segment], x: int, mark: Segment) -> list[Segment]:
    """A row with the cell at `x` replaced; cells before are of one column each."""
    found: list[Segment] = []
    at = 0
    for segment in row:
        end = at + len(segment.text)
        if at <= x < end:
            text, style = segment.text, segment.style
            pieces = (Segment(text[: x - at], style), mark, Segment(text[x - at + 1 :], style))
            found += [piece for piece in pieces if piece.text]
        else:
            found.append(segment)
        at = end
    return found
