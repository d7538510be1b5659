"""The panels of the Run screen side by side, each as high as its content, or one of them alone."""

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widget import Widget

from tui.app.widgets.live import LiveArea, Stand
from tui.app.widgets.panel import Panel
from tui.app.widgets.panels import PANELS
from tui.app.widgets.words import Clock

WIDE, HIGH = 110, 28
"""Size of a screen from which on the panels stand side by side; below, one at a time."""
HUGE = 160
"""Width from which on they stand in three columns, below in two."""

FRAMED = 30
"""Rows from which on a card has a frame around it, not only a line above."""
FRAME = 2
LEAST_LOG, LOG_SHARE = 6, 0.35
"""Rows of the log that the panels above it leave, whatever they could use."""
LEAST_UPPER = 7
NETWORK = 4
"""Rows of the network, and one more with a frame: as in the style sheet."""
LEAST_LIST = 4
"""Rows of a list beside the map of the memory."""


class Board(Vertical):
    """All panels."""

    def __init__(self, clock: Clock, directory: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._made = {info.id: info.make(id=info.id, number=number) for number, info in enumerate(PANELS, start=1)}
        for panel in self._made.values():
            panel.clock, panel.directory = clock, directory
        self.stands_in = False
        """True while the live area stands in for panels."""

    def compose(self) -> ComposeResult:
        """The network across the top, time, memory, check and advice in columns, the log at the bottom."""
        with Vertical(id="top"):
            yield from self._at("top")
        yield LiveArea(id="live")
        with Horizontal(id="upper"):
            with Vertical(id="left"):
                yield from self._at("left")
            with Horizontal(id="beside"):
                with Vertical(id="middle"):
                    yield from self._at("middle")
                with Vertical(id="right"):
                    yield from self._at("right")
        with Vertical(id="bottom"):
            yield from self._at("bottom")

    def _at(self, place: str) -> list[Panel]:
        return [self._made[info.id] for info in PANELS if info.place == place]

    @property
    def panels(self) -> list[Panel]:
        """All panels in the order of their numbers."""
        return list(self._made.values())

    def place(self, size: Size, current: int, *, zoomed: bool, stand: Stand = "") -> bool:
        """Show the panels that a screen of this size has room for; True where that is the current one alone.

        Beside what stands in for them there are only the log and, while the network is at work, that.
        """
        fits = [size.height >= info.rows for info in PANELS]
        small = size.width < WIDE or size.height < HIGH
        beside = {"log"} if small or stand != "inferences" else {"log", "delegation"}
        stays = PANELS[current].id == "execution" or (PANELS[current].id in beside and not small)
        # Alone, the panel that has nothing yet would be an empty screen: what stands in for it stays, and the log.
        empty = PANELS[current].id == "execution" and stand in ("stages", "nothing")
        self.stands_in = bool(stand) and stays and (not zoomed or empty)
        single = small if self.stands_in else zoomed or small or bool(stand) or not fits[current]
        for index, (info, panel) in enumerate(zip(PANELS, self.panels, strict=True)):
            panel.display = info.id in beside if self.stands_in else index == current if single else fits[index]
        self.query_one(LiveArea).display = self.stands_in
        for place in ("middle", "right", "beside", "left", "upper", "top", "bottom"):
            holder = self.query_one(f"#{place}")
            holder.display = any(panel.display for panel in holder.query(Panel))
        self.set_class(single, "-single")
        self.set_class(size.width >= HUGE, "-huge")
        self.set_class(size.height >= FRAMED, "-framed")
        self.fit()
        return single

    def fit(self) -> None:
        """Give the panels between the network and the log as many rows as they have content for."""
        if self.has_class("-single"):
            for widget in self.query("#upper, #right, #right .panel"):
                if widget.styles.inline.has_rule("height"):
                    widget.styles.height = None
            return
        if not self.size.height or self.stands_in:
            return
        # Of a network that is just shown again the size is not known yet.
        top = self.query_one("#top")
        left = self.size.height - (NETWORK + self.has_class("-framed") if top.display else 0)
        most = left - max(LEAST_LOG, round(left * LOG_SHARE))
        wanted = {panel.id: panel.wanted_rows() + FRAME for panel in self.panels if panel.display}
        side = [panel for panel in self.query_one("#right").query(Panel) if panel.display]
        listed = sum(wanted[panel.id] for panel in side)
        middle = wanted.get("memory", 0)
        columns = (middle, listed) if self.has_class("-huge") else (middle + listed,)
        rows = min(max(wanted.get("execution", 0), *columns, LEAST_UPPER), max(most, LEAST_UPPER))
        _set_height(self.query_one("#upper"), rows)
        if not side:
            return
        if self.has_class("-huge"):
            _set_height(self.query_one("#right"), "1fr")
            room = rows
        else:
            # Below the map of the memory, lists have at most half of the rows.
            room = max(rows - middle, min(listed, rows // 2), LEAST_LIST * len(side))
            _set_height(self.query_one("#right"), room)
        *others, last = side
        for panel in others:
            kept = min(wanted[last.id], room // 2)
            _set_height(panel, max(min(wanted[panel.id], room - kept), LEAST_LIST))

    def on_mount(self) -> None:
        """Fit the panels again after each layout: into how many rows a text wraps follows from its width."""
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self.fit())


def _set_height(widget: Widget, height: int | str) -> None:
    """Set a height, where it is another: a layout draws all of the screen."""
    if str(widget.styles.height) != str(height):
        widget.styles.height = height
