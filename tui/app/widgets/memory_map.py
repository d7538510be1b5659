"""The memory map: tensors as blocks, addresses upwards and running order to the right, with a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.app import ascii
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit
from tui.reports.format import kib, number
from tui.reports.memory import FREE, Area, Peak, cells
from tui.reports.memory_use import shades, short_name, steps_of_interest
from tui.run.figures import Operator, TensorPlace
from tui.text import clean

TICK, TICK_ROWS = 1024, 3
"""Bytes between two labels of the address axis are a multiple of this; rows between them, at least."""
WITH_AXIS = 12
"""Rows from which on the steps have an axis."""
STEP_CELLS = 5
PEAK = "▲"
NARROW = 3
"""Cells of a block up to which its letter has no blank before it."""
LETTERS = 4
"""Letters and blanks around a name among letters."""
NEARLY = 0.75
"""Share of a block's widest row from which on a higher one is preferred for its name."""


@dataclass(frozen=True)
class Mapped:
    """Content of a map: a memory, its peak, and the operators that name its tensors."""

    area: Area
    peak: Peak
    operators: tuple[Operator, ...]


class MemoryMap(Lines, can_focus=True):
    """A map as large as the widget."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Step", key_display="← →", id="memory.step-back"),
        Binding("right", "step(1)", "Next step", show=False, id="memory.step"),
        Binding("up,k", "tensor(1)", "Tensor", key_display="↑ ↓", id="memory.tensor-above"),
        Binding("down,j", "tensor(-1)", "Tensor below", show=False, id="memory.tensor-below"),
    ]

    class Moved(Message):
        """The cursor is on another tensor or step."""

    def __init__(self) -> None:
        super().__init__()
        self._mapped: Mapped | None = None
        self._shades: list[int] = []
        self.step = 0
        self._selected = 0

    def show(self, mapped: Mapped | None) -> None:
        """Show another memory, with the cursor on the largest tensor at its peak."""
        if mapped == self._mapped:
            return
        before, self._mapped = self._mapped, mapped
        if mapped is not None:
            self._shades = shades(mapped.area)
            if before is None or before.area != mapped.area:
                self.step = mapped.peak.time
                self._pick(mapped.peak.tensors[0])
        self.draw()

    @property
    def selected(self) -> TensorPlace | None:
        """The tensor under the cursor."""
        return None if self._mapped is None else self._mapped.area.tensors[self._selected]

    def style_of(self, tensor: TensorPlace, paint: Paint) -> Style:
        """Style of a tensor's block, and of its letter in a legend."""
        area = self._mapped.area if self._mapped is not None else None
        return self._style(area.tensors.index(tensor) if area is not None and tensor in area.tensors else None, paint)

    def _pick(self, tensor: TensorPlace) -> None:
        if self._mapped is not None:
            self._selected = self._mapped.area.tensors.index(tensor)

    def action_step(self, by: int) -> None:
        """Go to the next step at which a tensor begins, or the one before."""
        if self._mapped is None:
            return
        steps = steps_of_interest(self._mapped.area)
        later = [step for step in steps if (step - self.step) * by > 0]
        if later:
            self.step = min(later) if by > 0 else max(later)
            alive = self._mapped.area.alive(self.step)
            if self.selected not in alive:
                self._pick(alive[0])
            self._moved()

    def action_tensor(self, by: int) -> None:
        """Go to the tensor above or below, of those needed at this step."""
        if self._mapped is None:
            return
        alive = sorted(self._mapped.area.alive(self.step), key=lambda tensor: (tensor.address, tensor.start))
        if alive and self.selected in alive:
            self._pick(alive[min(max(alive.index(self.selected) + by, 0), len(alive) - 1)])
            self._moved()

    def _moved(self) -> None:
        self.draw()
        self.post_message(self.Moved())

    # -- drawing

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the blocks with their names, the peak, and where there is room the steps."""
        height, mapped = self.size.height, self._mapped
        if mapped is None or height < 3:
            return []
        axis = height >= WITH_AXIS
        rows = height - 1 - axis
        labels = _addresses(mapped.area.size, rows)
        margin = max(len(text) for text in labels.values()) + 1
        room = max(width - margin, 1)
        grid = cells(mapped.area, room, rows * 2)[::-1]
        faint = paint.ink("faint")
        strips = []
        letters = paint.no_color or ascii.wanted()
        lines = self._letters(grid, paint) if letters else self._blocks(grid, paint)
        for row, line in enumerate(lines):
            label = labels.get(row, "").rjust(margin - 1) + " "
            strips.append(Strip([Segment(label, faint), *line]).simplify())
        strips.append(_peak(mapped, margin, room, paint))
        if axis:
            strips.append(self._axis(mapped.area, margin, room, paint))
        return strips

    def _style(self, place: int | None, paint: Paint) -> Style:
        if place is None:
            return paint.ink("faint")
        if self.has_focus and place == self._selected:
            return paint.fill("cursor", bold=True) if paint.ansi and not paint.no_color else paint.pill("accent")
        if paint.no_color:
            return paint.ink("text")
        return paint.fill(f"tensor-{self._shades[place] + 1}")

    def _letters(self, grid: Sequence[list[int | None]], paint: Paint) -> list[list[Segment]]:
        """Rows of letters, with names between them: a cell has that of its upper half, else of the lower."""
        assert self._mapped is not None
        area, operators = self._mapped.area, self._mapped.operators
        marks = [area.mark(tensor) for tensor in area.tensors]
        lines = []
        for upper, lower in zip(grid[::2], grid[1::2], strict=True):
            places = [low if high is None else high for high, low in zip(upper, lower, strict=True)]
            lines.append([(FREE if p is None else marks[p], self._style(p, paint)) for p in places])
        for place, (row, left, right) in _places(grid).items():
            room = right - left - LETTERS
            if room > NARROW:
                _put(
                    lines[row],
                    left + 1,
                    f" {short_name(area, area.tensors[place], operators, room)} ",
                    self._style(place, paint),
                )
        return [[Segment(text, style) for text, style in line] for line in lines]

    def _blocks(self, grid: Sequence[list[int | None]], paint: Paint) -> list[list[Segment]]:
        """Rows of blocks, half a cell fine, with names where they fit."""
        lines: list[list[tuple[str, Style]]] = []
        for upper, lower in zip(grid[::2], grid[1::2], strict=True):
            line = []
            for high, low in zip(upper, lower, strict=True):
                one, two = self._style(high, paint), self._style(low, paint)
                if high == low:
                    line.append((" ", one if high is not None else paint.base))
                elif low is None:
                    line.append(("▀", _half(one, paint.base)))
                else:
                    line.append(("▄", _half(two, one if high is not None else paint.base)))
            lines.append(line)
        self._labels(lines, grid, paint)
        return [[Segment(text, style) for text, style in line] for line in lines]

    def _labels(self, lines: list[list[tuple[str, Style]]], grid: Sequence[list[int | None]], paint: Paint) -> None:
        """Write letter and name into the highest whole row of each block, and the size below."""
        assert self._mapped is not None
        area = self._mapped.area
        for place, (row, left, right) in _places(grid).items():
            tensor, room = area.tensors[place], right - left
            pad = room > NARROW
            inner = room - 2 * pad
            mark, style = area.mark(tensor), self._style(place, paint)
            name = short_name(area, tensor, self._mapped.operators, inner - 2) if inner > NARROW + 1 else ""
            size = kib(tensor.bytes)
            below = row + 1 < len(lines) and all(grid[2 * row + at][left:right] == [place] * room for at in (2, 3))
            for at, text in enumerate((f"{mark} {name}".rstrip(), size if below else "")):
                if text and cell_len(text) <= inner:
                    _put(lines[row + at], left + pad, text, style)

    def _axis(self, area: Area, margin: int, room: int, paint: Paint) -> Strip:
        """Numbers of the steps, that under the cursor in the accent."""
        every = next(n * 10**e for e in range(9) for n in (1, 2, 5) if n * 10**e * room >= STEP_CELLS * area.steps)
        text = [" "] * (margin + room)
        for step in range(0, area.steps, every):
            label = str(step)
            begin = margin + _middle(step, area, room) - len(label) // 2
            if begin + len(label) <= len(text) - len(" step →"):
                text[begin : begin + len(label)] = label
        text[-len(" step →") :] = " step →"
        row, faint = "".join(text), paint.ink("faint")
        here = str(self.step)
        begin = min(margin + _middle(self.step, area, room) - len(here) // 2, len(row) - len(here))
        if not self.has_focus:
            return Strip([Segment(row, faint)])
        # Its neighbours' numbers must not look like a part of it.
        left, right = row[:begin].rstrip("0123456789").ljust(begin), row[begin + len(here) :]
        right = right.lstrip("0123456789").rjust(len(right)) if right[:1].isdigit() else right
        return Strip([Segment(left, faint), Segment(here, paint.pill("accent")), Segment(right, faint)])


def _put(line: list[tuple[str, Style]], x: int, text: str, style: Style) -> None:
    """Write a text into cells: one of two cells leaves the second empty, one of none joins the one before it."""
    for character in text:
        width = cell_len(character)
        if width:
            line[x : x + width] = [(character, style), *[("", style)] * (width - 1)]
            x += width
        else:
            line[x - 1] = line[x - 1][0] + character, style


def _half(letters: Style, ground: Style) -> Style:
    """Style of a half block: the colour of one block on that of another, or on the ground."""
    return Style(color=letters.bgcolor, bgcolor=ground.bgcolor)


def _places(grid: Sequence[list[int | None]]) -> dict[int, tuple[int, int, int]]:
    """Row, begin and end of the stretch of whole cells in each tensor that has the best room for a name."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    for row, (upper, lower) in enumerate(zip(grid[::2], grid[1::2], strict=True)):
        x = 0
        for (high, low), cells_ in groupby(zip(upper, lower, strict=True)):
            end = x + sum(1 for _ in cells_)
            if high is not None and high == low:
                found.setdefault(high, []).append((row, x, end))
            x = end
    best = {}
    for place, stretches in found.items():
        widest = max(end - begin for _, begin, end in stretches)
        best[place] = next(stretch for stretch in stretches if stretch[2] - stretch[1] >= NEARLY * widest)
    return best


def _addresses(size: int, rows: int) -> dict[int, str]:
    """Labels of the address axis by row: the size on top, 0 at the bottom, round numbers between."""
    unit = TICK if size >= TICK else 1
    labels = {0: kib(size), rows - 1: "0"}
    step = unit
    while step * rows < TICK_ROWS * size:
        step *= 2
    for address in range(step, size, step):
        row = rows - 1 - int(address / size * rows)
        if TICK_ROWS - 1 <= row <= rows - TICK_ROWS:
            labels[row] = number(address / unit)
    return labels


def _middle(step: int, area: Area, room: int) -> int:
    """Column in the middle of a step."""
    return min((2 * step + 1) * room // (2 * area.steps), room - 1)


def _peak(mapped: Mapped, margin: int, room: int, paint: Paint) -> Strip:
    """A mark below the fullest step, and what runs then."""
    peak = mapped.peak
    at = _middle(peak.time, mapped.area, room)
    name = clean(peak.operator.name, 60) if peak.operator is not None else f"step {peak.time}"
    words = f"peak {kib(peak.bytes)}, step {peak.time}: {name}" if room >= 60 else f"peak: {name}"
    sign, text = paint.ink("warn", bold=True), paint.ink("text")
    if at + 2 + cell_len(words) <= room or at < cell_len(words) + 1:
        words = fit(words, max(min(room - at - 2, cell_len(words)), 0))
        return Strip([Segment(" " * (margin + at), paint.base), Segment(PEAK, sign), Segment(f" {words}", text)])
    left = " " * (margin + at - cell_len(words) - 1)
    return Strip([Segment(left, paint.base), Segment(f"{words} ", text), Segment(PEAK, sign)])
