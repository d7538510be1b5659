"""A cursor on the parts of a ribbon, and the stretch of them that is shown."""

from collections.abc import Sequence

from tui.reports.ribbon import Part
from tui.reports.ribbon_layout import Block

LEAST = 4
"""Parts below which a stretch is not shown alone."""
NEARBY = 3
"""Part of a stretch, the third around the cursor, that is shown where the cursor is on no group."""

Window = tuple[int, int]


class RibbonCursor:
    """Place of a part, and the stretches that were zoomed into, one within the other."""

    def __init__(self) -> None:
        self._parts: tuple[Part, ...] = ()
        self._windows: list[Window] = []
        self._at = 0

    def take(self, parts: tuple[Part, ...]) -> None:
        """Stand on a newer network; the stretch stays while the network has as many parts."""
        if len(parts) != len(self._parts):
            self._windows = []
            self._at = min(self._at, max(len(parts) - 1, 0))
        self._parts = parts

    @property
    def window(self) -> Window:
        """First part shown, and the one behind the last."""
        return self._windows[-1] if self._windows else (0, len(self._parts))

    @property
    def zoomed(self) -> bool:
        """True where not all parts are shown."""
        return bool(self._windows)

    def index(self, blocks: Sequence[Block]) -> int | None:
        """Place of the block under the cursor."""
        first = self.window[0]
        for at, block in enumerate(blocks):
            first += len(block.parts)
            if self._at < first:
                return at
        return None

    def block(self, blocks: Sequence[Block]) -> Block | None:
        """The block under the cursor."""
        at = self.index(blocks)
        return None if at is None else blocks[at]

    def walk(self, blocks: Sequence[Block], step: int) -> None:
        """Move by so many blocks; from the end of a stretch on to its neighbour of the same length."""
        at = self.index(blocks)
        if at is None:
            return
        if 0 <= at + step < len(blocks):
            first = self.window[0]
            self._at = first + sum(len(block.parts) for block in blocks[: at + step])
        elif self._windows:
            self._slide(1 if step > 0 else -1)

    def _slide(self, way: int) -> None:
        first, end = self.window
        outer = self._windows[-2] if len(self._windows) > 1 else (0, len(self._parts))
        length = end - first
        if way > 0 and end < outer[1]:
            end = min(end + length, outer[1])
            self._windows[-1] = (end - length, end)
            self._at = max(self._at + 1, end - length)
        elif way < 0 and first > outer[0]:
            first = max(first - length, outer[0])
            self._windows[-1] = (first, first + length)
            self._at = min(self._at - 1, first + length - 1)

    def zoom_in(self, blocks: Sequence[Block]) -> bool:
        """Show the parts of the group under the cursor, or those around it; False where they are few already."""
        at = self.index(blocks)
        first, end = self.window
        if at is None or end - first < LEAST:
            return False
        start = first + sum(len(block.parts) for block in blocks[:at])
        count = len(blocks[at].parts)
        if count > 1 and count < end - first:
            self._windows.append((start, start + count))
            return True
        length = max((end - first) // NEARBY, LEAST)
        if length >= end - first:
            return False
        start = min(max(self._at - length // 2, first), end - length)
        self._windows.append((start, start + length))
        return True

    def zoom_out(self) -> bool:
        """Show the stretch before; False where all is shown."""
        return bool(self._windows) and self._windows.pop() is not None

    def go(self, operator: int | None, step: int | None) -> None:
        """Stand on an operator of the NPU or a step of the plan; a stretch without it is left."""
        for at, part in enumerate(self._parts):
            if (operator is not None and part.operator == operator) or (step is not None and part.step == step):
                self._at = at
                while self._windows and not self.window[0] <= at < self.window[1]:
                    self._windows.pop()
                return
