"""The panels of the Run screen as a line of tabs, each with its panel's figure."""

from textual.content import Content
from textual.widgets import Static

from tui.app.widgets.drawing import show
from tui.app.widgets.panel import Panel
from tui.run.state import State

SHORT = 4
"""Letters of a title where the width is short."""


class Tabs(Static):
    """The panels with a word of what is in them, where only one of them fits."""

    def __init__(self) -> None:
        super().__init__("", markup=False, id="tabs")

    def show(self, panels: list[Panel], current: Panel, state: State) -> None:
        """Name all panels; their figures as far as the width takes them."""
        width = self.size.width or self.app.size.width
        words = {panel: panel.brief(state) for panel in panels}
        titles = {panel: panel.TITLE for panel in panels}
        # What is in the panels is news; their whole names are not.
        first = [len(words[p]) + 1 for p in panels if words[p] and (p is current or p.alarms(state))]
        if sum(len(f"{p.number} {p.TITLE}") + 2 for p in panels) + sum(first) > width:
            titles = {panel: panel.TITLE if panel is current else panel.TITLE[:SHORT] for panel in panels}
        left = width - sum(len(f"{panel.number} {titles[panel]}") + 2 for panel in panels)
        said: dict[Panel, str] = {}
        # What went wrong first, then the panel that is shown, then short words: that way most panels have one.
        for panel, word in sorted(
            words.items(), key=lambda item: (not item[0].alarms(state), item[0] is not current, len(item[1]))
        ):
            if word and len(word) + 1 <= left:
                said[panel] = f" {word}"
                left -= len(word) + 1
        drawn = Content("").join(
            _tab(panel, titles[panel], said.get(panel, ""), current=panel is current, alarms=panel.alarms(state))
            for panel in panels
        )
        show(self, drawn, layout=False)  # one line it stays: with a layout, all of the screen would be drawn


def _tab(panel: Panel, title: str, word: str, *, current: bool, alarms: bool) -> Content:
    number, tone = f"{panel.number} ", "bold $fail" if alarms else "$muted"
    if not current:
        return Content.assemble(" ", (number, "$accent"), (title, "$foreground"), (word, tone), " ")
    ground = "on $surface"
    return Content.assemble(
        ("▌", f"$accent {ground}"),
        (number, f"bold $accent {ground}"),
        (title, f"bold $strong {ground}"),
        (word, f"{tone if alarms else '$foreground'} {ground}"),
        (" ", ground),
    )
