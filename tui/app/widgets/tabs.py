"""The panels of the Run screen as a line of tabs."""

from textual.content import Content
from textual.widgets import Static

from tui.app.widgets.drawing import show
from tui.app.widgets.panel import Panel
from tui.run.state import State


class Tabs(Static):
    """The panels with a word of what is in them, where only one of them fits."""

    def __init__(self) -> None:
        super().__init__("", markup=False, id="tabs")

    def show(self, panels: list[Panel], current: Panel, state: State) -> None:
        """Name all panels; the words of those that are hidden as far as the width takes them."""
        width = self.size.width or self.app.size.width
        titles = {panel: f"{panel.number} {panel.TITLE}" for panel in panels}
        words = {panel: panel.brief(state) for panel in panels if panel is not current}
        # What is in the panels is news; their whole names are not.
        if sum(len(text) + 2 for text in titles.values()) + sum(len(w) + 1 for w in words.values() if w) > width - 2:
            titles = {panel: f"{panel.number} {panel.TITLE.split()[0]}" for panel in panels}
        left = width - 2 - sum(len(title) + 2 for title in titles.values())
        # What went wrong first, then short words: that way most panels have one.
        for panel, word in sorted(words.items(), key=lambda item: (not item[0].alarms(state), len(item[1]))):
            if word and len(word) + 1 <= left:
                titles[panel] += f" {word}"
                left -= len(word) + 1
        drawn = Content("").join(
            Content.assemble((f"[{title}]", "bold $accent")) if panel is current else Content(f" {title} ")
            for panel, title in titles.items()
        )
        show(self, drawn, layout=False)  # one line it stays: with a layout, all of the screen would be drawn
