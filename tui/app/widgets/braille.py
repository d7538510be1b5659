"""A canvas of braille dots, two by four in a cell, for lines that are finer than a cell."""

ACROSS, DOWN = 2, 4
EMPTY = 0x2800
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot of a cell, by row and column."""


class Dots:
    """Dots on `width` times `height` cells; x to the right, y downwards, both in dots."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells: dict[tuple[int, int], int] = {}

    def dot(self, x: int, y: int) -> None:
        """Set a dot; one outside the canvas is left out."""
        column, row = x // ACROSS, y // DOWN
        if 0 <= column < self.width and 0 <= row < self.height:
            self._cells[column, row] = self._cells.get((column, row), 0) | BITS[y % DOWN][x % ACROSS]

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Set the dots between two points, and theirs."""
        steps = max(round(abs(x1 - x0)), round(abs(y1 - y0)), 1)
        for at in range(steps + 1):
            self.dot(round(x0 + (x1 - x0) * at / steps), round(y0 + (y1 - y0) * at / steps))

    def cell(self, column: int, row: int) -> str:
        """The character of a cell; empty where it has no dot."""
        bits = self._cells.get((column, row), 0)
        return chr(EMPTY + bits) if bits else ""
