"""Marking a run as the one that others are measured against, from wherever it is shown."""

from typing import Any

from textual.screen import Screen

from tui.app.widgets.words import model_name
from tui.errors import UserError
from tui.run import baselines
from tui.run.index import Row
from tui.text import clean, printable_name


def toggle_baseline(screen: Screen[Any], run: Row, when: str) -> bool:
    """Make a run the baseline of its family, or no longer; `when` it was, in words. False where it cannot be one."""
    family = baselines.family(run.model, run.accelerator)
    if family is None or run.latency_ms is None:
        screen.notify("This run has no latency to measure others against.", markup=False)
        return False
    marked = baselines.read().get(family) == run.name
    try:
        baselines.mark(family, None if marked else run.name)
    except UserError as error:
        screen.notify(clean(str(error)), severity="error", markup=False)
        return False
    others = f"runs of {model_name(family.model, 30)} on {printable_name(family.npu)}"
    than = "the run before" if marked else f"the baseline of {when}"
    screen.notify(f"From now on {others} are measured against {than}.", markup=False)
    return True
