"""The panels of the Run screen, in the order of their number keys. A new panel is a widget and a line here."""

from typing import Literal, NamedTuple

from tui.app.widgets.advice import AdvicePanel
from tui.app.widgets.delegation import DelegationPanel
from tui.app.widgets.execution import ExecutionPanel
from tui.app.widgets.log_panel import LogPanel
from tui.app.widgets.memory import MemoryPanel
from tui.app.widgets.panel import Panel
from tui.app.widgets.verdict import VerdictPanel


class PanelInfo(NamedTuple):
    """A panel's widget, and its place on a wide screen."""

    id: str
    make: type[Panel]
    place: Literal["top", "left", "middle", "right", "bottom"]
    rows: int = 0
    """Fewest rows of a terminal on which it stands beside the others."""


PANELS: tuple[PanelInfo, ...] = (
    PanelInfo("execution", ExecutionPanel, "left"),
    PanelInfo("delegation", DelegationPanel, "top"),
    PanelInfo("verdict", VerdictPanel, "right", rows=46),
    PanelInfo("memory", MemoryPanel, "middle"),
    PanelInfo("log", LogPanel, "bottom"),
    PanelInfo("advice", AdvicePanel, "right", rows=36),
)
