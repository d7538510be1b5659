"""The headline figures of a run in a row, as many as there is room for."""

from textual.app import ComposeResult
from textual.containers import Container

from tui.app.widgets.faces import LAST, faces
from tui.app.widgets.tile import Tile
from tui.run.state import State

NARROW, BROAD = 72, 110
"""Widths from which on there are four tiles, and five."""
TALL, LOW = 5, 3
"""Rows of a tile."""
LEAVES = {5: (), 4: (1,), 3: (1, 2)}
"""Tiles that are left out, by how many there are: NPU cycles go first, then the share on the NPU."""


class Tiles(Container):
    """Latency, NPU cycles, share on the NPU, SRAM peak and check."""

    def compose(self) -> ComposeResult:
        """All tiles."""
        for _ in range(5):
            yield Tile()

    def take(self, state: State, last: State | None = None, named: str = LAST) -> None:
        """Show a newer state; what is not known yet as in `last`, an earlier run, which `named` names."""
        for tile, face in zip(self.query(Tile), faces(state, last, named), strict=True):
            tile.show(face)

    def make_room(self, width: int, height: int) -> None:
        """Make room for a screen of this size: fewer tiles on a narrow one, lower ones on a short one."""
        count = 5 if width >= BROAD else 4 if width >= NARROW else 3
        rows = TALL if width >= BROAD and height >= 32 else LOW if height >= 20 else 1
        self.styles.grid_size_columns = count
        self.styles.height = rows
        for at, tile in enumerate(self.query(Tile)):
            tile.display = at not in LEAVES[count]
            tile.styles.height = rows
