"""Bytes in use over time, the tensors at a step, and the totals of all memories."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.memory_map import MemoryMap
from tui.app.widgets.paint import Paint, bar
from tui.app.widgets.words import fit
from tui.reports.format import kib
from tui.reports.memory import Area
from tui.reports.memory_use import Total, facts, limit_words, name_of
from tui.run.figures import Operator

EIGHTHS = " ▁▂▃▄▅▆▇█"
FAR = 4.0
"""Factor between the peak and the limit from which on that is no part of the drawing."""
LABEL, LONG = 13, 2
"""Cells of the names of facts, and how many facts have a line of their own."""


class UseOverTime(Lines):
    """A bar for each step, the limit as a rule, and the peak marked."""

    def __init__(self) -> None:
        super().__init__()
        self._used: tuple[int, ...] = ()
        self._limit: float | None = None

    def show(self, used: Sequence[int], limit_kib: float | None) -> None:
        """Show bytes at each step."""
        limit = limit_kib * 1024 if limit_kib else None
        if (tuple(used), limit) != (self._used, self._limit):
            self._used, self._limit = tuple(used), limit
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the rows from the top."""
        height, peak = self.size.height, max(self._used, default=0)
        if not peak or height < 1:
            return []
        limit = self._limit if self._limit is not None and self._limit <= FAR * peak else None
        top = max(peak, limit or 0)
        margin = len(kib(round(top))) + 1
        room = max(width - margin, 1)
        steps = [column * len(self._used) // room for column in range(room)]
        rule = min(round((1 - limit / top) * height), height - 1) if limit else None
        strips = []
        for row in range(height):
            label = kib(round(top)) if row == 0 else "0" if row == height - 1 else ""
            cells = [self._cell(self._used[step], row, height, top, peak, paint) for step in steps]
            if row == rule:
                cells = _ruled(cells, f" limit {limit_words((limit or 0) / 1024)} ", paint)
            segments = [Segment(label.rjust(margin - 1) + " ", paint.ink("faint"))]
            strips.append(Strip([*segments, *(Segment(*cell) for cell in cells)]).simplify())
        return strips

    def _cell(self, used: int, row: int, height: int, top: float, peak: int, paint: Paint) -> tuple[str, Style]:
        eighths = round(used / top * height * 8) - (height - 1 - row) * 8
        if row == height - 1 and used:
            eighths = max(eighths, 1)
        return EIGHTHS[min(max(eighths, 0), 8)], paint.ink("warn" if used == peak else "sram")


def _ruled(cells: list[tuple[str, Style]], words: str, paint: Paint) -> list[tuple[str, Style]]:
    """A row with the limit drawn where nothing is, and its name at the end."""
    style = paint.ink("fail")
    ruled = [("─", style) if text == " " else (text, drawn) for text, drawn in cells]
    begin = len(ruled) - len(words)
    if begin > 0 and all(text == " " for text, _ in cells[begin:]):
        ruled[begin:] = [(character, style) for character in words]
    return ruled


@dataclass(frozen=True)
class Held:
    """A memory at a step, for the list of its tensors."""

    area: Area
    step: int
    operators: tuple[Operator, ...]


class TensorDetail(Lines):
    """Tensors needed at the step of a map's cursor, and the facts of the one under it."""

    def __init__(self, map_: MemoryMap) -> None:
        super().__init__()
        self._map = map_
        self._held: Held | None = None

    def show(self, held: Held | None) -> None:
        """Show the tensors at another step, or another one of them."""
        self._held = held
        self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the list, as much of it as the facts leave, then the facts."""
        selected, held, height = self._map.selected, self._held, self.size.height
        if held is None or selected is None or height < 1:
            return []
        alive = list(held.area.alive(held.step))
        told = _lines(facts(held.area, selected, held.operators), width)
        rows = max(min(len(alive), height - len(told) - 1), min(3, height - 2), 1)
        at = alive.index(selected) if selected in alive else 0
        first = min(max(at - rows + 1, 0), max(len(alive) - rows, 0))
        strips = []
        for tensor in alive[first : first + rows]:
            size, here = kib(tensor.bytes), tensor == selected
            style = paint.ink("strong", bold=True) if here else paint.ink("text")
            sign = "▌" if here else " "
            name = fit(f" {name_of(tensor)}", max(width - 5 - len(size), 0))
            strips.append(
                Strip(
                    [
                        Segment(sign, paint.ink("accent")),
                        Segment(f" {held.area.mark(tensor)} ", self._map.style_of(tensor, paint)),
                        Segment(f"{name} {size}", style),
                    ]
                )
            )
        if len(strips) + 1 + len(told) <= height:
            strips.append(Strip([Segment(" " * width, paint.base)]))
        muted, text = paint.ink("muted"), paint.ink("text")
        strips += [Strip([Segment(part, text if at % 2 else muted) for at, part in enumerate(line)]) for line in told]
        return strips[:height]


def _lines(told: Sequence[tuple[str, str]], width: int) -> list[list[str]]:
    """Labels and words of facts, in lines; the shorter ones, which come last, share a line where there is room."""
    lines = [[label.ljust(LABEL), words] for label, words in told]
    half = width // 2
    for at in range(LONG, len(lines) - 1):
        if at < len(lines) - 1 and LABEL + len(lines[at][1]) < half and len(lines[at + 1][1]) + 10 < width - half:
            label, words = lines.pop(at + 1)
            lines[at] = [lines[at][0], lines[at][1].ljust(half - LABEL), f"{label.rstrip()}  ", words]
    return lines


class MemoryTotals(Lines):
    """Each memory and pool: its share of the largest or of its limit, and the figure."""

    def __init__(self) -> None:
        super().__init__()
        self._totals: tuple[Total, ...] = ()

    def show(self, totals: Sequence[Total]) -> None:
        """Show other totals."""
        if tuple(totals) != self._totals:
            self._totals = tuple(totals)
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw a line for each."""
        most = max((total.kib or 0.0 for total in self._totals), default=0.0)
        name_room = max((cell_len(total.name) for total in self._totals), default=0) + 2
        parts = [total.words.partition(" of ") for total in self._totals]
        figures, limits = (max((len(part[at]) for part in parts), default=0) for at in (0, 2))
        cells = max(width - name_room - 2 - figures - (limits + 4 if limits else 0), 0)
        strips = []
        for total, (figure, _, rest) in zip(self._totals, parts, strict=True):
            whole = total.of_kib or most
            share = (total.kib or 0.0) / whole if whole else 0.0
            strips.append(
                Strip(
                    [
                        Segment(fit(total.name, name_room), paint.ink("text")),
                        *bar(paint, share, cells, total.role),
                        Segment(f"  {figure.rjust(figures)}", paint.ink("strong", bold=True)),
                        Segment(f" of {rest}" if rest else "", paint.ink("muted")),
                    ]
                )
            )
        return strips
