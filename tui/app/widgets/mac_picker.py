"""The picker of the NPU's size, which is the chart of what each size would take: one column for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.app.widgets.choice import Choice, Look
from tui.app.widgets.words import fit
from tui.reports.format import time, time_unit

CHART = 5
"""Lines from which on there are columns."""
PITCH = 13
"""Most cells from one column to the next."""
EIGHTHS = "▁▂▃▄▅▆▇█"
REFUSED = "✗"
HINT = "← → choose"


@dataclass(frozen=True)
class Prospect:
    """Latency and memory that are expected of a model on each size of the NPU, by accelerator."""

    ms: Mapping[str, float] = field(default_factory=dict)
    sram_kib: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    """Reasons why there is no estimate."""
    source: str = ""
    """Source of the figures, and their age."""
    brief: str = ""
    """The same in fewer words."""


NOTHING = Prospect()


class MacPicker(Choice):
    """The sizes of an NPU as columns as high as the latency that is expected; left and right walk them."""

    lines = 2
    grows = True
    prospect = NOTHING

    def drawn(self, look: Look) -> list[list[Segment]]:
        """Draw the chart, or a line of sizes and one of values where there is no room for it."""
        if not self.values:
            return super().drawn(look)
        columns = [
            _Column(text, self.prospect.ms.get(name), name in self.prospect.refused, name == self.value)
            for name, text in self.values
        ]
        if look.height < CHART:
            return _Row(look, columns).drawn()
        return _Chart(look, columns, self.unit).drawn()


@dataclass(frozen=True)
class _Column:
    size: str
    ms: float | None
    refused: bool
    chosen: bool


def _values(columns: Sequence[_Column], room: int) -> list[str]:
    """Latencies of the columns in at most so many cells each: in one unit, which is left out where it has no room."""
    seconds = [None if column.ms is None else column.ms / 1000 for column in columns]
    unit = time_unit(seconds)
    texts = [time(one, unit) for one in seconds]
    if any(len(text) > room for text in texts):
        texts = [text.partition(" ")[0] if unit else text.replace(" ", "") for text in texts]
    return [REFUSED if column.refused else text for column, text in zip(columns, texts, strict=True)]


class _Row:
    """Sizes in a line, and below them what is expected."""

    def __init__(self, look: Look, columns: Sequence[_Column]) -> None:
        self._paint = look.paint
        self._columns = columns
        self._pitch = min(PITCH, look.width // len(columns))

    def drawn(self) -> list[list[Segment]]:
        paint, pitch = self._paint, self._pitch
        sizes, values = [], []
        for column, value in zip(self._columns, _values(self._columns, pitch - 2), strict=True):
            size = f" {column.size} "
            sizes.append(Segment(size, paint.pill("accent") if column.chosen else paint.ink("muted")))
            sizes.append(Segment(" " * max(pitch - len(size), 0), paint.base))
            style = paint.ink("strong", bold=True) if column.chosen else paint.ink("muted")
            values.append(Segment(fit(f" {value}", pitch), style))
        return [sizes, values]


class _Chart:
    """Columns with their values above and their sizes below."""

    def __init__(self, look: Look, columns: Sequence[_Column], unit: str) -> None:
        self._paint = look.paint
        self._columns = columns
        self._unit = unit
        self._width = look.width
        self._rows = look.height - 2
        """Lines of the highest column."""
        self._pitch = max(min(PITCH, look.width // len(columns)), 1)
        self._gap = 3 if self._pitch >= 10 else 2 if self._pitch >= 6 else 1
        self._cells = max(self._pitch - self._gap, 1)
        most = max((column.ms for column in columns if column.ms is not None), default=0.0)
        self._eighths = [
            None if c.ms is None or c.refused else max(round(c.ms / most * self._rows * 8) if most else 0, 1)
            for c in columns
        ]

    def drawn(self) -> list[list[Segment]]:
        texts = _values(self._columns, self._pitch - 1)
        rows: list[list[Segment]] = []
        for y in range(self._rows + 1):
            row: list[Segment] = []
            for at, text in enumerate(texts):
                row += self._cell(at, y, text)
            rows.append(row)
        rows.append(self._sizes())
        self._add_hint(rows[0])
        return rows

    def _add_hint(self, row: list[Segment]) -> None:
        """Say how to choose, where the highest columns leave room for it."""
        taken = sum(cell_len(s.text) for s in row)
        blank = 0
        while row and not row[-1].text.strip():
            blank += cell_len(row.pop().text)
        room = self._width - taken + blank
        hint = HINT if room >= len(HINT) + 2 else ""
        row.append(Segment(hint.rjust(room), self._paint.ink("faint")))

    def _cell(self, at: int, y: int, text: str) -> list[Segment]:
        """A column's part of a line, with the space behind it."""
        paint, column, eighths = self._paint, self._columns[at], self._eighths[at]
        strong = paint.ink("strong", bold=True) if column.chosen else paint.ink("muted")
        if eighths is None:
            return self._unknown(y, text, strong)
        top = self._rows - (eighths + 7) // 8
        if y < top:
            return [Segment(" " * self._pitch, paint.base)]
        if y == top:
            return [Segment(fit(text, self._pitch), strong)]
        full = eighths - (self._rows - y) * 8
        return [Segment(EIGHTHS[min(full, 8) - 1] * self._cells, self._fill(column, whole=full >= 8)), self._space]

    @property
    def _space(self) -> Segment:
        return Segment(" " * self._gap, self._paint.base)

    def _fill(self, column: _Column, *, whole: bool) -> Style:
        """A whole cell has its colour behind it, too: whatever the font, no gap shows, and a copy has the block."""
        role = "accent" if column.chosen else "npu-2"
        return self._paint.ink(role, on=role if whole else "")

    def _unknown(self, y: int, text: str, strong: Style) -> list[Segment]:
        """An outline, of the same height for all whose height is not known."""
        cells, paint = self._cells, self._paint
        height = max(self._rows // 2, 2)
        line = y - (self._rows + 1 - height)
        style = paint.ink("accent") if strong.bold else paint.ink("line" if not paint.plain else "muted")
        if line < 0 or cells < 3:
            words = text if line == -1 or (cells < 3 and y == self._rows) else ""
            return [Segment(fit(words.center(cells), self._pitch), strong)]
        edges = "╭╮" if line == 0 else "╰╯" if line == height - 1 else "││"
        inner = ("─" if edges != "││" else " ") * (cells - 2)
        return [Segment(f"{edges[0]}{inner}{edges[1]}", style), self._space]

    def _sizes(self) -> list[Segment]:
        paint = self._paint
        row = []
        for column in self._columns:
            style = paint.pill("accent") if column.chosen else paint.ink("text")
            row.append(Segment(fit(column.size.center(self._cells), self._cells), style))
            row.append(self._space)
        left = self._width - self._pitch * len(self._columns)
        if left >= len(self._unit):
            row.append(Segment(self._unit, paint.ink("faint")))
        return row
