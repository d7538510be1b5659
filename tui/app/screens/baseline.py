"""Marking a run as the one that others are measured against, from wherever it is shown."""

import time
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.app.widgets.tiles import Tiles
from tui.app.widgets.words import Clock, model_name
from tui.errors import UserError
from tui.reports.when import moment
from tui.run import baselines, index
from tui.run.index import Row
from tui.run.state import State
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


class MeasuredScreen(Screen[None]):
    """A screen of one run, whose latency is measured against that of another."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "b",
            "baseline",
            "Baseline",
            show=False,
            tooltip="Measure the runs of this model against this one, or no longer",
            id="run.baseline",
        )
    ]

    clock: Clock = staticmethod(time.time)
    """Tells the Unix time to all that shows how long something has taken."""
    directory: Path
    state: State | None

    def measure(self, state: State) -> None:
        """Say how the latency of a run that is over has changed."""
        self.query_one(Tiles).measure(self.directory, state, self.clock())

    def on_screen_resume(self) -> None:
        """Measure again: on History another run may have been marked."""
        if self.state is not None and self.state.run.status != "running" and self.children:
            self.measure(self.state)

    def action_baseline(self) -> None:
        """Measure the model of this run against it, or no longer."""
        if self.state is None:
            return
        row = index.row(self.directory.name, self.state, pinned=False)
        if toggle_baseline(self, row, moment(row.name, row.created, self.clock())):
            self.measure(self.state)
