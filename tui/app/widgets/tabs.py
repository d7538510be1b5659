"""The panels of the Run screen as a line of tabs, each with its panel's figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.panel import Panel
from tui.run.state import State

SHORT = 4
"""Letters of a title where the width is short."""
CURRENT = "▌"


@dataclass(frozen=True)
class Tab:
    """A panel's number, title and figure."""

    number: int
    title: str
    figure: str
    current: bool
    alarms: bool
    """True where the figure reports a failure."""

    @property
    def urgent(self) -> bool:
        """True for a figure that is worth more than the whole titles of the others."""
        return bool(self.figure) and self.alarms


class Tabs(Lines):
    """The panels with a word of what is in them, where only one of them fits."""

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._tabs: tuple[Tab, ...] = ()

    def show(self, panels: Sequence[Panel], current: Panel, state: State) -> None:
        """Name all panels, and the one that is shown."""
        self._tabs = tuple(
            Tab(panel.number, panel.TITLE, panel.brief(state), panel is current, panel.alarms(state))
            for panel in panels
        )
        self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw all tabs; their figures as far as the width takes them."""
        row: list[Segment] = []
        for tab, title, figure in _fitting(self._tabs, width):
            ground = "surface" if tab.current else ""
            alarm = paint.ink("fail", bold=True, on=ground)
            row += [
                Segment(CURRENT if tab.current else " ", paint.ink("accent", on=ground)),
                Segment(f"{tab.number} ", paint.ink("accent", bold=tab.current, on=ground)),
                Segment(title, paint.ink("strong" if tab.current else "text", bold=tab.current, on=ground)),
                Segment(
                    f"{figure} ", alarm if tab.alarms else paint.ink("text" if tab.current else "muted", on=ground)
                ),
            ]
        return [Strip(row)]


def _fitting(tabs: Sequence[Tab], width: int) -> list[tuple[Tab, str, str]]:
    """Each tab with its title, which is cut where that makes room for news, and its figure, where it has room."""
    whole = sum(len(f"{tab.number} {tab.title}") + 2 for tab in tabs)
    urgent = sum(len(tab.figure) + 1 for tab in tabs if tab.urgent)
    cut = whole + urgent > width
    titles = [tab.title[:SHORT] if cut and not tab.current else tab.title for tab in tabs]
    left = width - sum(len(f"{tab.number} {title}") + 2 for tab, title in zip(tabs, titles, strict=True))
    figures = [""] * len(tabs)
    # What went wrong first, then the panel that is shown, then short ones: that way most panels have theirs.
    for at in sorted(
        range(len(tabs)), key=lambda at: (not tabs[at].alarms, not tabs[at].current, len(tabs[at].figure))
    ):
        figure = tabs[at].figure
        if figure and len(figure) + 1 <= left:
            figures[at] = f" {figure}"
            left -= len(figure) + 1
    return list(zip(tabs, titles, figures, strict=True))
