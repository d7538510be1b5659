"""Panel: suggestions, with the run's evidence."""

from typing import ClassVar

from textual.content import Content

from tui.analysis import advice
from tui.analysis.advice import Advice
from tui.app.widgets.panel import TextPanel
from tui.reports.format import number
from tui.run.state import State
from tui.text import clean


class AdvicePanel(TextPanel):
    """Advice that the run's own figures give; what Vela would say of other targets is left to the command."""

    TITLE = "Advice"
    FIGURES: ClassVar = (
        ("advice", "What to change, where this run has evidence for it."),
        ("cycles", "Estimated cycles of what would be changed: the most it can save."),
    )

    def summary(self, state: State) -> str:
        """Number of suggestions."""
        found = advice.of(state).advice
        return str(len(found)) if found else ""

    def content(self, state: State) -> Content:
        """Each with its evidence."""
        found = advice.of(state).advice
        if not found:
            over = state.run.status != "running"
            return Content("No suggestions for this run." if over else "No suggestions yet.")
        lines = [line for one in found for line in _lines(one)]
        lines.append(Content.assemble((f"to try it: fvp-tui advise {clean(state.run.id)} --try", "$muted")))
        return Content("\n").join(lines)


def _lines(one: Advice) -> list[Content]:
    options = f": {' '.join(one.options)}" if one.options else ""
    cycles = f"  {number(one.cycles)} cycles" if one.cycles else ""
    found = [
        Content.assemble((f"{clean(one.what, 200)}{clean(options)}", "bold"), cycles),
        Content(clean(one.evidence)),
    ]
    if one.line:
        found.append(Content.assemble((clean(one.line), "$muted")))
    return [*found, Content("")]
