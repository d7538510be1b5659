"""A grid of braille dots, two across and four down in each cell."""

BLANK = 0x2800
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of the dot in each row and column of a cell."""


class Dots:
    """Dots by place from the upper left corner."""

    def __init__(self, columns: int, rows: int) -> None:
        """Take the size in cells."""
        self.columns, self.rows = columns, rows
        self._cells = [[0] * columns for _ in range(rows)]

    def set(self, x: int, y: int) -> None:
        """Set a dot; one outside is left out."""
        if 0 <= x < self.columns * 2 and 0 <= y < self.rows * 4:
            self._cells[y // 4][x // 2] |= BITS[y % 4][x % 2]

    def line(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """Set the dots from one to another."""
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            self.set(round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps))

    def text(self, row: int) -> str:
        """Return a row of cells; a blank where there is no dot."""
        return "".join(chr(BLANK + bits) if bits else " " for bits in self._cells[row])
