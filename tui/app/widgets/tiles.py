"""The headline figures of a run in a row, as many as there is room for."""

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message

from tui.analysis.changes import measured_against
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.faces import LAST, Changed, faces, with_change
from tui.app.widgets.tile import Tile, TileFace
from tui.reports.when import moment
from tui.run.state import State

NARROW, BROAD = 72, 110
"""Widths from which on there are four tiles, and five."""
TALL, LOW = 5, 3
"""Rows of a tile."""
LEAVES = {5: (), 4: (1,), 3: (1, 2)}
"""Tiles that are left out, by how many there are: NPU cycles go first, then the share on the NPU."""


class Tiles(Container):
    """Latency, NPU cycles, share on the NPU, SRAM peak and check."""

    class Measured(Message):
        """The change of the latency, None where there is nothing to measure it against."""

        def __init__(self, changed: Changed | None) -> None:
            super().__init__()
            self.changed = changed

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._changed: Changed | None = None
        self._latency: TileFace | None = None
        """The first face, without its change; None while the run goes on."""

    def compose(self) -> ComposeResult:
        """All tiles."""
        for _ in range(5):
            yield Tile()

    def take(self, state: State, last: State | None = None, named: str = LAST) -> None:
        """Show a newer state; what is not known yet as in `last`, an earlier run, which `named` names."""
        shown = list(faces(state, last, named))
        self._latency = None if state.run.status == "running" else shown[0]
        if self._changed is not None and self._latency is not None:
            shown[0] = with_change(self._latency, self._changed)
        for tile, face in zip(self.query(Tile), shown, strict=True):
            tile.show(face)

    def measure(self, directory: Path, state: State, now: float) -> None:
        """Look up, beside the event loop, what a run that is over is measured against, and say it in the first tile."""

        def work() -> None:
            found = measured_against(directory, state)
            if found is None:
                tell(self, self.Measured(None))
                return
            reference, percent = found
            when = moment(reference.run.name, reference.run.created, now)
            tell(self, self.Measured(Changed(percent, reference.baseline, when)))

        in_background("changes", work)

    def on_tiles_measured(self, event: Measured) -> None:
        """Say how the latency has changed."""
        event.stop()
        self._changed = event.changed
        if self._latency is not None:
            changed = event.changed
            self.query(Tile).first().show(with_change(self._latency, changed) if changed else self._latency)

    def make_room(self, width: int, height: int) -> None:
        """Make room for a screen of this size: fewer tiles on a narrow one, lower ones on a short one."""
        count = 5 if width >= BROAD else 4 if width >= NARROW else 3
        rows = TALL if width >= BROAD and height >= 32 else LOW if height >= 20 else 1
        self.styles.grid_size_columns = count
        self.styles.height = rows
        for at, tile in enumerate(self.query(Tile)):
            tile.display = at not in LEAVES[count]
            tile.styles.height = rows
